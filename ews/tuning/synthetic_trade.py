"""What would the monthly trade of every HS6 item look like, made up, with known disturbances in it?

Shows and tests what 5,400 items do without a customs key. Every series has the provider
`synthetic`, and whatever is made of it says so. Sizes are lognormal, partners' shares follow
Zipf's law, months have season, Lunar New Year, trend, noise and lumps; a month without trade has no
row. None of it is fitted to Korea's statistics (docs/vulnerability.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.model import Frequency, Series
from graph.goods import goods

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Moments = NDArray[np.datetime64]

PROVIDER = "synthetic"
# Origins, the most usual first: the chance to be a partner falls as 1 / rank.
ORIGINS = tuple(
    "CN US JP DE VN TW AU ID SA MY TH IN RU FR IT GB SG PH CA BR CL MX NL ZA TR ES".split()
)
MOST = 12  # partners of one item
# Month of Lunar New Year: factories of the region stand still for a week or two.
NEW_YEAR = np.array(
    "2015-02 2016-02 2017-01 2018-02 2019-02 2020-01 2021-02 2022-02 2023-01 2024-02 2025-01 "
    "2026-02 2027-02 2028-01 2029-02 2030-02".split(),
    "M8[M]",
)
KINDS = ("stop", "surge", "shift", "price")
DEARER = 1.6  # price factor of a shift and of a price disturbance
RELEASE_DAYS = 14  # customs publishes a month about the 15th of the next


@dataclass(frozen=True, slots=True)
class Injected:
    """One disturbance that was put in: the truth against which detectors are judged."""

    item: str
    partner: str
    kind: str  # stop | surge | shift | price
    series: tuple[str, ...]
    first: np.datetime64  # first month that is disturbed
    months: int
    factor: float  # of the partner's value while it lasts


@dataclass(frozen=True, slots=True)
class SyntheticTrade:
    """Columns of one length: `row[i]` indexes `names`."""

    names: tuple[str, ...]
    row: Ints
    period: Moments  # datetime64[D], first day
    available_at: Moments  # datetime64[us], UTC
    value: Floats
    yearly: Bools  # [names] a value a year, not a month
    truth: tuple[Injected, ...]

    def series(self) -> list[Series]:
        """What each series is; synthetic, every one."""
        return [
            Series(
                name,
                Frequency.YEAR if yearly else Frequency.MONTH,
                "kg" if "/import-kg/" in name else "USD",
                source=PROVIDER,
                currency="" if "/import-kg/" in name else "USD",
                classification="HS2022",
                valuation={"import-usd": "CIF", "export-usd": "FOB"}.get(name.split("/")[1], ""),
                title="synthetic",
                synthetic=True,
            )
            for name, yearly in zip(self.names, self.yearly, strict=True)
        ]


def synthetic_trade(
    seed: int,
    first: str = "2018-01",
    months: int = 84,
    items: Sequence[str] | None = None,
    partners: float = 3.0,
    disturbed: int = 60,
    world: bool = True,
) -> SyntheticTrade:
    """Korea's imports by partner (value and weight), its exports, and the world's by year.

    `partners`: mean per item (real items have more). `disturbed`: items with a disturbance, at most
    one each, none in the first two years. All HS 2022 codes when `items` is not given: about
    3.2 million rows. The same arguments give the same rows.
    """
    rng = np.random.default_rng(seed)
    codes = list(items or [code for code, good in goods().items() if "2022" in good.revisions])
    axis = np.datetime64(first, "M") + np.arange(months)
    origin, share = _partners(rng, len(codes), partners)
    owner, rank = np.nonzero(share > 0)  # one series each, an item's in order of share
    usd = rng.lognormal(np.log(3e5), 1.8, len(codes))  # of an item in a month
    cost = rng.lognormal(np.log(5.0), 1.5, len(codes))  # USD a kg
    price = _prices(rng, cost[owner], owner, months)
    kg = (usd / cost)[owner, None] * share[owner, rank][:, None]
    kg = kg * _shape(rng, axis, len(codes))[owner] * _noise(rng, len(owner), months)
    truth = _disturb(rng, kg, price, owner, disturbed)
    kg *= _lumps(rng, *kg.shape)
    where = [ORIGINS[o] for o in origin[owner, rank]]
    places = [f"{w}-KR/{codes[i]}" for w, i in zip(where, owner, strict=True)]
    parts = [
        _rows([f"{PROVIDER}/import-kg/{place}" for place in places], kg, axis),
        _rows([f"{PROVIDER}/import-usd/{place}" for place in places], kg * price, axis),
        _exports(rng, codes, usd, axis),
    ]
    if world:
        parts.append(_world(rng, codes, usd, axis, origin))
    return _joined(parts, tuple(_named(hit, codes, where, owner, axis) for hit in truth))


def _partners(rng: np.random.Generator, n: int, mean: float) -> tuple[Ints, Floats]:
    """([n, MOST] index into ORIGINS, [n, MOST] share, 0 beyond the item's own number of them)."""
    fame = -np.log(np.arange(1, len(ORIGINS) + 1)) + rng.gumbel(size=(n, len(ORIGINS)))
    origin = np.argsort(-fame, axis=1, kind="stable")[:, :MOST]
    count = np.minimum(1 + rng.poisson(mean - 1.0, n), MOST)
    steep = rng.uniform(0.8, 2.5, n)
    share = np.arange(1, MOST + 1.0)[None, :] ** -steep[:, None]
    share[np.arange(MOST)[None, :] >= count[:, None]] = 0.0
    return origin, share / share.sum(axis=1, keepdims=True)


def _shape(rng: np.random.Generator, axis: Moments, n: int) -> Floats:
    """[n, t] season, Lunar New Year and trend of each item, about 1."""
    t = np.arange(len(axis))
    month = axis.astype("M8[M]").astype(np.int64) % 12
    swing, phase = rng.gamma(1.5, 0.08, n)[:, None], rng.uniform(0, 12, n)[:, None]
    season = np.exp(swing * np.cos(2 * np.pi * (month[None, :] - phase) / 12))
    closed = np.isin(axis, NEW_YEAR)
    dip = rng.uniform(0.75, 1.0, n)[:, None]
    year = np.where(closed, dip, np.where(np.isin(axis - 1, NEW_YEAR), 2.0 - dip, 1.0))
    trend = np.exp(rng.normal(0.0, 0.03, n)[:, None] * t[None, :] / 12)
    return season * year * trend


def _noise(rng: np.random.Generator, rows: int, months: int) -> Floats:
    """[rows, t] gamma noise of mean 1; each series has its own roughness."""
    shape = rng.uniform(4.0, 60.0, rows)[:, None]
    return rng.standard_gamma(np.broadcast_to(shape, (rows, months))) / shape


def _prices(rng: np.random.Generator, cost: Floats, owner: Ints, months: int) -> Floats:
    """[rows, t] USD a kg: a walk that the partners of an item share, and a little of their own."""
    walk = np.cumsum(rng.normal(0.0, 0.02, (int(owner.max()) + 1, months)), axis=1)
    own = rng.normal(0.0, 0.02, (len(owner), months)) + rng.normal(0.0, 0.15, (len(owner), 1))
    return cost[:, None] * np.exp(walk[owner] + own)


def _lumps(rng: np.random.Generator, rows: int, months: int) -> Floats:
    """[rows, t] 0 in months without trade, and what was missed then in those with it."""
    busy = np.where(rng.random(rows) < 0.2, rng.uniform(0.2, 0.8, rows), 1.0)[:, None]
    return (rng.random((rows, months)) < busy) / busy


Hit = tuple[int, str, int, int, float]  # row, kind, first month, months, factor


def _disturb(
    rng: np.random.Generator, kg: Floats, price: Floats, owner: Ints, count: int
) -> list[Hit]:
    """Puts disturbances into the largest partner of `count` items, and tells them."""
    months = kg.shape[1]
    lead = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    count = min(count, len(lead)) if months > 30 else 0
    hits: list[Hit] = []
    for row in np.sort(rng.choice(lead, count, replace=False)):
        kind = KINDS[len(hits) % len(KINDS)]
        start, last = int(rng.integers(24, months - 5)), int(rng.integers(3, 7))
        span, others = slice(start, start + last), owner == owner[row]
        others[row] = False
        if kind == "shift" and not others.any():
            kind = "price"  # one partner has nobody to push out
        factor = {"stop": 0.1, "surge": 3.0}.get(kind, 1.0)
        kg[row, span] *= factor
        if kind == "shift":  # the others stop; the largest takes their place, and asks more
            lost = kg[others, span].sum(axis=0)
            factor = 1.0 + 0.9 * float(lost.sum() / kg[row, span].sum())
            kg[row, span] += 0.9 * lost
            kg[others, span] *= 0.1
        if kind in ("shift", "price"):
            price[owner == owner[row], span] *= DEARER
            factor *= DEARER
        hits.append((int(row), kind, start, last, factor))
    return hits


def _named(
    hit: Hit, codes: Sequence[str], where: Sequence[str], owner: Ints, axis: Moments
) -> Injected:
    row, kind, start, last, factor = hit
    item = codes[int(owner[row])]
    touched = np.flatnonzero(owner == owner[row]) if kind in ("shift", "price") else [row]
    measures = ("import-usd",) if kind == "price" else ("import-kg", "import-usd")
    series = tuple(f"{PROVIDER}/{m}/{where[int(i)]}-KR/{item}" for i in touched for m in measures)
    return Injected(item, where[row], kind, series, axis[start].astype("M8[D]"), last, factor)


Part = tuple[list[str], Ints, Moments, Moments, Floats, bool]


def _rows(names: list[str], table: Floats, axis: Moments, yearly: bool = False) -> Part:
    """The columns of the table's positive cells: what did not happen has no row."""
    row, column = np.nonzero(table > 0)
    step = 12 if yearly else 1
    due = (axis + step).astype("M8[D]") + (180 if yearly else RELEASE_DAYS)
    period = axis.astype("M8[D]")[column]
    return names, row, period, due.astype("M8[us]")[column], np.round(table[row, column], 2), yearly


def _exports(rng: np.random.Generator, codes: list[str], usd: Floats, axis: Moments) -> Part:
    """What Korea sells of each item: from nothing to many times what it buys."""
    size = usd * rng.lognormal(-0.5, 2.0, len(codes)) * (rng.random(len(codes)) < 0.9)
    table = size[:, None] * _shape(rng, axis, len(codes)) * _noise(rng, len(codes), len(axis))
    return _rows([f"{PROVIDER}/export-usd/KR-WLD/{code}" for code in codes], table, axis)


def _world(
    rng: np.random.Generator, codes: list[str], usd: Floats, axis: Moments, origin: Ints
) -> Part:
    """Yearly exports to the world; those that sell to Korea most are the large ones."""
    years = np.arange(axis[0].astype("M8[Y]"), axis[-1].astype("M8[Y]") + 1).astype("M8[M]")
    share = _partners(rng, len(codes), 6.0)[1]
    owner, rank = np.nonzero(share > 0)
    size = usd[owner] * 12 * rng.lognormal(3.0, 0.5, len(codes))[owner] * share[owner, rank]
    table = size[:, None] * _noise(rng, len(owner), len(years))
    names = [
        f"{PROVIDER}/export-usd/{ORIGINS[origin[i, r]]}-WLD/{codes[i]}"
        for i, r in zip(owner, rank, strict=True)
    ]
    return _rows(names, table, years, yearly=True)


def _joined(parts: Sequence[Part], truth: tuple[Injected, ...]) -> SyntheticTrade:
    starts = np.cumsum([0] + [len(part[0]) for part in parts])
    return SyntheticTrade(
        tuple(name for part in parts for name in part[0]),
        np.concatenate([part[1] + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        np.concatenate([part[4] for part in parts]),
        np.concatenate([np.full(len(part[0]), part[5]) for part in parts]),
        truth,
    )
