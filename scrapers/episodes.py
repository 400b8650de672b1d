"""Is this a happening that was told before? Earthquakes and storms come again, changed.

`[options.episode]`: `id` is a template; `also` names a field with more ids of the same happening
(USGS: `ids`, which change as networks merge); `updated` a field that only grows; `state` a template
whose change is told (the class of a storm); `step` says how much a number must move to be told again.
Rows get `@first`, the id under which the happening was first told, and `@told`, the state and the
numbers it was told with: the `key` of the article is made of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ews.model import Source
from scrapers.entries import entries
from scrapers.errors import SourceError
from scrapers.mapping import Parsed, map_rows, renderer
from scrapers.templates import MissingField, Row, as_text, number, pick, render

KEPT = timedelta(days=60)  # since a happening was last in the list
MOST = 20_000  # happenings remembered


@dataclass
class _Known:
    """What is remembered: happenings by first id, and every other id that they had."""

    told: dict[str, dict[str, object]] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)


def parse_episodes(
    source: Source, body: bytes, now: datetime, label: str = "", memory: str = ""
) -> Parsed:
    """The rows as articles, each happening under one key. Raises SourceError.

    A row older than what was told (`updated`) is left out: caches may serve it.
    """
    known = _recalled(memory)
    rows: list[Row] = []
    count, missing = 0, list[str]()
    for row in entries(source, body, label):
        count += 1
        try:
            known_row = _placed(source, row, now, known)
        except MissingField as error:  # one that is broken costs no other
            missing.append(str(error))
            continue
        if known_row is not None:
            rows.append(known_row)
    if len(missing) * 2 > count:
        raise SourceError(
            f"{source.name}: field {missing[0]!r} is missing; the format has changed, compare "
            "sample and source.toml with a fresh answer"
        )
    parsed = map_rows(source, rows, now)
    lacking = f"{len(missing)} rows without {missing[0]!r}" if missing else ""
    said = "; ".join(filter(None, [lacking, parsed.said]))
    return Parsed(parsed.signals, count, parsed.newest, said, memory=_kept(known, now))


def _placed(source: Source, row: Row, now: datetime, known: _Known) -> Row | None:
    """The row with `@first` and `@told`, remembered; None for an old state of the happening."""
    how = source.options["episode"]
    assert isinstance(how, Mapping)
    id = render(str(how["id"]), row, {}, []).strip()
    if not id:
        raise MissingField(str(how["id"]))
    ids = list(dict.fromkeys([id, *_also(row, how.get("also"))]))
    first = next((known.first[one] for one in ids if one in known.first), id)
    told = known.told.get(first, {})
    updated = number(_value(row, how.get("updated")))
    before = number(told.get("updated"))
    if updated is not None and before is not None and updated < before:
        return None
    state = renderer(source, row)(how.get("state")).strip()
    steps = how.get("step")
    past = told.get("numbers") if told.get("state") == state else None
    numbers = {
        str(name): _stepped(number(_value(row, name)), past, str(name), float(str(step)))
        for name, step in (steps if isinstance(steps, Mapping) else {}).items()
    }
    seen = now.date().isoformat()
    known.told[first] = {
        "updated": updated, "state": state, "numbers": numbers, "seen": seen,
    }  # fmt: skip
    known.first.update(dict.fromkeys(ids, first))
    shown = ",".join(f"{name}={value:g}" for name, value in numbers.items() if value is not None)
    return {**row, "@first": first, "@told": f"{state} {shown}"}


def _stepped(value: float | None, past: object, name: str, step: float) -> float | None:
    """The number that is told: the old one while the new is less than a step away."""
    before = number(past.get(name)) if isinstance(past, Mapping) else None
    if value is None or before is None:
        return before if value is None else value
    # a hair of tolerance: 6.3 - 5.8 is less than 0.5 in binary
    return value if abs(value - before) >= step - 1e-9 else before


def _also(row: Row, path: object) -> list[str]:
    return [one for one in re.split(r"[,\s]+", as_text(_value(row, path))) if one]


def _value(row: Row, path: object) -> object:
    try:
        return pick(row, str(path)) if path else None
    except MissingField:
        return None


# --------------------------------------------------------------------------- memory


def _recalled(memory: str) -> _Known:
    """What is remembered; nothing when the text is not ours."""
    known = _Known()
    try:
        said = json.loads(memory or "{}")
    except ValueError:
        return known
    for first, one in said.items() if isinstance(said, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("ids"), list):
            known.told[first] = {k: v for k, v in one.items() if k != "ids"}
            known.first.update({str(id): first for id in one["ids"]})
    return known


def _kept(known: _Known, now: datetime) -> str:
    oldest = (now - KEPT).date().isoformat()
    fresh = {k: v for k, v in known.told.items() if str(v.get("seen", "")) >= oldest}
    newest = sorted(fresh, key=lambda first: (str(fresh[first]["seen"]), first))[-MOST:]
    ids: dict[str, list[str]] = {}
    for id, first in known.first.items():
        ids.setdefault(first, []).append(id)
    out = {first: {**fresh[first], "ids": sorted(ids.get(first, []))} for first in sorted(newest)}
    return json.dumps(out, ensure_ascii=False, separators=(",", ":"))
