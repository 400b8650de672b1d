"""nodes.csv and links.csv -> a supply graph, or straight to arrays: all rows are good, or none.

Columns are the fields of `Node` and `SupplyLink` (graph.supply_nouns), and for each coefficient
`<coefficient>_source`: where it was read. Only `id`, `kind`; `supplier`, `buyer`, `item`, `weight`
are needed. `route`, `spend` and `member` are written `port:busan=0.75; chokepoint:suez=1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TypeVar

from graph.supply import build_supply
from graph.supply_bulk import Supply, compile_columns
from graph.supply_cells import LINKS, NODES, Piece, Source, Table, read_pieces
from graph.supply_checks import check_supply, in_order
from graph.supply_columns import check_columns, link_columns
from graph.supply_files import load_arrays, save_arrays, view
from graph.supply_nouns import Node, Problem, SupplyError, SupplyGraph, SupplyLink

__all__ = ["Supply", "load_arrays", "read_arrays", "read_supply", "save_arrays", "view"]

MOST_LINKS = 1_000_000  # of a graph in networkx; more go to arrays
Row = TypeVar("Row", Node, SupplyLink)


def read_supply(nodes: Source, links: Source) -> SupplyGraph:
    """The graph of two CSV files. SupplyError names line, column and reason of all that is wrong.

    ValueError past a million links: `read_arrays` takes those.

    >>> graph = read_supply(b"id,kind,country\\nfirm:a,firm,CN\\nfirm:b,firm,KR\\n",
    ...                     b"supplier,buyer,item,weight\\nfirm:a,firm:b,urea,1000\\n")
    >>> graph["firm:a"]["firm:b"]["links"][0].weight
    1000.0
    >>> read_supply(b"id,kind\\nfirm:a,firm\\n",
    ...             b"supplier,buyer,item,weight\\nfirm:a,firm:b,urea,-1\\n")
    Traceback (most recent call last):
    ...
    graph.supply_nouns.SupplyError: links row 2, buyer: unknown node 'firm:b'; add it to the nodes; \
links row 2, weight: -1.0 is below 0 (currency a year)
    """
    sites, node_lines, problems = _rows(nodes, NODES, Node)
    ways, link_lines, wrong = _rows(links, LINKS, SupplyLink)
    problems += wrong
    problems += check_supply(sites, ways, node_lines=node_lines, link_lines=link_lines)
    if problems:
        raise SupplyError(in_order(problems))
    return build_supply(sites, ways)


def read_arrays(
    nodes: Source,
    links: Source,
    *,
    valid_on: date | None = None,
    known_on: date | None = None,
) -> Supply:
    """The arrays of two CSV files as they stood on a day (`in_force`), without networkx.

    The same numbers as `compile_supply(as_of(read_supply(...), valid_on, known_on))`. SupplyError
    names line, column and reason of what is wrong, and how many rows more past a thousand.

    >>> found = read_arrays(b"id,kind\\nfirm:a,firm\\nfirm:b,firm\\n",
    ...                     b"supplier,buyer,item,weight\\nfirm:a,firm:b,urea,1000\\n")
    >>> found.arrays.link_weight.tolist(), found.arrays.names
    ([1000.0], ('firm:a', 'firm:b'))
    """
    sites, node_lines, problems = _rows(nodes, NODES, Node)
    columns, wrong = link_columns(read_pieces(links, LINKS))
    problems += [*wrong, *check_columns(sites, columns, node_lines=node_lines)]
    if problems:
        raise SupplyError(in_order(problems))
    return compile_columns(sites, columns, valid_on, known_on)


def _rows(
    source: Source, table: Table, of: Callable[..., Row]
) -> tuple[list[Row], list[int], list[Problem]]:
    rows: list[Row] = []
    lines: list[int] = []
    problems: list[Problem] = []
    for piece in read_pieces(source, table):
        rows.extend(_made(piece, of))
        lines += piece.lines
        problems += piece.problems
        if table is LINKS and len(rows) > MOST_LINKS:
            raise ValueError(f"more than {MOST_LINKS:,} links: use read_arrays")
    return rows, lines, problems


def _made(piece: Piece, of: Callable[..., Row]) -> Iterator[Row]:
    told = [name for name in piece.values if name.endswith("_source")]
    plain = {name: column for name, column in piece.values.items() if name not in told}
    for n in range(len(piece.lines)):
        sources = {name.removesuffix("_source"): piece.values[name][n] for name in told}
        given = {name: column[n] for name, column in plain.items()}
        yield of(**given, sources={name: text for name, text in sources.items() if text})
