"""How a supply network comes into a home: from two CSV files, from saved arrays, or made up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ews.reports.network_files import counted, keep_network
from ews.reports.network_views import NetworkLine
from ews.reports.viewer import Viewer
from graph.arrays import SupplyArrays
from graph.arrays_checks import check_arrays
from graph.supply_files import load_arrays
from graph.supply_rows import read_arrays
from graph.synthetic import synthetic_network

SEED = 1
MOST_FIRMS, MOST_LINKS = 1_000_000, 10_000_000
PIECE = 1 << 20  # bytes hashed at a time


def import_rows(
    home: Path, name: str, nodes: Path, links: Path, *, viewer: Viewer, by: str, at: datetime
) -> tuple[NetworkLine, bool]:
    """The network of nodes.csv and links.csv as it stands on that day; whether it is a new one.

    SupplyError (graph.supply_nouns) names the line, column and reason of all that is wrong, and
    nothing is kept.
    """
    supply = read_arrays(nodes, links, valid_on=at.date())
    digest = _digest([nodes, links], supply.arrays.version)
    line = _line(name, supply.arrays, f"{nodes.name}, {links.name}", by, at, digest)
    sectors = sorted({row.sector for row in supply.nodes} - {""})
    return keep_network(home, viewer, counted(line, supply), supply, sectors)


def import_arrays(
    home: Path, name: str, file: Path, *, viewer: Viewer, by: str, at: datetime
) -> tuple[NetworkLine, bool]:
    """The network of arrays that graph.save_arrays wrote. ArraysError when they are none."""
    arrays = check_arrays(load_arrays(file))
    line = _line(name, arrays, file.name, by, at, _digest([file], arrays.version))
    return keep_network(home, viewer, line, arrays, _numbered(arrays))


def sample_network(
    home: Path, name: str, firms: int, links: int, *, viewer: Viewer, by: str, at: datetime
) -> tuple[NetworkLine, bool]:
    """An invented network of so many firms and links, always the same; it says so everywhere.

    ValueError past a million firms or ten million links, or when so many do not fit.
    """
    if not (2 <= firms <= MOST_FIRMS and 0 <= links <= MOST_LINKS):
        raise ValueError(f"a sample has 2 to {MOST_FIRMS:,} firms and at most {MOST_LINKS:,} links")
    arrays = synthetic_network(firms, links, seed=SEED)
    source = f"synthetic: graph.synthetic, {firms} firms, {links} links, seed {SEED}"
    line = _line(name, arrays, source, by, at, _digest([], arrays.version))
    return keep_network(home, viewer, line, arrays, _numbered(arrays))


def _numbered(arrays: SupplyArrays) -> list[str]:
    """Names of sectors that have only numbers."""
    return [str(n) for n in range(int(arrays.sector.max(initial=-1)) + 1)]


def _line(
    name: str, arrays: SupplyArrays, source: str, by: str, at: datetime, digest: str
) -> NetworkLine:
    synthetic = arrays.version.startswith("synthetic")
    return NetworkLine(
        name=name,
        version=arrays.version,
        nodes=arrays.nodes,
        links=arrays.links,
        inputs=arrays.groups,
        items=len(arrays.items),
        currency="",
        synthetic=synthetic,
        synthetic_links=arrays.links if synthetic else 0,
        bases=(),
        source=source,
        imported_by=by,
        imported_at=at,
        digest=digest,
    )


def _digest(files: Sequence[Path], version: str) -> str:
    digest = hashlib.sha256(version.encode())
    for path in files:
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
        digest.update(b"\x00")
    return digest.hexdigest()
