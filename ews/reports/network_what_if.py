"""What if a firm, or a sector, of a brought network stopped: losses by day, by firm, by path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import numpy as np

from ews.reports.network_files import ARRAYS, OpenNetwork, open_network
from ews.reports.network_views import (
    HitFirm,
    LossDay,
    NetworkPath,
    NetworkStep,
    NetworkWhatIf,
    NetworkWhy,
)
from ews.reports.viewer import NotFound, Viewer
from ews.reports.views import Label
from graph.arrays import Floats, Ints, SupplyArrays
from graph.jit import HAVE_NUMBA
from graph.joint import run_joint
from graph.planner import esri_all
from graph.scenario import Hit, Outcome, scenario
from graph.step_kernels import run_fast
from graph.supply_files import load_arrays, save_arrays
from graph.synthetic import synthetic_network
from graph.why import Path as Way
from graph.why import Why, contribution_paths

THETA = 1e-6  # changes of orders below it are not passed on; the bound stands in `switches`
HORIZON = 60
MOST_DAYS = 365
MOST_NAMED = 200  # nodes in one question
TOP = 20  # firms listed
PATHS = 5
MODES = ("separate", "joint")
NEAR = 5  # names offered when one is unknown

_one_at_a_time = Lock()  # a question of a large network may take hundreds of megabytes


@dataclass(frozen=True, slots=True)
class Blow:
    """What is supposed: nodes or a sector lose `percent` of what they make, for `days`."""

    nodes: tuple[str, ...] = ()
    sector: str = ""
    percent: float = 60.0
    days: float = 30.0
    lag: float = 0.0
    horizon: int = HORIZON
    explain: str = ""  # the firm whose loss is explained; "": the worst that was not hit itself
    top: int = TOP
    mode: str = "separate"  # or joint: what is really made drives deliveries and orders


def network_what_if(home: Path, name: str, asked: Blow, viewer: Viewer) -> NetworkWhatIf:
    """The answer on the network of that name.

    NotFound for a network, node or sector that is not there (for this viewer); ValueError for a
    wrong number.
    """
    network = open_network(home, name, viewer)
    _check(asked)
    arrays = network.arrays
    struck = _struck(network, asked)
    supposed = scenario(
        asked.horizon, [Hit(struck, asked.percent / 100, asked.lag, float(asked.days))]
    )
    explained = _number(network, asked.explain) if asked.explain else None
    with _one_at_a_time:
        joint = asked.mode == "joint"
        outcome = run_joint(arrays, supposed) if joint else run_fast(arrays, supposed, theta=THETA)
        loss = outcome.loss(arrays)
        if joint:  # same-day orders go in circles there: paths are of the separate mode
            return _answer(network, asked, struck, outcome, loss, None)
        if explained is None:
            explained = _worst(outcome, loss, struck)
        why = None
        if explained is not None:
            found = contribution_paths(arrays, outcome, supposed, explained, top=PATHS)
            why = _explained(network, found)
        return _answer(network, asked, struck, outcome, loss, why)


def _check(asked: Blow) -> None:
    if asked.mode not in MODES:
        raise ValueError(f"mode: one of {', '.join(MODES)}")
    if asked.mode == "joint" and asked.explain:
        raise ValueError("explain: paths are of the separate mode; leave mode=joint away")
    if not 0 < asked.percent <= 100:
        raise ValueError("percent: give the share of its output that is lost, above 0, up to 100")
    if not 0 < asked.days <= MOST_DAYS or not 0 <= asked.lag <= MOST_DAYS:
        raise ValueError(f"days and lag: at most {MOST_DAYS}; days above 0, lag 0 or more")
    if not 1 <= asked.horizon <= MOST_DAYS:
        raise ValueError(f"horizon: 1 to {MOST_DAYS} days")
    if not 1 <= asked.top <= 1000:
        raise ValueError("top: 1 to 1000 firms")
    if not asked.nodes and not asked.sector:
        raise ValueError("name what is hit: a node, several, or a sector")
    if len(asked.nodes) > MOST_NAMED:
        raise ValueError(f"name at most {MOST_NAMED} nodes, or a sector")


def _struck(network: OpenNetwork, asked: Blow) -> Ints:
    struck = {_number(network, node) for node in asked.nodes}
    if asked.sector:
        sectors = network.facts.sectors
        exact = [n for n, code in enumerate(sectors) if code == asked.sector]
        wide = [n for n, code in enumerate(sectors) if code.startswith(asked.sector)]
        if not wide:
            raise NotFound(f"no sector {asked.sector!r} in network {network.line.name!r}; it has "
                           f"{', '.join(sectors[:12]) or 'none'}")  # fmt: skip
        struck |= set(np.flatnonzero(np.isin(network.arrays.sector, exact or wide)).tolist())
    return np.array(sorted(struck), dtype=np.int64)


def _number(network: OpenNetwork, node: str) -> int:
    """The node of that id, with or without its kind before it. NotFound offers near ones."""
    for id in (node, f"firm:{node}"):
        if id in network.numbers:
            return network.numbers[id]
    near = [id for id in network.numbers if node and node in id][:NEAR]
    hint = f"; near: {', '.join(near)}" if near else ""
    raise NotFound(f"no node {node!r} in network {network.line.name!r}{hint}")


def named(network: OpenNetwork, node: int) -> Label:
    """A node by its id, with the names that its row gave."""
    id, facts = network.arrays.names[node], network.facts
    en = (facts.en[node] if facts.en else "") or ""
    ko = (facts.ko[node] if facts.ko else "") or ""
    return Label(id, en or ko or id, ko or en or id)


def sector_of(network: OpenNetwork, node: int) -> str:
    number = int(network.arrays.sector[node])
    return network.facts.sectors[number] if number >= 0 else ""


def _worst(outcome: Outcome, loss: Floats, struck: Ints) -> int | None:
    """The node that loses most of those that were not hit themselves; None when none does."""
    beside = np.where(np.isin(outcome.nodes, struck), 0.0, loss)
    return int(outcome.nodes[beside.argmax()]) if (beside > 0).any() else None


def _explained(network: OpenNetwork, found: Why) -> NetworkWhy:
    whole = found.loss or 1.0
    return NetworkWhy(
        who=named(network, found.target),
        loss=found.loss,
        paths=tuple(_path(network, path) for path in found.paths),
        circles=sum(loop.contribution for loop in found.loops) / whole,
        rest=found.rest / whole,
    )


def _path(network: OpenNetwork, path: Way) -> NetworkPath:
    arrays, facts = network.arrays, network.facts
    made_up = network.line.version.startswith("synthetic")
    steps = tuple(
        NetworkStep(
            supplier=named(network, step.supplier),
            buyer=named(network, step.buyer),
            item=arrays.items[step.item] if arrays.items else str(step.item),
            weight=step.weight,
            contribution=step.contribution,
            felt_from=step.felt[0],
            felt_to=step.felt[1],
            basis="synthetic" if made_up else facts.of("basis", step.link) or "unknown",
            source=network.line.source if made_up else facts.of("source", step.link),
            as_of=facts.of("as_of", step.link),
            synthetic=made_up or bool(facts.of("synthetic", step.link)),
        )
        for step in path.steps
    )
    struck = int(arrays.link_supplier[path.origin]) if path.source == "route" else path.origin
    return NetworkPath(path.share, path.contribution, path.side, named(network, struck), steps)


def _answer(
    network: OpenNetwork,
    asked: Blow,
    struck: Ints,
    outcome: Outcome,
    loss: Floats,
    why: NetworkWhy | None,
) -> NetworkWhatIf:
    arrays = network.arrays
    curve = outcome.curve(arrays)
    made = float(arrays.output.sum())
    return NetworkWhatIf(
        network=network.line,
        targets=tuple(named(network, _number(network, node)) for node in asked.nodes),
        sector=asked.sector,
        struck=len(struck),
        percent=asked.percent,
        days=asked.days,
        lag=asked.lag,
        horizon=asked.horizon,
        loss=float(curve.sum()),
        share=_part(float(curve.sum()), made * asked.horizon),
        curve=tuple(
            LossDay(day, lost, _part(lost, made)) for day, lost in enumerate(curve.tolist())
        ),
        moved=int((loss > 0).sum()),
        firms=tuple(_firms(network, asked, struck, outcome, loss)),
        why=why,
        theta=THETA if HAVE_NUMBA and asked.mode == "separate" else 0.0,
        engine=outcome.engine,
        switches=outcome.switches,
        residual=outcome.residual,
    )


def _firms(
    network: OpenNetwork, asked: Blow, struck: Ints, outcome: Outcome, loss: Floats
) -> Iterable[HitFirm]:
    arrays = network.arrays
    most = min(asked.top, len(loss))
    top = np.argpartition(-loss, most - 1)[:most] if most else np.zeros(0, np.int64)
    top = top[np.lexsort((outcome.nodes[top], -loss[top]))]
    hit = set(struck.tolist())
    for at in top[loss[top] > 0]:
        node = int(outcome.nodes[at])
        lost = 1.0 - outcome.level[:, at]
        yield HitFirm(
            who=named(network, node),
            struck=node in hit,
            first_day=int((lost > 1e-9).argmax()),
            loss=float(loss[at]),
            share=_part(float(loss[at]), float(arrays.output[node]) * asked.horizon),
            sector=sector_of(network, node),
        )


def _part(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def warm() -> None:
    """Have the kernels of what-ifs and rankings ready: small questions, of arrays from a file.

    Kernels are made per kind of array; those that a file holds are read-only, hence of a kind of
    their own.
    """
    with TemporaryDirectory() as folder:
        save_arrays(Path(folder, ARRAYS), synthetic_network(30, 90, sectors=5))
        arrays: SupplyArrays = load_arrays(Path(folder, ARRAYS))
        small = scenario(5, [Hit(np.array([int(arrays.link_supplier[0])]), 1.0)])
        outcome = run_fast(arrays, small, theta=THETA)
        contribution_paths(arrays, outcome, small, int(arrays.link_buyer[0]))
        esri_all(arrays, market=True)
