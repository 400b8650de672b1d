"""Compiled supply graphs on disk, and a piece of one as networkx."""

from __future__ import annotations

import os
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from graph.arrays import Ints, SupplyArrays
from graph.supply import assemble
from graph.supply_bulk import Supply
from graph.supply_nouns import KINDS, Node, SupplyGraph, SupplyLink

TEXTS = ("version", "names", "items")
ALIGNED = 64  # bytes: arrays that begin on such a place are as good mapped as in memory
PADDING = 0xFFFF  # id of the zip extra field that moves an array to such a place
MOST_LINKS = 1_000_000


def save_arrays(path: Path, arrays: SupplyArrays) -> None:
    """Write the arrays to an uncompressed .npz that `numpy.load` reads too: wholly, or not at all.

    >>> import tempfile
    >>> from graph.arrays import compile_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(Path(folder, "a.npz"), compile_arrays(2, [0], [1], [0], [5.0]))
    ...     load_arrays(Path(folder, "a.npz")).link_weight.tolist()
    [5.0]
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for one in fields(arrays):
                    value = getattr(arrays, one.name)
                    if one.name in TEXTS:
                        text = value if one.name == "version" else "\x00".join(value)
                        value = np.frombuffer(text.encode(), dtype=np.uint8)
                    _write(archive, stream, f"{one.name}.npy", value)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _write(
    archive: zipfile.ZipFile, stream: IO[bytes], name: str, value: NDArray[np.generic]
) -> None:
    """One array, moved to an aligned place by a field that readers of zip files skip."""
    entry = zipfile.ZipInfo(name)
    zip64, field, fixed = 20, 4, 30  # lengths in a local header
    start = stream.tell() + fixed + len(name) + zip64 + field
    pad = -start % ALIGNED
    entry.extra = struct.pack("<HH", PADDING, pad) + b"\x00" * pad
    with archive.open(entry, "w", force_zip64=True) as member:
        npy.write_array(member, np.ascontiguousarray(value), allow_pickle=False)


def load_arrays(path: Path) -> SupplyArrays:
    """The arrays of `save_arrays`, mapped read-only: processes that load one file share its memory.

    ValueError when the file is not one of ours or of an older form.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            told = {entry.filename: entry for entry in archive.infolist()}
            found = {
                one.name: _mapped(path, stream, told[f"{one.name}.npy"])
                for one in fields(SupplyArrays)
            }
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no saved supply graph ({error}); save it again") from error
    texts = {name: found.pop(name).tobytes().decode() for name in TEXTS}
    lists = {name: tuple(text.split("\x00")) if text else () for name, text in texts.items()}
    arrays: Callable[..., SupplyArrays] = SupplyArrays
    return arrays(**found, **{**lists, "version": texts["version"]})


def _mapped(path: Path, stream: IO[bytes], entry: zipfile.ZipInfo) -> NDArray[np.generic]:
    stream.seek(entry.header_offset)
    header = stream.read(30)
    name, extra = struct.unpack("<HH", header[26:30])
    stream.seek(name + extra, os.SEEK_CUR)
    npy.read_magic(stream)
    shape, _, dtype = npy.read_array_header_1_0(stream)
    if not all(shape):
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", stream.tell(), shape)


def view(supply: SupplyArrays | Supply, nodes: Iterable[str], hops: int) -> SupplyGraph:
    """The named nodes and all within `hops` links of them, up and down, as a graph like any other.

    Of bare arrays the rows say so as their source, and a market is named by its number; of a
    `Supply` they are the rows as read. What is cut off is not in it: compile it only if it is to
    stand alone. KeyError names an unknown node; ValueError past a million links.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 0], [4.0, 5.0], names=["a", "b", "c"])
    >>> sorted(view(chain, ["a"], 1).edges)
    [('a', 'b')]
    """
    arrays = supply.arrays if isinstance(supply, Supply) else supply
    number = {name: n for n, name in enumerate(arrays.names)}
    asked = list(nodes)
    if missing := [name for name in asked if name not in number]:
        raise KeyError(f"no node {missing[0]!r} in this supply graph")
    inside = np.zeros(arrays.nodes, dtype=bool)
    ahead = np.array([number[name] for name in asked], dtype=np.int64)
    inside[ahead] = True
    buyer = arrays.link_buyer
    for _ in range(hops):
        beside = np.concatenate(
            [
                arrays.link_supplier[_bought(arrays, ahead)],
                buyer[arrays.sold[_ranges(arrays.sold_start, ahead)]],
            ]
        )
        ahead = np.unique(beside[~inside[beside]]).astype(np.int64)
        inside[ahead] = True
    chosen = np.flatnonzero(inside)
    links = _bought(arrays, chosen)
    links = links[inside[arrays.link_supplier[links]]]
    if len(links) > MOST_LINKS:
        raise ValueError(f"{len(links):,} links are too many to look at; ask for fewer hops")
    if isinstance(supply, Supply):
        rows = [supply.link(int(n)) for n in links]
        return assemble([supply.nodes[int(n)] for n in chosen], rows, rows)
    made = _links(arrays, links)
    return assemble([_node(arrays, int(n)) for n in chosen], made, made)


def _node(arrays: SupplyArrays, n: int) -> Node:
    prefix = arrays.names[n].partition(":")[0]
    return Node(
        arrays.names[n],
        prefix if prefix in KINDS else "firm",
        sector=str(arrays.sector[n]) if arrays.sector[n] >= 0 else "",
        output=float(arrays.output[n]),
        final=float(arrays.final[n]),
        slack=float(arrays.slack[n]),
        source=f"arrays {arrays.version}",
        synthetic=arrays.version.startswith("synthetic"),
    )


def _links(arrays: SupplyArrays, links: Ints) -> list[SupplyLink]:
    group = arrays.link_group[links]
    buyer = arrays.group_buyer[group]
    return [
        SupplyLink(
            arrays.names[arrays.link_supplier[n]],
            arrays.names[b],
            arrays.items[arrays.group_item[g]] if arrays.items else str(arrays.group_item[g]),
            float(arrays.link_weight[n]),
            essential=int(arrays.group_class[g]),
            stock_days=float(arrays.group_stock[g]),
            lead_days=int(arrays.link_lead[n]),
            substitutability=float(arrays.link_rho[n]),
            ramp_days=float(arrays.link_ramp[n]),
            source=f"arrays {arrays.version}",
            synthetic=arrays.version.startswith("synthetic"),
        )
        for n, g, b in zip(links, group, buyer, strict=True)
    ]


def _bought(arrays: SupplyArrays, buyers: Ints) -> Ints:
    """The links that deliver to the listed nodes."""
    return _ranges(arrays.link_start[arrays.group_start], buyers)


def _ranges(start: Ints, rows: Ints) -> Ints:
    """start[r] ... start[r + 1] - 1 of every row, one after the other."""
    count = start[rows + 1] - start[rows]
    skipped = np.repeat(start[rows] - (np.cumsum(count) - count), count)
    return np.asarray(np.arange(int(count.sum())) + skipped, dtype=np.int64)
