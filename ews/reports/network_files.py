"""Supply networks that an analyst brought, on disk: $EWS_HOME/networks/NAME.

Each import is a folder of its own, of memory-mapped arrays and what is known of their rows;
`network.json` names the one in force and is replaced last, in one step. Whatever a killed import
left is swept away by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ews.reports.network_views import NetworkLine
from ews.reports.viewer import NotForViewer, NotFound, Viewer
from ews.reports.views import BasisCount, plain
from graph.arrays import SupplyArrays
from graph.supply_bulk import Supply
from graph.supply_files import load_arrays, save_arrays
from graph.supply_nouns import SHARE

FOLDER, CURRENT, ARRAYS, FACTS = "networks", "network.json", "arrays.npz", "facts.json"
ROLES = frozenset({"analyst", "operator"})
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
KEPT = 4  # networks held open by one process
LINK_FACTS = ("basis", "source", "as_of", "synthetic")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the rows behind the arrays."""

    en: Sequence[str]  # by node; empty where nobody is named
    ko: Sequence[str]
    sectors: Sequence[str]  # by the number that arrays.sector holds
    codes: Mapping[str, NDArray[np.int32]]  # of LINK_FACTS, by link; one value where all are alike
    values: Mapping[str, Sequence[str]]  # the text of each code

    def of(self, column: str, link: int) -> str:
        """The text of a link's fact; "" where nothing is known."""
        codes = self.codes.get(column)
        if codes is None or not len(codes):
            return ""
        return self.values[column][int(codes[link if len(codes) > 1 else 0])]


@dataclass(frozen=True, slots=True)
class OpenNetwork:
    """A network in force, its arrays mapped read-only."""

    line: NetworkLine
    folder: Path
    arrays: SupplyArrays
    numbers: Mapping[str, int]  # node id -> number
    facts: Facts


def may_use(viewer: Viewer) -> bool:
    """Whether networks are for the viewer at all: analysts and operators."""
    return viewer.role in ROLES


def no_network(name: str) -> NotFound:
    """The one answer to whoever asks for what is not there, or not for them."""
    return NotFound(f"no network {name!r}; `ews networks list` lists those for you")


def networks(home: Path, viewer: Viewer) -> tuple[NetworkLine, ...]:
    """The networks of a home, by name; none for a viewer whom they are not for."""
    if not may_use(viewer):
        return ()
    found = (_current(path.parent) for path in sorted((home / FOLDER).glob(f"*/{CURRENT}")))
    return tuple(line for line, _ in filter(None, found))


def open_network(home: Path, name: str, viewer: Viewer) -> OpenNetwork:
    """The network in force under that name. NotFound, in the same words, when there is none and
    when networks are not for the viewer."""
    if not may_use(viewer) or not NAME.fullmatch(name):
        raise no_network(name)
    for _ in range(2):  # an import may replace it between the two reads
        current = _current(home / FOLDER / name)
        if current is None:
            break
        try:
            return _opened(*current)
        except FileNotFoundError:
            continue
    raise no_network(name)


def _current(folder: Path) -> tuple[NetworkLine, Path] | None:
    try:
        told = json.loads((folder / CURRENT).read_text("utf-8"))
    except FileNotFoundError:
        return None
    inside = folder / told.pop("folder")
    told["imported_at"] = datetime.fromisoformat(told["imported_at"])
    told["bases"] = tuple(BasisCount(**one) for one in told["bases"])
    return NetworkLine(**told), inside


@lru_cache(maxsize=KEPT)
def _opened(line: NetworkLine, folder: Path) -> OpenNetwork:
    arrays = load_arrays(folder / ARRAYS)
    told = json.loads((folder / FACTS).read_text("utf-8"))
    codes = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in LINK_FACTS
        if name in told["values"]
    }
    facts = Facts(told["en"], told["ko"], told["sectors"], codes, told["values"])
    numbers = {name: n for n, name in enumerate(arrays.names)}
    return OpenNetwork(line, folder, arrays, numbers, facts)


def keep_network(home: Path, viewer: Viewer, line: NetworkLine, supply: Supply | SupplyArrays,
                 sectors: Sequence[str]) -> tuple[NetworkLine, bool]:  # fmt: skip
    """Put the network in force under `line.name`, wholly or not at all; what is kept, and whether
    anything changed: the same files again leave it as it is.

    ValueError for a name that cannot be a folder, NotForViewer for a viewer whom networks are not
    for.
    """
    if not may_use(viewer):
        raise NotForViewer("networks are for analysts and operators")
    if not NAME.fullmatch(line.name):
        raise ValueError(f"{line.name!r} is no name for a network; use up to 40 small letters, "
                         "digits and dashes, such as steel-2026")  # fmt: skip
    folder = home / FOLDER / line.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder):
        before = _current(folder)
        if before and before[0].digest == line.digest and (before[1] / ARRAYS).exists():
            return before[0], False
        _sweep(folder, before[1].name if before else "")
        part = Path(tempfile.mkdtemp(dir=folder, prefix="part-"))
        _write(part, supply, sectors)
        made = folder / part.name.replace("part-", f"{line.digest[:12]}-")
        part.rename(made)
        _point(folder, line, made.name)
        _sweep(folder, made.name)
    return line, True


def remove_network(home: Path, name: str, viewer: Viewer) -> None:
    """Take a network and all that was computed of it away. NotFound when there is none."""
    if not may_use(viewer) or not NAME.fullmatch(name):
        raise no_network(name)
    folder = home / FOLDER / name
    if _current(folder) is None:
        raise no_network(name)
    with _locked(folder):
        (folder / CURRENT).unlink(missing_ok=True)
        shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One import or removal at a time, under each name."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(folder: Path, supply: Supply | SupplyArrays, sectors: Sequence[str]) -> None:
    told: dict[str, object] = {"en": (), "ko": (), "sectors": list(sectors), "values": {}}
    if isinstance(supply, Supply):
        save_arrays(folder / ARRAYS, supply.arrays)
        columns = supply.columns
        for name in LINK_FACTS:
            codes = columns.codes[name]
            alike = codes.strides == (0,)
            np.save(folder / f"{name}.npy", np.array(codes[:1] if alike else codes, np.int32))
        values = {name: [_text(v) for v in columns.values[name]] for name in LINK_FACTS}
        told |= {"values": values}
        if any(row.en or row.ko for row in supply.nodes):
            told |= {"en": [row.en for row in supply.nodes], "ko": [r.ko for r in supply.nodes]}
    else:
        save_arrays(folder / ARRAYS, supply)
    (folder / FACTS).write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _text(value: object) -> str:
    if value is None or value is False:
        return ""
    return "synthetic" if value is True else str(value)


def _point(folder: Path, line: NetworkLine, inside: str) -> None:
    text = json.dumps({**_told(line), "folder": inside}, ensure_ascii=False, indent=2)
    part = folder / f"{CURRENT}.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / CURRENT)


def _told(line: NetworkLine) -> dict[str, object]:
    told = plain(asdict(line))
    assert isinstance(told, dict)
    return told


def _sweep(folder: Path, keep: str) -> None:
    """Folders that are not in force: of the network before, or of an import that was killed."""
    for path in folder.iterdir():
        if path.is_dir() and path.name != keep:
            shutil.rmtree(path)


def counted(line: NetworkLine, supply: Supply) -> NetworkLine:
    """The line with what the rows say of themselves: bases, how many are synthetic, currency."""
    columns = supply.columns
    basis, made_up = columns.codes["basis"], columns.codes["synthetic"]
    rows = np.bincount(basis, minlength=len(columns.values["basis"]))
    synthetic = np.array([bool(v) for v in columns.values["synthetic"]])[made_up]
    used = {columns.values["unit"][int(code)] for code in np.unique(columns.codes["unit"])}
    money = sorted({str(unit).split("/")[0] for unit in used if unit != SHARE})
    return replace(
        line,
        bases=tuple(
            BasisCount(str(name), int(count))
            for name, count in zip(columns.values["basis"], rows, strict=True)
            if count
        ),
        synthetic_links=int(synthetic.sum()),
        synthetic=bool(synthetic.any()) or any(row.synthetic for row in supply.nodes),
        currency=money[0] if len(money) == 1 else "",
    )
