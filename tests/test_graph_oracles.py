"""The engines give the numbers that the models' own programs gave.

Small cases, whose numbers are facts (../shared/reference/propagation.md, section 2), stand here;
every folder of recorded numbers is run too where there are any. All to 1e-9 of a share (of the
normal flow for ARIO), which is coarser than the peers' own printing (15 to 17 digits); sweep counts
T are equal.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graph.ario import ArioRules, Economy, ario, economy
from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays, compile_arrays
from graph.esri import (
    Esri,
    closures,
    esri,
    esri_compat,
    scipy_sweep,
    sold_part,
    weight_shares,
)
from graph.esri_loops import links_as_networkx, standing_in
from graph.limits import limit
from tests.oracle_classes import OracleError, class_readings
from tests.oracle_folders import (
    LIKELY_EPS,
    ArioFolder,
    EsriFolder,
    Setting,
    ario_folder,
    esri_folder,
    numbers,
    oracle_folders,
)

DATA = Path(os.environ.get("EWS_RECORDED_DATA") or Path(__file__).parents[2] / "shared" / "data")
FOLDERS = oracle_folders(DATA / "oracles")
CLOSE = 1e-9
WORK = 1e9  # links times sweeps of one folder; past it, as many shocks as that buys are run

# Fig. 1 of the ESRI paper: 11 firms, all flows 1.
FIG_1 = [(1, 0), (1, 2), (6, 3), (8, 4), (2, 6), (5, 6), (9, 6), (8, 9), (6, 10), (7, 10)]
FIG_1_SECTORS = [1, 2, 1, 3, 4, 2, 4, 1, 2, 3, 5]
FIG_1_SWEEPS = [2, 4, 3, 4, 2, 3, 3, 2, 4, 3, 4]
# Two firms in each of three sectors; class by supplier's and buyer's sector.
SIX = [
    (1, 0, 4), (2, 0, 10), (3, 0, 6), (4, 0, 8), (5, 0, 2), (0, 1, 3), (2, 1, 2), (3, 1, 5),
    (4, 1, 3), (5, 1, 7), (0, 2, 2), (1, 2, 9), (3, 2, 1), (4, 2, 6), (5, 2, 5), (0, 3, 7),
    (1, 3, 1), (2, 3, 4), (4, 3, 10), (5, 3, 3), (0, 4, 5), (1, 4, 8), (2, 4, 3), (3, 4, 9),
    (5, 4, 11), (0, 5, 11), (1, 5, 6), (2, 5, 7), (3, 5, 2), (4, 5, 4),
]  # fmt: skip
SIX_SECTORS = [1, 2, 3, 1, 2, 3]
SIX_KINDS = np.array([[2, 1, 0], [0, 2, 1], [1, 0, 2]])


def network(links: Sequence[tuple[int, ...]], sectors: Sequence[int], kinds: Ints) -> SupplyArrays:
    supplier, buyer = [link[0] for link in links], [link[1] for link in links]
    weight = [float(link[2]) if len(link) > 2 else 1.0 for link in links]
    p = np.array(sectors)
    kind = kinds[p[supplier] - 1, p[buyer] - 1]
    return compile_arrays(
        len(sectors), supplier, buyer, p[supplier], weight, essential=kind, sector=p
    )


def fig_1(kind: int) -> SupplyArrays:
    return network(FIG_1, FIG_1_SECTORS, np.full((5, 5), kind))


@pytest.mark.parametrize("engine", ["scipy", "networkx"])
def test_the_esri_papers_figure_1_with_inputs_that_are_not_essential(engine: str) -> None:
    out = esri(fig_1(NON_ESSENTIAL), closures(11, range(11)), eps=1e-2, leak=False, engine=engine)
    third = 11 / 30
    np.testing.assert_allclose(
        out.esri, [0.1, third, 0.8 / 3, 0.35, 0.1, 0.5 / 3, 0.7, 0.1, third, 0.8 / 3, 0.45],
        atol=CLOSE,
    )  # fmt: skip
    assert out.sweeps.tolist() == FIG_1_SWEEPS
    same = esri_compat(fig_1(NON_ESSENTIAL), closures(11, range(11)))
    np.testing.assert_allclose(same.esri, out.esri, atol=1e-12)
    assert same.sweeps.tolist() == FIG_1_SWEEPS


@pytest.mark.parametrize("engine", ["scipy", "networkx"])
def test_the_esri_papers_figure_1_with_essential_inputs(engine: str) -> None:
    both = [
        esri(fig_1(ESSENTIAL), closures(11, range(11)), market=market, leak=False, engine=engine)
        for market in (False, True)
    ]
    third = 11 / 30
    alone = [0.1, 0.5, 0.4, 0.35, 0.1, 0.3, 0.7, 0.1, 0.5, 0.4, 0.45]
    helped = [0.1, third, 0.4, 0.35, 0.1, 0.15, 0.7, 0.1, 0.4, 0.4, 0.45]
    np.testing.assert_allclose(both[0].esri, alone, atol=CLOSE)
    np.testing.assert_allclose(both[1].esri, helped, atol=CLOSE)


@pytest.mark.parametrize("engine", ["scipy", "networkx"])
def test_downstream_alone_with_replaceable_suppliers(engine: str) -> None:
    out = esri(fig_1(NON_ESSENTIAL), closures(11, range(11)), market=True, up=False, engine=engine)
    expected = [0, 0.3, 1 / 6, 0, 0, 7 / 60, 0.2, 0.1, 14 / 45, 1 / 6, 0]
    np.testing.assert_allclose(out.esri_down, expected, atol=CLOSE)
    assert out.sweep_bound == 0.0


@pytest.mark.parametrize("engine", ["scipy", "networkx"])
def test_six_firms_with_inputs_of_all_classes(engine: str) -> None:
    six = network(SIX, SIX_SECTORS, SIX_KINDS)
    helped, alone = (
        esri(six, closures(6, range(6)), market=market, eps=1e-12, leak=False, engine=engine)
        for market in (True, False)
    )
    down = [0.50687988214742541, 0.64501131894352026, 0.48861712817630570]
    np.testing.assert_allclose(helped.esri_down, down * 2, atol=1e-12)
    kept = [0, 0.6, 0.7894068197483480, 0, 0.6111111111111111, 0.8786670560685980]
    np.testing.assert_allclose(1 - helped.down[:, 0], kept, atol=1e-12)
    kept = [0, 0.6, 0.7391304347826090, 0, 0.6, 0.7391304347826090]
    np.testing.assert_allclose(1 - alone.down[:, 0], kept, atol=1e-12)
    np.testing.assert_allclose(helped.esri_up, 1.0, atol=1e-11)  # nothing leaks, so all fails
    assert helped.sweeps.tolist() == alone.sweeps.tolist() == [102, 158, 150, 129, 83, 107]


def test_fixed_kernels_of_sigma_and_of_the_denominators() -> None:
    shops = compile_arrays(4, [0, 1, 2], [3, 3, 3], [0, 0, 1], [2.0, 1.0, 3.0], sector=[1, 1, 2, 3])
    sigma = standing_in(
        links_as_networkx(shops, shops.link_sold_part), {0: 0.0, 1: 0.5, 2: 0.75, 3: 0.0}
    )
    assert [sigma[node] for node in (0, 1, 2)] == pytest.approx([0.8, 0.4, 1.0])
    buys = compile_arrays(
        5, [0, 1, 2, 3], [4, 4, 4, 4], [0, 0, 1, 2], [2.0, 3.0, 5.0, 7.0], essential=[2, 2, 1, 0]
    )
    one_by_one = esri(buys, closures(5, [0, 1, 2, 3]), leak=False)
    assert one_by_one.down[4] == pytest.approx([2 / 5, 3 / 5, 5 / 17, 0.0])


def test_the_leontief_inverse_of_a_two_sector_textbook_table() -> None:
    flows, final = np.array([[150.0, 500.0], [200.0, 100.0]]), np.array([350.0, 1700.0])
    made = flows.sum(axis=1) + final  # 1000 and 2000: Miller & Blair 2009, section 2.3
    table = compile_arrays(
        2, [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1], flows.ravel(), final_sales=final
    )
    delta = np.array([0.3, 0.1])
    inverse = np.linalg.inv(np.eye(2) - flows / made)
    kept = 1 - limit("leontief-inverse", table, delta=delta).loss
    np.testing.assert_allclose(made * kept, inverse @ (final * (1 - delta)), rtol=1e-14)
    np.testing.assert_allclose(inverse, [[1.2541, 0.3300], [0.2640, 1.1221]], atol=5e-5)


TABLE = np.array([[20, 35, 5, 10], [15, 30, 25, 20], [5, 15, 40, 30], [10, 5, 20, 45]], dtype=float)
FINAL = np.array([65.0, 50.0, 85.0, 85.0])
HELD_DOWN = np.concatenate(
    [np.zeros(3), np.full(17, 0.8), np.arange(19, -1, -1) * 0.04, np.zeros(20)]
)
DAYS = [1, 3, 4, 10, 17, 19, 25, 36, 45, 59]
# What BoARIO 0.7.2 made of TABLE (2 regions x 2 sectors, the first region hit): total output on
# DAYS as a share of the normal, then output of each industry on day 19.
BOARIO = [
    (
        ArioRules(),
        [1.0, 0.6422764227642277, 0.642338115694058, 0.6427128860560211, 0.6431594884427432,
         0.6432888168593416, 0.7518628775019944, 0.9510618667164883, 1.0054199541746145,
         1.0056247052701606],
        [27.185257325056412, 28.18107847507845, 175.01691016916936, 165.23937639919083],
    ),
    (
        ArioRules(psi=0.5, stock_days=10.0, restock_days=20.0, orders="noalt"),
        [1.0, 0.6422764227642277, 0.599192091314374, 0.5704118246772716, 0.5919538651135056,
         0.5981909816926327, 0.7016413560016165, 0.9367479358098125, 1.0063527586068168,
         1.0069286899979055],
        [27.20366728848795, 28.21892704008641, 155.29352299475215, 157.1713364176426],
    ),
    (
        ArioRules(psi=0.9, stock_days=5.0, restock_days=5.0, alpha_max=1.1, alpha_days=30.0),
        [1.0, 0.6422764227642277, 0.6426113898137182, 0.5732477849510631, 0.49781581942298575,
         0.47964965474404647, 0.5639894761997237, 0.5469939503402865, 0.5418091550643046,
         0.6026248096414109],
        [27.777814034720397, 28.772568201522652, 117.83682864611059, 120.59732678523494],
    ),
]  # fmt: skip


@pytest.mark.parametrize("engine", ["dense", "kernel"])
@pytest.mark.parametrize(("rules", "totals", "day_19"), BOARIO)
def test_four_industries_as_boario_runs_them(
    rules: ArioRules, totals: list[float], day_19: list[float], engine: str
) -> None:
    table = economy(TABLE, FINAL, [0, 1, 0, 1])
    loss = HELD_DOWN[:, None] * np.array([1.0, 1.0, 0.0, 0.0])
    out = ario(table, loss, rules, engine=engine)
    made = out.production.sum(axis=1) / table.output.sum()
    np.testing.assert_allclose(made[DAYS], totals, rtol=1e-12)
    np.testing.assert_allclose(out.production[19], day_19, rtol=1e-12)


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("kind", "folder"),
    FOLDERS
    or [pytest.param("", DATA, marks=pytest.mark.skip(reason="no oracles; set EWS_RECORDED_DATA"))],
    ids=[f"{kind}-{folder.relative_to(DATA / 'oracles')}" for kind, folder in FOLDERS] or ["none"],
)
def test_every_recorded_oracle_is_met(kind: str, folder: Path) -> None:
    if kind not in READERS:
        files = ", ".join(sorted(path.name for path in folder.iterdir()))
        raise OracleError(f"{folder}: no kind of oracle that is known; it holds {files}")
    errors = READERS[kind](folder)
    assert errors, f"{folder}: nothing in it could be compared"
    wrong = {name: error for name, error in errors.items() if not error <= CLOSE}
    assert not wrong


def esri_errors(folder: Path) -> dict[str, float]:
    """By what is compared: the greatest difference; for sweep counts how many differ."""
    of = esri_folder(folder)
    return {
        f"{variant or 'esri'} {name}": error
        for variant in of.variants
        for name, error in variant_errors(of, variant).items()
    }


def variant_errors(of: EsriFolder, variant: str) -> dict[str, float]:
    best, least, refused = None, (math.inf, math.inf), ""
    for setting in of.settings(variant):
        expected, shocks = expected_of(of, variant, setting)
        some = spread(shocks.shape[1], 24)
        try:
            for eps in likely_eps(setting, shocks[:, some], expected, some):
                tried = replace(setting, eps=eps)
                errors = run(tried, shocks, expected, some, "scipy")
                score = (errors.get("T", 0.0), max(errors.values()))
                if score < least:
                    best, least = tried, score
        except ValueError as why:
            refused = str(why)
        if least[1] <= CLOSE:
            break
    if best is None:
        raise OracleError(f"{of.folder}: {variant or 'esri'} cannot be run: {refused}")
    expected, shocks = expected_of(of, variant, best)
    sweeps = expected.get("T")
    each = best.arrays.links * (float(sweeps.mean()) if sweeps is not None else 100.0)
    some = spread(shocks.shape[1], max(24, int(WORK / max(each, 1.0))))
    found: dict[str, float] = {}
    for at in np.array_split(some, -(-len(some) // 256)):
        for name, error in run(best, shocks, expected, at, "scipy").items():
            found[name] = max(found.get(name, 0.0), error)
    if best.arrays.links * len(some) < 10_000:
        loops = run(best, shocks, expected, some, "networkx")
        found.update({f"{name} by loops": error for name, error in loops.items()})
    return found


def likely_eps(
    setting: Setting, shocks: Floats, expected: dict[str, Floats], some: Ints
) -> list[float]:
    """A few eps: the one that is said, and those which the sweep counts or ESRI agree with.

    All eps stop on one path of losses, so the path is gone once and each eps is read off it.
    """
    told = {name: values[..., some] for name, values in expected.items()}
    if "esri" not in told and {"loss_down", "loss_up"} <= set(told):
        share = weight_shares(
            setting.arrays.sold_weight if setting.weights is None else setting.weights,
            setting.arrays.nodes,
        )
        told["esri"] = share @ np.maximum(told["loss_down"], told["loss_up"])
    rises, whole = path_of(setting, shocks, told)
    none = np.where(whole[1:] > 0, np.inf, 1.0)  # from nothing to something is more than any ratio
    ratio = np.divide(whole[1:], whole[:-1], out=none, where=whole[:-1] > 0) - 1.0
    least = np.minimum.accumulate(rises if setting.stop == "increase" else ratio)
    at = np.arange(len(some))
    if "T" in told:
        sweeps = np.clip(told["T"].astype(np.int64), 1, len(least))
        edges = [float(least[sweeps - 1, at].max())]
    elif "esri" in told:  # each sweep after which ESRI is the one given may have been the last
        edges = np.unique(least[np.abs(whole[1:] - told["esri"]) <= CLOSE])[:2000].tolist()
    else:
        return [setting.eps] if setting.eps else LIKELY_EPS
    first = [setting.eps] if setting.eps else []
    every = np.array([*first, *LIKELY_EPS, *edges])
    every = every[every > 0]
    stops = np.array([(least > eps).sum(axis=0) + 1 for eps in every])
    if "T" in told:
        off = (stops != told["T"]).sum(axis=1).astype(float)
    else:
        reached = whole[np.minimum(stops, len(whole) - 1), at]
        off = np.abs(reached - told["esri"]).max(axis=1)
    good = np.flatnonzero(off <= max(CLOSE, float(off.min())))
    by_stops = {stops[k].tobytes(): float(every[k]) for k in good[::-1]}  # the likeliest of each
    return first + [eps for eps in list(by_stops.values())[::-1][:6] if eps not in first]


def path_of(setting: Setting, shocks: Floats, told: dict[str, Floats]) -> tuple[Floats, Floats]:
    """(greatest rise of a loss, ESRI before and after) of each sweep, as far as the peer may have
    gone: to its sweep count, or until every ESRI is past the one that it gave."""
    arrays = setting.arrays
    sweep = scipy_sweep(arrays, sold_part(arrays, setting.leak), setting.market, True)
    share = weight_shares(
        arrays.sold_weight if setting.weights is None else setting.weights, arrays.nodes
    )
    most = int(told["T"].max()) + 1 if "T" in told else 10_000
    lost, unordered, rises, whole = shocks, shocks, [], [share @ shocks]
    for _ in range(most):
        new = sweep(shocks, lost, unordered)
        rises.append(np.maximum((new[0] - lost).max(axis=0), (new[1] - unordered).max(axis=0)))
        lost, unordered = new
        whole.append(share @ np.maximum(lost, unordered))
        passed = "esri" in told and bool((whole[-1] > told["esri"] + CLOSE).all())
        if "T" not in told and (passed or rises[-1].max(initial=0.0) <= 1e-16):
            break
    return np.array(rises), np.array(whole)


def run(
    setting: Setting, shocks: Floats, expected: dict[str, Floats], some: Ints, engine: str
) -> dict[str, float]:
    """Differences; a rise that equals eps but for rounding may count either way, as in the peer."""
    enough = int(expected["T"].max()) + 2 if "T" in expected else 10_000
    eps = setting.eps or 0.0

    def at(eps: float) -> Esri:
        return esri(
            setting.arrays, shocks[:, some], eps=eps, market=setting.market, stop=setting.stop,
            leak=setting.leak, weights=setting.weights, engine=engine, max_sweeps=enough,
        )  # fmt: skip

    out = [at(eps)]
    if "T" in expected and bool((out[0].sweeps != expected["T"][some]).any()):
        out += [at(eps * (1 - 1e-9)), at(eps * (1 + 1e-9))]
    return apart(out, expected, some)


HEADS = {
    "esri": ("esri", "esri_total", "total", "esri_combined", "combined", "esri_both", "both"),
    "esri_down": ("esri_down", "desri", "esri_d", "down", "d_esri", "down_esri",
                  "downstream", "esri_downstream"),
    "esri_up": ("esri_up", "uesri", "esri_u", "up", "u_esri", "up_esri", "upstream",
                "esri_upstream"),
    "before": ("esri_t_1", "esri_t1", "esri_before", "before"),
    "esri_t": ("esri_t", "after"),
    "T": ("t", "sweeps", "iterations", "steps", "n_iter", "niter"),
}  # fmt: skip


def expected_of(of: EsriFolder, variant: str, setting: Setting) -> tuple[dict[str, Floats], Floats]:
    """What the folder says of a variant (shares b, losses n x b, sweep counts b), and the shocks."""
    expected: dict[str, Floats] = {}
    for kind, names in (
        ("esri", ("esri", "esri_down", "esri_up")), ("esri_down", ("esri_down",)),
        ("esri_up", ("esri_up",)), ("conv", ("before", "esri_t", "T")),
    ):  # fmt: skip
        result = of.result(kind, variant)
        if result is None:
            continue
        header, values = result
        values = values.T if len(values) == 1 and values.shape[1] > 3 else values
        header = header if len(header) == values.shape[1] else []
        header = [head.replace("-", "_").replace(".", "_").replace(" ", "_") for head in header]
        places = [next((header.index(h) for h in HEADS[n] if h in header), -1) for n in names]
        if header and max(places) < 0 and values.shape[1] > 1:
            raise OracleError(f"{of.folder}: {kind} {variant}: columns {header} not understood")
        if max(places) < 0:  # no names: in order, and one column alone is T
            places = [-1, -1, 0] if kind == "conv" and values.shape[1] == 1 else [0, 1, 2]
        for name, place in zip(names, places, strict=True):
            if 0 <= place < values.shape[1]:
                expected[name] = values[:, place]
    losses = {kind: of.result(kind, variant) for kind in ("loss_down", "loss_up")}
    n, widths = len(of.names), [len(values) for values in expected.values()]
    for kind, result in losses.items():
        if result is not None:
            values = result[1] if len(result[1]) == n else result[1].T
            expected[kind] = values
            widths.append(values.shape[1])
    shocks = of.shocks_of(max(widths), variant, setting.order)
    if any(width != shocks.shape[1] for width in widths):
        raise OracleError(f"{of.folder}: {variant}: results of {sorted(set(widths))} shocks")
    for kind in losses:
        if kind in expected:
            expected[kind] = as_losses(expected[kind], shocks)
    return expected, shocks


def as_losses(values: Floats, shocks: Floats) -> Floats:
    """Losses, also where levels were given: what is lost is never less than the shock takes."""
    if bool((values >= shocks - CLOSE).all()):
        return values
    if bool((1.0 - values >= shocks - CLOSE).all()):
        return 1.0 - values
    if values.shape == shocks.T.shape and bool((shocks - CLOSE <= values.T).all()):
        return values.T
    raise OracleError("losses smaller than the shocks themselves: neither losses nor levels")


def apart(out: list[Esri], expected: dict[str, Floats], some: Ints) -> dict[str, float]:
    """By what is said: the greatest difference, of the first run that stopped at the peer's T."""
    pick = np.zeros(len(some), dtype=int)
    for number, other in reversed(list(enumerate(out))):
        if "T" in expected:
            pick[other.sweeps == expected["T"][some]] = number
    names = {"esri_t": "esri", "loss_down": "down", "loss_up": "up", "T": "sweeps"}
    errors = {}
    for name, values in expected.items():
        ours = np.choose(pick, [getattr(one, names.get(name, name)) for one in out])
        off = np.abs(ours - values[..., some])
        errors[name] = float((off > 0).sum() if name == "T" else off.max(initial=0.0))
    return errors


def spread(count: int, most: int) -> Ints:
    """At most so many of 0..count-1, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def ario_errors(folder: Path) -> dict[str, float]:
    """By what is compared: the greatest difference, flows by the industry's normal output.

    BoARIO asks whether scarcity is 0 to the last bit. Where a steady state makes that a matter of
    rounding, its own series hangs on digits that the files do not hold; so what does not agree is
    compared again less five times what a change in the last digit of the table moves by that day.
    """
    of, errors = ario_folder(folder), {}
    expected = ario_expected(folder, of)
    for engine in ("dense", "kernel"):
        ours = ario_series(of, of.table, engine)
        for name, values in expected.items():
            off = np.abs(ours[name] - values)
            if off.max() > CLOSE:
                off = off - 5 * moved_by_rounding(of, name)
            errors[f"{name} {engine}"] = float(off.max())
    return errors


def ario_expected(folder: Path, of: ArioFolder) -> dict[str, Floats]:
    """What the folder says, by the names of ario_series."""
    names = {
        "production": ("production",),
        "alpha": ("overprod", "alpha", "overproduction"),
        "capacity": ("production_cap", "production_capacity"),
        "unmet": ("final_demand_undist", "final_demand_not_distributed"),
    }
    found = {
        ours: numbers(folder / f"{theirs}.csv")[1] / (1.0 if ours == "alpha" else of.size)
        for ours, many in names.items() for theirs in many
        if (folder / f"{theirs}.csv").is_file()
    }  # fmt: skip
    totals = ("min_total", "final", "cum_loss_days")
    said = {name: np.array([of.params[name]], dtype=float) for name in totals if name in of.params}
    return found | said


def ario_series(of: ArioFolder, table: Economy, engine: str) -> dict[str, Floats]:
    out = ario(table, of.loss, of.rules, stocks=of.stocks, engine=engine)
    total = out.production.sum(axis=1) / table.output.sum()
    return {
        "production": out.production / of.size, "capacity": out.capacity / of.size,
        "unmet": out.unmet / of.size, "alpha": out.alpha, "min_total": total.min(keepdims=True),
        "final": total[-1:], "cum_loss_days": (1 - total).sum(keepdims=True),
    }  # fmt: skip


def moved_by_rounding(of: ArioFolder, name: str) -> Floats:
    """T x 1: how far the series moves by each day when the table's flows move by 1e-15."""
    random = np.random.Generator(np.random.Philox(4))
    exact = ario_series(of, of.table, "dense")[name]
    most = np.zeros((len(exact), 1))
    for _ in range(8):
        near = 1 + 1e-15 * random.uniform(-1, 1, of.table.between.shape)
        moved = ario_series(of, replace(of.table, between=of.table.between * near), "dense")[name]
        off = np.abs(moved - exact).reshape(len(exact), -1).max(axis=1, keepdims=True)
        most = np.maximum(most, off)
    return np.asarray(np.maximum.accumulate(most))


def leontief_errors(folder: Path) -> dict[str, float]:
    flows, made, inverse = (
        numbers(folder / name)[1] for name in ("Z.csv", "x.csv", "leontief_inverse.csv")
    )
    made, n = made.ravel(), len(flows)
    final = made - flows.sum(axis=1)
    supplier, buyer = np.divmod(np.arange(n * n), n)
    arrays = compile_arrays(n, supplier, buyer, supplier, flows.ravel(), final_sales=final)
    delta = np.linspace(0.0, 0.9, n)
    kept = 1 - limit("leontief-inverse", arrays, delta=delta).loss
    return {"level": float(np.abs(kept - inverse @ (final * (1 - delta)) / made).max())}


def esri_files(folder: Path, classes: str, eps: float) -> None:
    """A folder of six firms in sectors 101, 203, 305, as a peer may have written it."""
    six = network(SIX, SIX_SECTORS, SIX_KINDS)
    out = esri(six, closures(6, range(6)), eps=eps, leak=False)
    names = ["0", "101", "203", "305"]
    firms = [f"{at},{names[sector]}" for at, sector in enumerate(SIX_SECTORS)]
    rows = [f"{a!r},{b!r},{c!r}" for a, b, c in
            np.stack([out.esri, out.esri_down, out.esri_up], axis=1).tolist()]  # fmt: skip
    for name, lines in {
        "firms": ["firm,sector", *firms],
        "edges": ["supplier,buyer,w", *(",".join(map(str, link)) for link in SIX)],
        "essential_supplier_rows_buyer_cols": classes.split(),
        "esri_nomarket": ["ESRI,DESRI,UESRI", *rows],
        "conv_nomarket": ["T", *map(str, out.sweeps.tolist())],
    }.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("eps", [1e-2, 3e-4, 1.7e-3])
@pytest.mark.parametrize(
    "classes",
    [
        "2,1,0 0,2,1 1,0,2",
        "101,203,305 2,1,0 0,2,1 1,0,2",
        "101,2,1,0 203,0,2,1 305,1,0,2",
        "sector,101,203,305 101,2,1,0 203,0,2,1 305,1,0,2",
        "1,0.5,0 0,1,0.5 0.5,0,1",
        "a,b,class 101,101,2 101,203,1 203,203,2 203,305,1 305,101,1 305,305,2",
    ],
)
def test_a_folder_is_read_however_its_classes_are_labelled_and_whatever_eps_was(
    tmp_path: Path, classes: str, eps: float
) -> None:
    esri_files(tmp_path, classes, eps)
    errors = esri_errors(tmp_path)
    assert {"nomarket esri", "nomarket esri_down", "nomarket esri_up", "nomarket T"} <= set(errors)
    assert max(errors.values()) <= CLOSE


def test_a_first_row_of_classes_that_counts_is_no_header() -> None:
    found = class_readings(
        "supplier_rows.csv", [["0", "1", "2"], ["2", "2", "2"], ["1", "1", "1"]],
        ["1", "2", "3"], {("1", "3"), ("3", "3")},
    )  # fmt: skip
    assert [kinds["1", "3"] for kinds in found] == [2]


def test_a_folder_that_is_not_understood_says_what(tmp_path: Path) -> None:
    esri_files(tmp_path, "3,1,0 0,2,1 1,0,2", 1e-2)
    with pytest.raises(OracleError, match=r"no matrix of classes 0, 1, 2 .* holds 0, 1, 2, 3"):
        esri_errors(tmp_path)
    (tmp_path / "fancy.csv").write_text("1,2\n")
    with pytest.raises(OracleError, match=r"not understood: fancy\.csv"):
        esri_errors(tmp_path)
    esri_files(tmp_path, "2,1,0 0,2,1 1,0,2", 1e-2)
    (tmp_path / "fancy.csv").unlink()
    with (tmp_path / "edges.csv").open("a") as more:
        more.write("99,1,3\n")
    with pytest.raises(OracleError, match=r"firms that firms\.csv does not: 99"):
        esri_errors(tmp_path)


READERS = {"esri": esri_errors, "ario": ario_errors, "leontief": leontief_errors}
