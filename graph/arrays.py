"""A supply graph as arrays: what every engine reads, made once per version.

An input group (buyer, commodity) holds the links by which one buyer gets one commodity; inside a
group the links replace each other, across groups they do not. Node `j` has the groups
`group_start[j]:group_start[j + 1]`, group `g` the links `link_start[g]:link_start[g + 1]`; the
links that node `i` sells by are `sold[sold_start[i]:sold_start[i + 1]]`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Classes = NDArray[np.int8]

NONE, NON_ESSENTIAL, ESSENTIAL = 0, 1, 2  # input classes of Pichler et al.: DESIGN of ESRI
YEAR_DAYS = 365.0
MOST = np.iinfo(np.int32).max
JUST_UNDER_1 = float(np.nextafter(1.0, 0.0))


@dataclass(frozen=True, slots=True)
class SupplyArrays:
    """One version of a supply graph with n nodes, g input groups and m links."""

    version: str
    names: Sequence[str]  # n node ids
    output: Floats  # n: y, currency a day at normal times
    final: Floats  # n: f, share of what the node makes that final demand takes, 0..1
    sector: Small  # n: the market in which others may step in for it; -1 none
    slack: Floats  # n: alpha, spare capacity as a share of normal output, >= 0
    group_start: Ints  # n + 1
    group_buyer: Small  # g
    group_item: Small  # g: commodity
    group_class: Classes  # g: NONE, NON_ESSENTIAL or ESSENTIAL
    group_part: Floats  # g: nu, share of the buyer's spending on inputs, 0..1
    group_stock: Floats  # g: S, days of normal use in stock
    link_start: Ints  # g + 1
    link_supplier: Small  # m
    link_weight: Floats  # m: w, currency a year
    link_part: Floats  # m: a, share of its group, 0..1; sums to 1 in a group
    link_lead: Small  # m: L, days from dispatch to arrival
    link_rho: Floats  # m: rho, substitutable share of a lost delivery in the end, 0..1
    link_ramp: Floats  # m: tau, days by which substitution has come to 1 - 1/e; 0: at once
    sold_start: Ints  # n + 1
    sold: Ints  # m: link numbers by supplier
    link_sold_part: Floats  # m: w / x of the supplier, x = sales + final demand
    items: Sequence[str] = ()  # commodity ids
    sold_weight: Floats = field(default_factory=lambda: np.zeros(0))  # n: s_out, sales to nodes

    @property
    def nodes(self) -> int:
        return len(self.output)

    @property
    def groups(self) -> int:
        return len(self.group_buyer)

    @property
    def links(self) -> int:
        return len(self.link_supplier)

    @property
    def link_group(self) -> Ints:
        """m: the group that each link belongs to."""
        return np.repeat(np.arange(self.groups), np.diff(self.link_start))

    @property
    def link_buyer(self) -> Small:
        """m: the node that each link delivers to."""
        return self.group_buyer[self.link_group]

    def index(self, name: str) -> int:
        """The number of a node. KeyError names the node."""
        try:
            return list(self.names).index(name)
        except ValueError:
            raise KeyError(f"no node {name!r} in this supply graph") from None


def compile_arrays(
    nodes: int,
    supplier: ArrayLike,
    buyer: ArrayLike,
    item: ArrayLike,
    weight: ArrayLike,
    *,
    essential: ArrayLike = ESSENTIAL,
    stock: ArrayLike = 0.0,
    lead: ArrayLike = 0,
    rho: ArrayLike = 0.0,
    ramp: ArrayLike = 0.0,
    final: ArrayLike | None = None,
    final_sales: ArrayLike | None = None,
    output: ArrayLike | None = None,
    slack: ArrayLike = 0.0,
    sector: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    items: Sequence[str] = (),
    version: str = "",
) -> SupplyArrays:
    """Columns of m links between n nodes, compiled; amounts are taken as checked (graph.supply).

    `essential` and `stock` (days) are of the link's group: the first link of a group speaks for it.
    With `items`, an item is a place in that list; else it is any code. `sector` is any code from 0.
    Codes too large to be kept are numbered in their order, and `items` then says what they were.
    Final demand is given as `final`, a share 0..1 of what a node makes, or as `final_sales`, in
    currency a year; without either there is none. `output` is in currency a day; the default is
    sales and final demand over the year. A node without `sector` shares a market with nobody.
    ValueError for a node, item, class or lead time that cannot be, for final demand that does not
    leave a selling node what it sells, and for columns of unequal length.

    >>> two = compile_arrays(3, [0, 1], [2, 2], [0, 0], [30.0, 10.0], names=["a", "b", "c"])
    >>> two.link_part.tolist(), two.group_buyer.tolist()
    ([0.75, 0.25], [2])
    """
    sup, buy, com, w = _columns(nodes, supplier, buyer, item, weight)
    com, items = _numbered_items(com, items)
    order = np.lexsort((sup, com, buy))
    sup, buy, com, w = sup[order], buy[order], com[order], w[order]
    m = len(w)
    new = np.ones(m, dtype=bool)
    new[1:] = (buy[1:] != buy[:-1]) | (com[1:] != com[:-1])
    first = np.flatnonzero(new)
    link_start = np.append(first, m).astype(np.int64)
    group_buyer = buy[first]
    group_start = np.searchsorted(group_buyer, np.arange(nodes + 1)).astype(np.int64)

    def of_link(values: ArrayLike, kind: type) -> NDArray[np.generic]:
        return np.broadcast_to(np.asarray(values, dtype=kind), (m,))[order]

    def of_node(values: ArrayLike, kind: type) -> NDArray[np.generic]:
        return np.ascontiguousarray(np.broadcast_to(np.asarray(values, dtype=kind), (nodes,)))

    totals = _float(np.add.reduceat(w, first) if m else np.zeros(0))
    spent = _float(np.bincount(group_buyer, totals, nodes) if m else np.zeros(nodes))
    sales = _float(np.bincount(sup, w, nodes) if m else np.zeros(nodes))
    made, leaves = _final(sales, final, final_sales, nodes)
    sold = np.argsort(sup, kind="stable").astype(np.int64)
    part = _ratio(w, totals[np.cumsum(new) - 1])
    arrays = SupplyArrays(
        version=version,
        names=names if names is not None else range_names(nodes),
        output=made / YEAR_DAYS if output is None else _float(of_node(output, float)),
        final=leaves,
        sector=_markets(np.broadcast_to(-1 if sector is None else np.asarray(sector), (nodes,))),
        slack=_float(of_node(slack, float)),
        group_start=group_start,
        group_buyer=group_buyer.astype(np.int32),
        group_item=com[first].astype(np.int32),
        group_class=of_link(whole_in("essential", essential, NONE, ESSENTIAL), int)[first].astype(
            np.int8
        ),
        group_part=_ratio(totals, spent[group_buyer]),
        group_stock=_float(of_link(stock, float)[first]),
        link_start=link_start,
        link_supplier=sup.astype(np.int32),
        link_weight=w,
        link_part=part,
        link_lead=of_link(whole_in("lead", lead, 0, MOST), int).astype(np.int32),
        link_rho=_float(of_link(rho, float)),
        link_ramp=_float(of_link(ramp, float)),
        sold_start=np.append(0, np.cumsum(np.bincount(sup, minlength=nodes))).astype(np.int64),
        sold=sold,
        link_sold_part=_ratio(w, made[sup]),
        items=items,
        sold_weight=sales,
    )
    return arrays if version else with_version(arrays)


def patch_weights(arrays: SupplyArrays, links: ArrayLike, weights: ArrayLike) -> SupplyArrays:
    """The arrays with other weights (currency a year) on the listed links; nothing is sorted again.

    Equal to compiling anew, but for the version, which says what was changed. The share that final
    demand takes stays; so does an output that was stated and not made of sales. ValueError for a
    weight that cannot be, an unknown link, or a supplier that begins or ends to sell.

    >>> two = compile_arrays(3, [0, 1], [2, 2], [0, 0], [30.0, 10.0])
    >>> patch_weights(two, [1], [90.0]).link_part.tolist()
    [0.25, 0.75]
    """
    at = np.asarray(links, dtype=np.int64)
    new = np.asarray(weights, dtype=np.float64)
    if len(at) and not (at.min() >= 0 and at.max() < arrays.links):
        raise ValueError(f"a link outside 0..{arrays.links - 1}")
    if not (np.isfinite(new).all() and (new >= 0).all()):
        raise ValueError("a weight is no number or below 0")
    w, sup = arrays.link_weight.copy(), arrays.link_supplier
    w[at] = new
    sales = _float(np.bincount(sup, w, arrays.nodes))
    if ((sales > 0) != (arrays.sold_weight > 0)).any():
        raise ValueError("a supplier begins or ends to sell; compile the graph anew")
    totals = _float(np.add.reduceat(w, arrays.link_start[:-1]) if arrays.links else np.zeros(0))
    spent = _float(np.bincount(arrays.group_buyer, totals, arrays.nodes))
    made, _ = _final(sales, arrays.final, None, arrays.nodes)
    before, _ = _final(arrays.sold_weight, arrays.final, None, arrays.nodes)
    digest = hashlib.sha256(arrays.version.encode() + at.tobytes() + new.tobytes())
    return replace(
        arrays,
        version=digest.hexdigest()[:12],
        output=np.where(_of_sales(arrays, before), made / YEAR_DAYS, arrays.output),
        group_part=_ratio(totals, spent[arrays.group_buyer]),
        link_weight=w,
        link_part=_ratio(w, totals[arrays.link_group]),
        link_sold_part=_ratio(w, made[sup]),
        sold_weight=sales,
    )


def _of_sales(arrays: SupplyArrays, made: Floats) -> NDArray[np.bool_]:
    """n: whether the output is what sales and final demand come to, and was not stated.

    Made from currency, the share f is rounded, and x = sales / (1 - f) is off by as much more as
    1 - f is small. An output that final demand all but makes alone counts as stated: it stays.
    """
    kept = np.maximum(1.0 - arrays.final, np.finfo(float).eps)
    off = np.minimum(8 * np.finfo(float).eps / kept, 1e-6)
    due = made / YEAR_DAYS
    return np.asarray(np.abs(arrays.output - due) <= off * due)


def _columns(
    nodes: int, supplier: ArrayLike, buyer: ArrayLike, item: ArrayLike, weight: ArrayLike
) -> tuple[Ints, Ints, Ints, Floats]:
    sup, buy, com = (
        whole(name, c) for name, c in (("supplier", supplier), ("buyer", buyer), ("item", item))
    )
    w = np.asarray(weight, dtype=np.float64)
    if not len(sup) == len(buy) == len(com) == len(w):
        raise ValueError("supplier, buyer, item and weight must have one value per link each")
    if len(sup) and (min(sup.min(), buy.min()) < 0 or max(sup.max(), buy.max()) >= nodes):
        raise ValueError(f"a link names a node outside 0..{nodes - 1}")
    return sup, buy, com, w


def whole(name: str, values: ArrayLike) -> Ints:
    """The values as int64. ValueError for what would lose a part or wrap round.

    >>> whole("lead", [2.0, 3.0]).tolist()
    [2, 3]
    >>> whole("lead", 1.9)
    Traceback (most recent call last):
    ...
    ValueError: lead: whole numbers are due, below 2**63
    """
    given = np.asarray(values)
    if given.dtype.kind in "ib" or not given.size:
        return given.astype(np.int64)
    if given.dtype.kind == "u" and given.max() <= np.iinfo(np.int64).max:
        return given.astype(np.int64)
    if given.dtype.kind == "f" and bool((np.abs(given) < 2.0**63).all()):
        made = given.astype(np.int64)
        if bool((made == given).all()):
            return made
    raise ValueError(f"{name}: whole numbers are due, below 2**63")


def whole_in(name: str, values: ArrayLike, least: int, most: int) -> Ints:
    """The same, in least..most; ValueError names the column.

    >>> whole_in("class", [0, 2], 0, 2).tolist()
    [0, 2]
    """
    made = whole(name, values)
    if made.size and not least <= made.min() <= made.max() <= most:
        raise ValueError(f"{name}: {made.min()}..{made.max()} given; {least}..{most} is possible")
    return made


def _numbered_items(codes: Ints, items: Sequence[str]) -> tuple[Ints, Sequence[str]]:
    """Items by number, and their names: those given, else the codes where they had to be numbered.

    Codes from a customs tariff or a hash do not fit the 32 bits of `group_item`.
    """
    if len(items):
        return whole_in("item", codes, 0, len(items) - 1), items
    if not codes.size or 0 <= codes.min() <= codes.max() <= MOST:
        return codes, items
    found, numbers = np.unique(codes, return_inverse=True)
    return numbers.astype(np.int64), tuple(map(str, found.tolist()))


def _markets(sector: ArrayLike) -> Small:
    """n: the market of each node, -1 none. Codes past the number of nodes are numbered anew.

    Engines keep a total for every market from 0 to the last, so the numbers must stay small.
    """
    codes = whole_in("sector", sector, -1, np.iinfo(np.int64).max)
    if codes.size and codes.max() >= codes.size:
        listed = codes >= 0
        codes[listed] = np.unique(codes[listed], return_inverse=True)[1]
    return codes.astype(np.int32)


def _final(
    sales: Floats, share: ArrayLike | None, final_sales: ArrayLike | None, nodes: int
) -> tuple[Floats, Floats]:
    """What each node makes a year (x = sales + final demand), and the share that leaves (f).

    A node that sells to no other sells to final demand only: f is 1, whatever was given. One that
    does has f below 1, or it would sell more than it makes.
    """
    if final_sales is not None:
        more = np.asarray(final_sales, dtype=np.float64)
        if not bool((np.isfinite(more) & (more >= 0)).all()):
            raise ValueError("final_sales: an amount that is no number or below 0")
        made = _float(sales + more)
        f = np.where(made > 0, 1.0 - _ratio(sales, made), 1.0)
        return made, _float(np.where(sales > 0, np.minimum(f, JUST_UNDER_1), f))
    asked = np.broadcast_to(np.asarray(0.0 if share is None else share, np.float64), (nodes,))
    wrong = np.flatnonzero((sales > 0) & ~((asked >= 0) & (asked < 1)))
    if len(wrong):
        raise ValueError(
            f"final: {asked[wrong[0]]} for node {wrong[0]}, which sells to other nodes; give the "
            "share that final demand takes, 0 or more and under 1, or final_sales in currency"
        )
    f = np.where(sales > 0, asked, 1.0)
    return _float(np.where(f < 1, _ratio(sales, 1.0 - f), sales)), _float(f)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part over whole; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _float(values: NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def range_names(nodes: int) -> Sequence[str]:
    """Node ids of a graph whose nodes are only numbered."""
    return tuple(map(str, range(nodes)))


def with_version(arrays: SupplyArrays) -> SupplyArrays:
    """The same arrays under a version that is the hash of all of their numbers and names."""
    digest = hashlib.sha256()
    for one in fields(arrays):
        value = getattr(arrays, one.name)
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).tobytes())
        elif one.name != "version":
            digest.update("\x00".join(value).encode())
    return replace(arrays, version=digest.hexdigest()[:12])
