"""Tiny supply graphs and shocks for property tests, read off bytes: hypothesis shrinks those fast.

All of it is made up. Class and stock belong to an input group, so they come from a table by buyer
and item; no case turns on which link of a group is listed first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from graph.arrays import Floats, Ints, SupplyArrays, compile_arrays
from graph.joint import run_joint
from graph.scenario import Hit, Outcome, Scenario, scenario
from graph.steps import run

MOST, ITEMS, LINKS, DAYS = 6, 2, 10, 8
BYTES = st.binary(min_size=150, max_size=150)
RECOVERIES = ("step", "linear", "exponential")


@dataclass(frozen=True)
class Case:
    """Columns of a graph, and the hits on it."""

    nodes: int
    supplier: Ints
    buyer: Ints
    item: Ints
    weight: Floats
    essential: Ints  # per buyer and item
    stock: Floats  # per buyer and item
    lead: Ints
    rho: Floats
    ramp: Floats
    final: Floats
    slack: Floats
    sector: Ints
    capacity: tuple[Hit, ...]
    deliveries: tuple[tuple[int, Hit], ...]  # row of the column, hit without its target
    demand: tuple[Hit, ...]
    days: int = DAYS

    def arrays(self) -> SupplyArrays:
        return compile_arrays(
            self.nodes,
            self.supplier,
            self.buyer,
            self.item,
            self.weight,
            essential=self.essential[self.buyer, self.item],
            stock=self.stock[self.buyer, self.item],
            lead=self.lead,
            rho=self.rho,
            ramp=self.ramp,
            final=self.final,
            slack=self.slack,
            sector=self.sector,
        )

    def shock(self, arrays: SupplyArrays) -> Scenario:
        """The hits; a delivery is found by the link's place in the compiled arrays."""
        order = np.lexsort((self.supplier, self.item, self.buyer))
        place = np.argsort(order)
        deliveries = [replace(hit, targets=place[[row]]) for row, hit in self.deliveries]
        return scenario(self.days, self.capacity, deliveries, self.demand)


def case(data: bytes, **changes: object) -> Case:
    """The case that 150 bytes spell, with some of its columns put in place of what they say."""
    raw = np.frombuffer(data, dtype=np.uint8).astype(np.int64)
    nodes = 2 + int(raw[0]) % (MOST - 1)
    links = int(raw[1]) % (LINKS + 1)

    def column(start: int, values: int, length: int = links) -> Ints:
        return raw[start : start + length] % values

    supplier = column(2, nodes)
    hits = [_hit(raw[start : start + 5]) for start in (104, 109, 114, 119, 124)]
    node = [int(b) % nodes for b in raw[130:134]]
    out = Case(
        nodes=nodes,
        supplier=supplier,
        buyer=(supplier + 1 + column(12, nodes - 1)) % nodes,
        item=column(22, ITEMS),
        weight=1.0 + column(32, 9),
        essential=column(62, 3, 12).reshape(MOST, ITEMS),
        stock=column(74, 4, 12).reshape(MOST, ITEMS) * 0.75,
        lead=column(42, 3),
        rho=column(52, 4) / 4.0,
        ramp=column(140, 2) * 3.0,
        final=column(86, 5, nodes) / 5.0,
        slack=column(92, 2, nodes) / 4.0,
        sector=column(98, 4, nodes) - 1,
        capacity=(Hit(np.array([node[0]]), *hits[0]), Hit(np.array([node[1]]), *hits[1])),
        deliveries=tuple(
            (int(raw[134 + k]) % links, Hit(np.zeros(1, int), *hits[2 + k]))
            for k in range(2)
            if links
        ),
        demand=(Hit(np.array([node[2]]), *hits[4]),),
    )
    return replace(out, **changes)  # type: ignore[arg-type]


def _hit(raw: Ints) -> tuple[float, float, float, str, float]:
    magnitude, start, duration, recovery, after = (int(b) for b in raw)
    lasts = float("inf") if duration % 5 == 4 else 1.0 + duration % 5
    return magnitude % 5 / 4.0, start % 3, lasts, RECOVERIES[recovery % 3], 1.0 + after % 3


CLOSE = 1e-12
both_ways = st.booleans()


def cases(count: int = 500) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Settings of a property: so many cases, and no clock (machines are shared)."""
    return settings(max_examples=count, deadline=None)


def bare(data: bytes) -> Case:
    """A case without stock, and with substitution that does not depend on the first loss's day."""
    plain = case(data, stock=np.zeros((MOST, ITEMS)))
    return replace(plain, ramp=np.zeros(len(plain.lead)))


def sides(outcome: Outcome) -> Floats:
    """Levels, h^d and h^u of every node on every day, in one array."""
    return np.stack([outcome.level, outcome.down, outcome.up])


def both_modes(arrays: SupplyArrays, shock: Scenario) -> list[Outcome]:
    return [run(arrays, shock), run_joint(arrays, shock)]
