"""Small supply graphs for tests: drawn at random, and written as the CSV files that firms send."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from random import Random

import numpy as np
from hypothesis import strategies as st

from graph.arrays import SupplyArrays
from graph.supply import Node, SupplyLink

ITEMS = ("urea", "lng", "helium")
PLACES = ("port:busan", "chokepoint:suez", "chokepoint:malacca")
DAYS = (None, date(2021, 1, 1), date(2022, 1, 1), date(2023, 1, 1))


def supplies(times: bool = False) -> st.SearchStrategy[tuple[list[Node], list[SupplyLink]]]:
    """Two to six firms and up to twelve links, all good; `times`: rows that correct rows."""
    return st.integers(0, 2**32).map(lambda seed: _supply(Random(seed), times))


def _supply(random: Random, times: bool) -> tuple[list[Node], list[SupplyLink]]:
    count = random.randint(2, 6)
    nodes = [
        Node(
            f"firm:{n}",
            "firm",
            country=random.choice(["KR", "CN", ""]),
            sector=random.choice(["26", "261", ""]),
            output=random.choice([None, 10.0]),
            final=random.choice([0.0, 0.3]),
        )
        for n in range(count)
    ]
    if times:
        first = replace(nodes[0], known_from=random.choice(DAYS))
        nodes[0] = first
        nodes += [
            replace(first, final=0.1, known_from=day) for day in DAYS if day != first.known_from
        ]
        nodes = random.sample(nodes, random.randint(count, len(nodes)))
        names = {node.id for node in nodes}
        nodes += [Node(f"firm:{n}", "firm") for n in range(count) if f"firm:{n}" not in names]
    links: dict[tuple[object, ...], SupplyLink] = {}
    inputs: dict[tuple[int, str], tuple[int, float]] = {}
    for _ in range(random.randint(1, 12)):
        supplier, buyer = random.sample(range(count), 2)
        item = random.choice(ITEMS)
        drawn = random.randint(0, 2), random.choice([0.0, 3.0, 20.0])
        essential, stock = inputs.setdefault((buyer, item), drawn)
        start, known, end = random.choices(DAYS, k=3) if times else (None, None, None)
        link = SupplyLink(
            f"firm:{supplier}",
            f"firm:{buyer}",
            item,
            random.lognormvariate(5, 3),
            essential=essential,
            stock_days=stock,
            lead_days=random.randint(0, 30),
            substitutability=random.choice([0.0, 0.25, 1.0]),
            ramp_days=random.choice([0.0, 90.0]),
            route={place: random.choice([0.5, 1.0]) for place in PLACES if random.random() < 0.2},
            sources=random.choice([{}, {"stock_days": "a report"}]),
            valid_from=start,
            valid_to=None if start and end and end < start else end,
            known_from=known,
        )
        links[(*link.key, start, known)] = link
    return nodes, list(links.values())


def csv_of(rows: Sequence[Node | SupplyLink], of: type[Node] | type[SupplyLink]) -> str:
    """The rows as a CSV file with every column."""
    names = [f.name for f in fields(of) if f.name != "sources"]
    told = sorted({name for row in rows for name in row.sources})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*names, *(f"{name}_source" for name in told)])
    for row in rows:
        cells = [_cell(getattr(row, name)) for name in names]
        writer.writerow([*cells, *(row.sources.get(name, "") for name in told)])
    return stream.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}={share}" for name, share in value.items())
    return str(value)


def differences(one: SupplyArrays, other: SupplyArrays) -> list[str]:
    """The names of the fields that are not the same to the bit; the version is left out."""
    found = []
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            same = a.dtype == b.dtype and np.array_equal(a, b)
        else:
            same = field.name == "version" or tuple(a) == tuple(b)
        if not same:
            found.append(field.name)
    return found
