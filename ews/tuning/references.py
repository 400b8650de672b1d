"""Reference episodes and traps: what an alert is scored against. Read from JSONL files.

The fields are those of the episode guide: `docs/score-format.md` lists the ones that are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from ews.model import Stage, utc
from ews.tuning.outlets import newsroom

POLICY = frozenset({"export_restriction", "import_restriction", "sanctions", "regulation_change"})
ROUTE = frozenset({"armed_conflict_or_unrest", "logistics_disruption"})
PRODUCTION = frozenset({
    "industrial_accident", "natural_disaster", "energy_outage", "cyber_attack", "labour_action",
    "production_halt", "quality_or_recall", "bankruptcy_or_closure", "epidemic",
})  # fmt: skip
MARKET = frozenset({"shortage_or_allocation", "price_shock"})
GROUPS = (POLICY, ROUTE, PRODUCTION)

# Days after the reference time in which an alert still counts, when no end was seen.
WINDOW_DAYS: Mapping[str, int] = {
    **dict.fromkeys(
        ("natural_disaster", "industrial_accident", "cyber_attack", "energy_outage"), 21),
    **dict.fromkeys(
        ("labour_action", "production_halt", "quality_or_recall", "bankruptcy_or_closure",
         "armed_conflict_or_unrest"), 45),
    **dict.fromkeys(
        ("export_restriction", "sanctions", "import_restriction", "regulation_change",
         "logistics_disruption", "epidemic"), 60),
    **dict.fromkeys(("shortage_or_allocation", "price_shock"), 90),
}  # fmt: skip
BEFORE = timedelta(hours=24)
AFTER_END = timedelta(days=7)
_TRACKING = re.compile(r"^(utm_|at_|mod$|traffic_source$|ocid$|smid$|cmp$|ref$)", re.IGNORECASE)
T = TypeVar("T")


class ReferenceFileError(ValueError):
    """A line of a reference file cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Query:
    """Net for titles: any entry of which every part matches, unless the title is excluded."""

    any_of: tuple[tuple[bool, tuple[re.Pattern[str], ...]], ...]  # (with the summary, parts)
    exclude: re.Pattern[str] | None = None

    def finds(self, title: str, summary: str) -> bool:
        if self.exclude and self.exclude.search(title):
            return False
        both = f"{title} || {summary}"
        return any(
            all(part.search(both if wide else title) for part in parts)
            for wide, parts in self.any_of
        )


@dataclass(frozen=True, slots=True)
class Episode:
    """A real happening that an alert should catch."""

    id: str
    type: str
    types_also: frozenset[str]
    reference_time: datetime  # first report that makes its meaning for supply clear
    starts: datetime  # an alert counts from here
    ends: datetime  # an alert after this is stale
    countries: frozenset[str]
    hs4: frozenset[str]
    names: frozenset[str]  # as `plain_name` writes them
    severity: int
    expected: Stage
    required: bool
    links: frozenset[str]  # as `plain_link` writes them
    query: Query
    query_from: date
    query_to: date
    feed: str = ""
    parent: str | None = None
    lang: str = ""
    name: str = ""
    end_link: str = ""
    source: str = ""  # newsroom of the reference item
    reaction: datetime | None = None  # when those in charge first acted, as history has it


@dataclass(frozen=True, slots=True)
class Trap:
    """A title that must not open an alert."""

    link: str
    published: datetime
    category: str
    kind: str  # never | no_new_alert
    feed: str = ""
    lang: str = ""


def read_episodes(path: Path) -> list[Episode]:
    """Every episode of the file. ReferenceFileError names the line that is wrong."""
    return list(_lines(path, episode_of))


def read_traps(path: Path) -> list[Trap]:
    """Every trap of the file. ReferenceFileError names the line that is wrong."""
    return list(_lines(path, trap_of))


def plain_link(url: str) -> str:
    """A link without scheme, `www.`, tracking parameters, fragment and last slash.

    >>> plain_link("https://www.bbc.co.uk/news/1?at_medium=RSS&id=3#top")
    'bbc.co.uk/news/1?id=3'
    """
    parts = urlsplit(url.strip())
    kept = [(key, value) for key, value in parse_qsl(parts.query) if not _TRACKING.match(key)]
    path = parts.path.rstrip("/")
    host = parts.netloc.casefold().removeprefix("www.")
    return f"{host}{path}" + (f"?{urlencode(kept)}" if kept else "")


def plain_name(name: str) -> str:
    """A name for comparing: letters and digits only, without words such as canal or strait.

    >>> plain_name("Suez Canal"), plain_name("bab-el-mandeb"), plain_name("호르무즈 해협")
    ('suez', 'babelmandeb', '호르무즈')
    """
    words = re.findall(r"\w+", name.casefold().replace("_", " "))
    kept = [
        w for w in words if w not in {"canal", "strait", "port", "of", "the", "항", "해협", "운하"}
    ]
    return "".join(kept) or "".join(words)


def language(title: str) -> str:
    """`ko` or `ja` by script, else `en`: traps carry no language."""
    if re.search(r"[가-힣]", title):
        return "ko"
    return "ja" if re.search(r"[぀-ヿ]", title) else "en"


def same_group(alert_type: str, episode: Episode) -> tuple[bool, bool]:
    """(types go together, and then C2 needs the product because only the market joins them)."""
    wanted = {episode.type, *episode.types_also}
    if alert_type in wanted:
        return True, False
    if any(alert_type in group and episode.type in group for group in GROUPS):
        return True, False
    if alert_type in MARKET or episode.type in MARKET:
        return True, True
    return False, False


# --------------------------------------------------------------------------- one line each


def _lines(path: Path, parse: Callable[[Mapping[str, object]], T]) -> Iterator[T]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield parse(cast("Mapping[str, object]", json.loads(line)))
            except (KeyError, ValueError, TypeError, re.error) as error:
                what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                raise ReferenceFileError(f"{path.name} line {number}: {what}") from error


def episode_of(row: Mapping[str, object]) -> Episode:
    """The episode of one row. KeyError, ValueError, TypeError or re.error when it is no such row;
    `ews.tuning.case_fields` says which field is wrong."""
    reference = utc(str(row["reference_time"]))
    weak, end = _map(row.get("first_weak_signal")), _map(row.get("end"))
    firsts = [reference, utc(str(row["onset"]))]
    if weak:
        firsts.append(utc(str(weak["published"])))
    type_ = str(row["event_type"])
    if type_ not in WINDOW_DAYS:
        raise ValueError(f"unknown event_type {type_!r}")
    ends = reference + timedelta(days=WINDOW_DAYS[type_])
    if end:  # the whole of the last day counts
        ends = utc(str(end["date"])) + AFTER_END + timedelta(days=1)
    start, stop = _texts(row["match_window"])
    items = cast("Sequence[Mapping[str, object]]", row["matching_items"])
    query = cast("Mapping[str, object]", row["matching_query"])
    end_item = _map(end.get("item")) if end else None
    item, reaction = _map(row.get("reference_item")), _map(row.get("historical_reaction"))
    return Episode(
        id=str(row["id"]),
        type=type_,
        types_also=frozenset(_texts(row.get("event_type_also") or [])),
        reference_time=reference,
        starts=min(firsts) - BEFORE,
        ends=ends,
        countries=frozenset(_texts(row["countries"])),
        hs4=frozenset(code[:4] for code in _texts(row["hs"])) - {"9999"},
        names=frozenset(plain_name(name) for name in _texts(row["names"])),
        severity=int(str(row["severity"])),
        expected=Stage.parse(str(row["expected_stage"])),
        required=row["scored"] == "required",
        links=frozenset(plain_link(str(item["link"])) for item in items),
        query=_query(query),
        query_from=date.fromisoformat(start),
        query_to=date.fromisoformat(stop),
        feed=str(row.get("feed") or ""),
        parent=str(row["parent"]) if row.get("parent") else None,
        lang=str(row.get("reference_language") or ""),
        name=str(row.get("name_en") or row["id"]),
        end_link=plain_link(str(end_item["link"])) if end_item and end_item.get("link") else "",
        source=newsroom(str(item.get("source") or "")) if item else "",
        reaction=utc(str(reaction["date"])) if reaction and reaction.get("date") else None,
    )


def _query(row: Mapping[str, object]) -> Query:
    entries = []
    for text in _texts(row["any_of"]):
        wide = text.startswith("s:")
        parts = text.removeprefix("s:").split("&&")
        entries.append((wide, tuple(re.compile(part, re.IGNORECASE) for part in parts)))
    exclude = row.get("exclude_title")
    return Query(tuple(entries), re.compile(str(exclude), re.IGNORECASE) if exclude else None)


def trap_of(row: Mapping[str, object]) -> Trap:
    """The trap of one row. KeyError or ValueError when it is no such row."""
    kind = str(row["kind"])
    if kind not in {"never", "no_new_alert"}:
        raise ValueError(f"kind {kind!r} must be never or no_new_alert")
    return Trap(
        link=plain_link(str(row["link"])),
        published=utc(str(row["published"])),
        category=str(row["category"]),
        kind=kind,
        feed=str(row.get("feed") or ""),
        lang=language(str(row["title"])),
    )


def _map(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} must be a list")
    return tuple(str(item) for item in value)
