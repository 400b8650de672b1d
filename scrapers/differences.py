"""What changed in a list since its last turn? Entries added, removed and amended, told in groups.

A sanctions list comes whole each time. `[options]` says how to know an entry again (`id`), what it
is called (`name`), which part of the list it is in (`group`), and `[options.tell]` in which words a
change is told. The first sight of a list tells nothing. An entry that is unknown is added, one that
is gone is removed, one whose digest differs is amended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ews.model import Article, Source
from scrapers.entries import DATED, digest, entries
from scrapers.errors import SourceError
from scrapers.mapping import (
    TEXT_CHARS,
    TITLE_CHARS,
    Parsed,
    listed,
    map_rows,
    renderer,
    wanted,
)
from scrapers.remembered import Entry, Remembered, packed, unpacked
from scrapers.templates import MissingField, Row, pick, render
from scrapers.text import canonical_url, clean_text, parse_date

GONE_AT_ONCE = 0.2  # more than this share missing is a broken file, until it stays so
FEW = 10  # entries that may go at once whatever the share
HELD = timedelta(days=3)  # a list that stays short so long is believed
NAMED = 3  # names in a title
OWN_ARTICLE = 20  # groups with an article of their own in one turn and kind of change
CHANGES = ("added", "removed", "amended")
RULES = ("format", "items", "id", "watch", "columns", "drop", "keep", "contains")


@dataclass
class _Seen:
    entries: dict[str, Entry] = field(default_factory=dict)
    rows: int = 0
    of: str = ""
    missing: dict[str, int] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Entries of one group that changed in the same way: (id, name), by name."""

    what: str  # one of CHANGES
    group: str
    entries: tuple[tuple[str, str], ...]


def parse_list(
    source: Source, body: bytes, now: datetime, label: str = "", memory: str = ""
) -> Parsed:
    """The changes against what is remembered, as articles; beside them, with `count_by`, the number
    of entries per value of that column as observations. Raises SourceError.

    A list that lost more than a fifth at once is refused (`Parsed.refused`) until it has stayed so
    for three days; then what it lost is told.
    """
    seen = _read(source, body, label)
    if seen.rows < source.expect_min:  # the turn fails; such a file is no baseline and no news
        return Parsed([], seen.rows, None)
    rules = _rules(source)
    known = unpacked(memory)
    after = Remembered(seen.entries, rules)
    if known is None or known.rules != rules:
        why = "read in another way than before" if memory else "first sight of the list"
        said = f"{why}: {len(seen.entries):,} entries, none told"
        return _parsed(source, now, seen, [], after, said)
    if words := _too_short(source, known, seen.entries, now):
        since = known.held_since or now
        held = packed(replace(known, held_since=since))
        return Parsed([], seen.rows, None, memory=held, refused=words)
    changes, said = differences(known.entries, seen.entries)
    return _parsed(source, now, seen, changes, after, said)


# --------------------------------------------------------------------------- reading


def _read(source: Source, body: bytes, label: str) -> _Seen:
    seen = _Seen()
    watch = [str(path) for path in listed(source.options.get("watch"))]
    for row in entries(source, body, label):
        seen.rows += 1
        seen.of = seen.of or str(row.get(DATED) or "")
        if not wanted(row, source.options):
            continue
        try:
            _take(source, row, digest(row, watch), seen)
        except MissingField as error:
            seen.missing[str(error)] = seen.missing.get(str(error), 0) + 1
    for name, count in seen.missing.items():
        if count * 100 > seen.rows:  # a list of names must not lose any
            raise SourceError(
                f"{source.name}: field {name!r} is missing in {count} of {seen.rows} entries; the "
                "format has changed, compare sample and source.toml with a fresh answer"
            )
    if not seen.entries:
        raise SourceError(
            f"{source.name}: no entry in the list; it has moved or its format has changed: open the "
            "url, then correct format, items or id in source.toml"
        )
    return seen


def _take(source: Source, row: Row, said: str, seen: _Seen) -> None:
    options = source.options
    words = renderer(source, row)
    id = clean_text(words(options["id"]), 300)
    group = clean_text(words(options["group"]), 160)
    if split := options.get("split"):
        group = ", ".join(part.strip(" []") for part in group.split(str(split)))
    if isinstance(by := options.get("count_by"), str):
        value = str(pick(row, by) or "none")
        value = "none" if value in listed(options.get("nulls")) else value
        seen.tally[value] = seen.tally.get(value, 0) + 1
    if not id:
        seen.missing["id"] = seen.missing.get("id", 0) + 1
        return
    name = clean_text(words(options["name"]), 80) or id
    twin = seen.entries.get(id)
    if twin is not None:  # one name in several lines (addresses in several countries): one entry
        said = hashlib.sha256("".join(sorted((twin.digest, said))).encode()).hexdigest()[:8]
        group, name = twin.group, twin.name
    seen.entries[id] = Entry(said, group, name)


def _rules(source: Source) -> str:
    """Changes when ids or digests are made otherwise: old ones say nothing then."""
    said = json.dumps({name: source.options.get(name) for name in RULES}, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


# --------------------------------------------------------------------------- comparing


def _too_short(source: Source, known: Remembered, seen: Mapping[str, Entry], now: datetime) -> str:
    """Why the list is not believed; "" when it is."""
    gone = sum(1 for id in known.entries if id not in seen)
    if gone <= max(FEW, GONE_AT_ONCE * len(known.entries)):
        return ""
    since = known.held_since or now
    if now - since >= HELD:
        return ""
    return (
        f"suspicious: {gone:,} of {len(known.entries):,} entries are gone at once; nothing is told "
        f"and the list is kept as it was. If it stays so it is believed at "
        f"{since + HELD:%Y-%m-%d %H:%M} UTC; open the url and look, `ews sources resume "
        f"{source.name}` believes it at once"
    )


def differences(
    before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> tuple[list[Change], str]:
    """The changes, largest groups first, and what is not told of them in words.

    More than a fifth amended at once is a new way of writing the file, not news of each entry.
    """
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for what, id, entry in _changed(before, after):
        found.setdefault((what, entry.group), []).append((id, entry.name))
    amended = sum(len(one) for (what, _), one in found.items() if what == "amended")
    said = ""
    if amended > max(FEW, GONE_AT_ONCE * len(before)):
        found = {key: one for key, one in found.items() if key[0] != "amended"}
        said = f"{amended:,} of {len(before):,} entries were rewritten at once and are not told"
    changes = [
        Change(what, group, tuple(sorted(one, key=lambda pair: (pair[1], pair[0]))))
        for (what, group), one in found.items()
    ]
    changes.sort(key=lambda one: (CHANGES.index(one.what), -len(one.entries), one.group))
    return changes, said


def _changed(
    before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> Iterator[tuple[str, str, Entry]]:
    for id, entry in after.items():
        if id not in before:
            yield "added", id, entry
        elif before[id].digest != entry.digest:
            yield "amended", id, entry
    for id, entry in before.items():
        if id not in after:
            yield "removed", id, entry


def _folded(changes: list[Change]) -> list[Change]:
    """At most OWN_ARTICLE groups of each kind of change; the small ones after them as one."""
    told: list[Change] = []
    for what in CHANGES:
        same = [one for one in changes if one.what == what]
        told += same[:OWN_ARTICLE]
        if rest := same[OWN_ARTICLE:]:
            groups = [one.group for one in rest]
            more = f" (+{len(groups) - NAMED})" if len(groups) > NAMED else ""
            every = sorted(pair for one in rest for pair in one.entries)
            told.append(Change(what, ", ".join(groups[:NAMED]) + more, tuple(every)))
    return told


# --------------------------------------------------------------------------- telling


def _parsed(
    source: Source, now: datetime, seen: _Seen, changes: list[Change], after: Remembered, said: str
) -> Parsed:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    stated = parse_date(seen.of, zone=str(source.options.get("tz", "UTC")))
    observed = min(stated, now) if stated else now
    articles = [
        article
        for change in _folded(changes)
        if (article := _article(source, change, observed, now)) is not None
    ]
    counts = Parsed([], 0, None)
    if isinstance(by := source.options.get("count_by"), str):
        counts = map_rows(source, _counted(source, seen, by, now), now)
    return Parsed(
        [*articles, *counts.signals], seen.rows, min(stated, now) if stated else day, said,
        series=counts.series, memory=packed(after),
    )  # fmt: skip


def _counted(source: Source, seen: _Seen, by: str, now: datetime) -> list[Row]:
    """Entries per value of a column as rows, and of all."""
    today = now.strftime("%Y-%m-%d")
    counts = {**seen.tally, "all": seen.rows}
    return [{by: k, "@count": n, "@today": today} for k, n in sorted(counts.items())]


def _article(source: Source, change: Change, observed: datetime, now: datetime) -> Article | None:
    tell = source.options["tell"]
    assert isinstance(tell, Mapping)
    if change.what not in tell:
        return None
    names = [name for _, name in change.entries]
    shown = "; ".join(clean_text(name, 56) for name in names[:NAMED])
    if len(names) > NAMED:
        more = str(tell.get("more", " and {n} more"))
        shown += render(more, {"n": len(names) - NAMED}, {}, [])
    row = {"names": shown, "group": change.group, "n": len(names)}
    title = render(str(tell[change.what]), row, {}, [])
    ids = sorted(id for id, _ in change.entries)
    return Article(
        id=Article.keyed_id(source.name, change.what, observed.date().isoformat(), *ids),
        source=source.name,
        outlet=source.publisher,
        url=canonical_url(str(tell.get("url", source.url))),
        title=clean_text(title, TITLE_CHARS),
        text=clean_text("; ".join(names[:200]), TEXT_CHARS) if len(names) > NAMED else "",
        lang=source.lang,
        observed_at=observed,
        available_at=now,
        independence=source.independence,
        authority=source.authority,
    )
