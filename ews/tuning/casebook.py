"""Which happenings should have been told? Ours, those that analysts keep, and those of files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import cast

from ews.model import Case
from ews.storage import Store
from ews.tuning import cases
from ews.tuning.case_fields import CaseFieldError, episode, full
from ews.tuning.references import (
    Episode,
    ReferenceFileError,
    Trap,
    episode_of,
    language,
    plain_link,
    same_group,
    trap_of,
)

FEED = "cases"  # of our own: they are scored where the shipped cases were played, or every feed
NEAR = timedelta(days=14)  # within which two lists may tell of one happening
OURS = ("reactions", "reality", "other_rows")  # keys of episodes.toml that are for people


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An episode of ours that another list tells, too: it counts once."""

    id: str
    same_as: str


@dataclass(frozen=True, slots=True)
class References:
    """What alerts are held against."""

    episodes: tuple[Episode, ...]
    traps: tuple[Trap, ...]
    left_out: tuple[LeftOut, ...] = ()


def references(store: Store | None, files: Sequence[Path] = ()) -> References:
    """Our shipped crises, the cases that analysts keep in the store, and those of the files; the
    quiet weeks and the files' traps. ReferenceFileError for an id that comes twice, and for a row
    that is wrong, with its field."""
    told: dict[str, tuple[str, Episode]] = {}
    traps = list(shipped_traps())
    for file in files:
        episodes, more = read_file(file)
        traps += more
        _add(told, file.name, episodes)
    if store is not None:
        _add(told, "the cases of this home", [episode_of(one.body) for one in kept(store)])
    others = [one for _, one in told.values()]
    twins = {ours.id: _twin(ours, others) for ours in shipped()}
    _add(told, "the shipped crises", [ours for ours in shipped() if twins[ours.id] is None])
    return References(
        tuple(one for _, one in told.values()),
        tuple({(trap.link, trap.published): trap for trap in traps}.values()),
        tuple(LeftOut(id_, twin.id) for id_, twin in twins.items() if twin is not None),
    )


def kept(store: Store) -> list[Case]:
    """The cases that analysts keep and have not withdrawn."""
    return [one for one in store.cases() if one.withdrawn_at is None]


def _add(told: dict[str, tuple[str, Episode]], where: str, episodes: Iterable[Episode]) -> None:
    for one in episodes:
        if one.id in told:
            raise ReferenceFileError(
                f"{where}: the id {one.id!r} is also in {told[one.id][0]}; rename or leave out one"
            )
        told[one.id] = where, one


def _twin(ours: Episode, others: Iterable[Episode]) -> Episode | None:
    """The episode of another list that tells the same happening."""
    return next((one for one in others if _same(ours, one)), None)


def _same(one: Episode, other: Episode) -> bool:
    goods = one.hs4 & other.hs4 or one.names & other.names
    places = one.countries & other.countries or one.names & other.names
    return bool(
        abs(one.reference_time - other.reference_time) <= NEAR
        and same_group(one.type, other)[0] and goods and places
    )  # fmt: skip


# --------------------------------------------------------------------------- ours


@cache
def tables() -> Mapping[str, Mapping[str, object]]:
    """cases/episodes.toml: what should be told of each crisis, and how it went on."""
    text = (cases.FOLDER / "episodes.toml").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, object]]", tomllib.loads(text))


@cache
def shipped_rows() -> tuple[Mapping[str, object], ...]:
    """The six crises as rows of the guide, with the case's own rows as their items."""
    return tuple(_shipped_row(name) for name in cases.names())


@cache
def shipped() -> tuple[Episode, ...]:
    return tuple(episode_of(row) for row in shipped_rows())


@cache
def shipped_traps() -> tuple[Trap, ...]:
    """Every text of the quiet weeks: none may open an alert."""
    return tuple(trap for name in cases.quiet() for trap in _traps_of(name))


def _shipped_row(name: str) -> Mapping[str, object]:
    table = tables()[name]
    other = {str(row) for row in cast("Sequence[object]", table["other_rows"])}
    links = [fact.url for fact in cases.facts(name)
             if fact.signals and fact.row not in other and fact.url.startswith("http")]  # fmt: skip
    row = {key: value for key, value in table.items() if key not in OURS}
    met = reaction(name)
    row["historical_reaction"] = {"date": met["date"], "who": met["en"], "source": met["source"]}
    return full({"id": name, "feed": FEED, "links": list(dict.fromkeys(links)), **row})


def reaction(name: str) -> Mapping[str, object]:
    """What a warning lead is taken to: the first reaction of the state that is marked so."""
    told = cast("Sequence[Mapping[str, object]]", tables()[name]["reactions"])
    return next(one for one in told if one.get("meets"))


def _traps_of(name: str) -> Iterator[Trap]:
    for fact in cases.facts(name):
        yield Trap(
            link=plain_link(fact.url), published=fact.observed_at,
            category=fact.note.removeprefix("trap: ") or "quiet", kind="never", feed=FEED,
            lang=language(fact.ko),
        )  # fmt: skip


# --------------------------------------------------------------------------- files


def read_file(path: Path) -> tuple[list[Episode], list[Trap]]:
    """Episodes and traps of a file: JSON Lines, one a line, or one case as TOML.
    ReferenceFileError names the line and the field that is wrong."""
    episodes: list[Episode] = []
    traps: list[Trap] = []
    for where, row in file_rows(path):
        try:
            if "event_type" in row or "onset" in row:
                episodes.append(episode(row, where))
            else:
                traps.append(trap_of(row))
        except KeyError as error:
            raise ReferenceFileError(f"{where}: {error} is missing") from error
        except CaseFieldError as error:
            raise ReferenceFileError(str(error)) from error
        except (ValueError, TypeError, re.error) as error:
            raise ReferenceFileError(f"{where}: {error}") from error
    return episodes, traps


def file_rows(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The rows of a file, each with where it stands. ReferenceFileError for one that is unreadable."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            yield path.name, tomllib.loads(text)
            return
    except OSError as error:
        raise ReferenceFileError(f"{path.name}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # not UTF-8, not TOML
        raise ReferenceFileError(f"{path.name}: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield f"{path.name} line {number}", _json(f"{path.name} line {number}", line)


def _json(where: str, line: str) -> Mapping[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ReferenceFileError(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ReferenceFileError(f"{where}: must be one object {{...}}")
    return row
