"""Is this a reference episode, and if not, which field is wrong? Typed rows in, full rows out.

The fields are those of docs/score-format.md. An analyst may leave out what can be worked out, and
write plain dates and links where the full form has tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from ews.model import Stage, utc
from ews.tuning.references import AFTER_END, WINDOW_DAYS, Episode, episode_of
from graph.reference import COUNTRIES, ITEMS
from nlp.taxonomy import TYPES

ID = re.compile(r"[a-z0-9][a-z0-9_-]{2,63}")
HS = re.compile(r"\d{4}|\d{6}")
LONGEST = 2_000  # letters of a text
MOST = 200  # entries of a list
NEEDED = ("id", "event_type", "onset", "reference_time", "countries", "severity", "expected_stage")


class CaseFieldError(ValueError):
    """A case that cannot be used; the message names each field that is wrong and what it must be."""

    def __init__(self, where: str, problems: list[str]) -> None:
        super().__init__(f"{where}: " + "; ".join(problems))
        self.problems = tuple(problems)


def full(row: Mapping[str, object], where: str = "") -> dict[str, object]:
    """The row with all that a reader of the score needs. CaseFieldError names what is wrong."""
    plain = {key: _plain(value) for key, value in row.items()}
    name = where or f"case {str(plain.get('id') or '?')[:64]}"
    if problems := list(_problems(plain)):
        raise CaseFieldError(name, problems)
    return _completed(plain)


def episode(row: Mapping[str, object], where: str = "") -> Episode:
    """The episode of a row. CaseFieldError names what is wrong."""
    made = full(row, where)
    try:
        return episode_of(made)
    except re.error as error:
        raise CaseFieldError(where or f"case {made['id']}", [f"matching_query: {error}"]) from error


def missing(row: Mapping[str, object]) -> tuple[str, ...]:
    """Fields that nobody can work out and that are not there yet."""
    return tuple(name for name in NEEDED if row.get(name) in (None, "", []))


# --------------------------------------------------------------------------- what is wrong


def _problems(row: Mapping[str, object]) -> Iterator[str]:
    for name in row:
        if name not in CHECKS:
            near = get_close_matches(name, CHECKS, n=1)
            yield f"{name[:40]}: no such field" + (f"; did you mean {near[0]}?" if near else "")
    for name in missing(row):
        yield f"{name}: is missing"
    for name, check in CHECKS.items():
        if row.get(name) not in (None, "") and (said := check(row[name])):
            yield f"{name}: {said}"
    if not (row.get("name_en") or row.get("name_ko")):
        yield "name_en: give a name, here or in name_ko"
    yield from _order(row)


def _order(row: Mapping[str, object]) -> Iterator[str]:
    """An end before the beginning would make a window in which nothing can match."""
    try:
        end, reference = _day_of(row.get("end"), "date"), utc(str(row["reference_time"]))
    except (KeyError, ValueError):
        return  # said already
    if end is not None and utc(end) < reference - timedelta(days=1):
        yield f"end: {end} is before reference_time"


def _text(value: object) -> str:
    if not isinstance(value, str):
        return "must be a text"
    return f"is longer than {LONGEST:,} letters" if len(value) > LONGEST else ""


def _moment(value: object) -> str:
    try:
        utc(str(value))
    except ValueError:
        return f"{str(value)[:40]!r} is no ISO 8601 date or time, such as 2023-10-20T03:00:00Z"
    return ""


def _list(check: Callable[[str], str]) -> Callable[[object], str]:
    def checked(value: object) -> str:
        if not isinstance(value, list | tuple) or len(value) > MOST:
            return f"must be a list of at most {MOST}"
        return next((said for one in value if (said := check(str(one)))), "")

    return checked


def _one_of(known: Mapping[str, object] | tuple[str, ...], what: str) -> Callable[[object], str]:
    def checked(value: object) -> str:
        if value in known:
            return ""
        near = get_close_matches(str(value), known, n=3)
        return f"{str(value)[:40]!r} is no {what}" + (f"; near: {', '.join(near)}" if near else "")

    return checked


def _severity(value: object) -> str:
    return "" if value in (0, 1, 2, 3) and not isinstance(value, bool) else "must be 0, 1, 2 or 3"


def _stage(value: object) -> str:
    try:
        Stage.parse(str(value))
    except ValueError:
        return (
            f"{str(value)[:20]!r} must be 관심, 주의, 경계 or 심각 (watch, caution, alert, severe)"
        )
    return ""


def _dated(key: str) -> Callable[[object], str]:
    """A date alone, or a table with the date under `key`."""

    def checked(value: object) -> str:
        day = value.get(key) if isinstance(value, Mapping) else value
        return f"{key} is missing" if day is None else _moment(day)

    return checked


def _link(value: str) -> str:
    ok = value.startswith(("https://", "http://")) and len(value) <= LONGEST
    return "" if ok else f"{value[:60]!r} is no http(s) link"


def _items(value: object) -> str:
    if not isinstance(value, list | tuple) or not all(
        isinstance(one, Mapping) and one.get("link") for one in value
    ):
        return "must be a list of tables, each with a link"
    return next((said for one in value if (said := _link(str(one["link"])))), "")


def _window(value: object) -> str:
    days = list(value) if isinstance(value, list | tuple) else []
    try:
        first, last = (date.fromisoformat(str(day)) for day in days)
    except ValueError:
        return 'must be two days, such as ["2023-10-20", "2023-12-31"]'
    return "" if first <= last else "ends before it starts"


def _query(value: object) -> str:
    if not isinstance(value, Mapping) or not isinstance(value.get("any_of"), list | tuple):
        return "must be a table with any_of, a list of expressions"
    if unknown := set(value) - {"any_of", "exclude_title", "note"}:
        return f"no such field {sorted(unknown)[0]!r}"
    texts = [part for one in value["any_of"] for part in str(one).removeprefix("s:").split("&&")]
    for text in (*texts, str(value.get("exclude_title") or "")):
        try:
            re.compile(text)
        except re.error as error:
            return f"{text[:40]!r} is no regular expression ({error})"
    return ""


def _reaction(value: object) -> str:
    if not isinstance(value, Mapping):
        return "must be a table with date, who and source"
    for name in ("date", "who", "source"):
        if not value.get(name):
            return f"{name} is missing"
    return _moment(value["date"])


def _hs(value: str) -> str:
    # an item of ours may be a whole chapter, as fertilisers are: a case made from it stays editable
    if HS.fullmatch(value) or any(value in item.hs for item in ITEMS.values()):
        return ""
    return f"{value[:20]!r} is no HS code of 4 or 6 digits"


def _anything(_: object) -> str:
    return ""


CHECKS: Mapping[str, Callable[[object], str]] = {
    "id": lambda v: "" if ID.fullmatch(str(v)) else "must be 3 to 64 of a-z, 0-9, - and _",
    "name_en": _text, "name_ko": _text,
    "event_type": _one_of(WINDOW_DAYS, "event type that is scored"),
    "event_type_also": _list(_one_of(TYPES, "event type")),
    "onset": _moment, "onset_approx": _anything, "reference_time": _moment,
    "reference_item": _anything, "first_weak_signal": _dated("published"),
    "countries": _list(_one_of({**COUNTRIES, "EU": None}, "country code")),
    "hs": _list(_hs),
    "items": _list(_one_of(ITEMS, "item")),
    "names": _list(_text), "severity": _severity, "severity_reason": _text,
    "expected_stage": _stage, "scored": _one_of(("required", "optional"), "answer"),
    "parent": _text, "end": _dated("date"), "feed": _text, "match_window": _window,
    "links": _list(_link), "matching_items": _items, "matching_query": _query,
    "n_matching": _anything, "n_matching_korean": _anything, "reference_language": _text,
    "historical_reaction": _reaction, "note": _text,
}  # fmt: skip


# --------------------------------------------------------------------------- what follows


def _completed(row: Mapping[str, object]) -> dict[str, object]:
    """The full form of a row that is right."""
    made = {key: value for key, value in row.items() if key not in {"links", "items"}}
    weak, end = _day_of(row.get("first_weak_signal"), "published"), _day_of(row.get("end"), "date")
    made["first_weak_signal"] = _table(row.get("first_weak_signal"), "published")
    made["end"] = _table(row.get("end"), "date")
    codes = [str(code) for item in _texts(row.get("items")) for code in ITEMS[item].hs]
    made["hs"] = list(dict.fromkeys([*_texts(row.get("hs")), *codes]))
    for name in ("names", "event_type_also"):
        made[name] = _texts(row.get(name))
    kept = row.get("matching_items")
    made["matching_items"] = [
        *(kept if isinstance(kept, list | tuple) else ()),
        *({"link": link} for link in _texts(row.get("links"))),
    ]
    made.setdefault("matching_query", {"any_of": []})
    made.setdefault("scored", "required" if row["severity"] else "optional")
    made.setdefault("match_window", _window_of(row, weak, end))
    made["expected_stage"] = Stage.parse(str(row["expected_stage"])).ko
    made["name_en"] = row.get("name_en") or row.get("name_ko")
    made["name_ko"] = row.get("name_ko") or row.get("name_en")
    return made


def _window_of(row: Mapping[str, object], weak: str | None, end: str | None) -> list[str]:
    reference = utc(str(row["reference_time"]))
    firsts = [reference, utc(str(row["onset"])), *([utc(weak)] if weak else [])]
    last = reference + timedelta(days=WINDOW_DAYS[str(row["event_type"])])
    if end:
        last = utc(end) + AFTER_END
    return [min(firsts).date().isoformat(), last.date().isoformat()]


def _day_of(value: object, key: str) -> str | None:
    found = value.get(key) if isinstance(value, Mapping) else value
    return str(found) if found else None


def _table(value: object, key: str) -> object:
    return value if isinstance(value, Mapping) else ({key: str(value)} if value else None)


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _plain(value: object) -> object:
    """TOML's own dates as the texts that JSON keeps."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
