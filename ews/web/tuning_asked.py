"""What was asked of the tuning page? A query -> changes of the rules, a period, and what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ews.reports.given import KST
from ews.tuning.desk_shapes import Knob, Period
from ews.web.problems import FormRefused
from ews.web.tuning_words import YES_OR_NO

# First parts of the keys that the form may move.
MOVABLE = ("rules", "sensitivity", "budget", "budgets", "evaluate", "group", "chance", "news",
           "series", "retract", "signoff", "blind")  # fmt: skip
PLAIN = frozenset({
    "lang", "base", "rule", "pick", "from", "to", "name", "reason", "at", "add_type",
    "add_type_factor", "add_country", "add_country_factor", "show", "did", "version", "form", "key",
    "most", "stage", "receiver", "precision", "curve", "loads",
    "force",
})  # fmt: skip
LONGEST_VALUE = 40
YEARS = range(1990, 2201)  # of a day or a time that can be asked for


class Unread(FormRefused):
    """A query that the form never makes; the message says what it takes."""

    def __init__(self, said: str, ko: str) -> None:
        super().__init__(400, said, ko)

    def __str__(self) -> str:
        return str(self.detail)


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it was typed."""

    base: int | None
    rule: str
    since: str
    until: str
    changes: Mapping[str, str]  # dotted key -> as typed; what equals the base is left out later
    typed: Mapping[str, str]  # name, reason, at and the like

    def differing(self, knobs: Mapping[str, Knob]) -> dict[str, str]:
        """The changes that say something else than the base does."""
        return {
            key: text
            for key, text in self.changes.items()
            if text and not same(text, present(key, knobs))
        }


def read(query: Sequence[tuple[str, str]]) -> Asked:
    """Unread for a parameter of another name: a misspelt one must not be passed over."""
    plain: dict[str, str] = {}
    changes: dict[str, str] = {}
    for name, value in query:
        if name.split(".")[0] in MOVABLE and "." in name and len(name) <= 200:
            changes[name] = value.strip()[:LONGEST_VALUE]
        elif name in PLAIN:
            plain[name] = value.strip()
        else:
            known = ", ".join(sorted(PLAIN - {"form", "key"}))
            raise Unread(
                f"unknown parameter {name[:40]!r}; give keys of the rules, or one of {known}",
                f"모르는 항목 {name[:40]!r}: 규칙의 값이나 다음만 받습니다: {known}",
            )
    for kind, group in (("type", "types"), ("country", "countries")):
        code, factor = plain.get(f"add_{kind}", ""), plain.get(f"add_{kind}_factor", "")
        if code and factor:
            changes[f"sensitivity.{group}.{code[:60]}"] = factor[:LONGEST_VALUE]
    for key, value in tuple(changes.items()):
        part = key.split(".")
        if part[-1] == "raise_at" and len(part) > 2 and part[-2] in YES_OR_NO:
            changes[f"{key.removesuffix('raise_at')}clear_at"] = value  # one switch for both
    return Asked(
        base=_version(plain.get("base", "")),
        rule=plain.get("pick") or plain.get("rule", ""),
        since=plain.get("from", ""),
        until=plain.get("to", ""),
        changes=changes,
        typed={k: v for k, v in plain.items() if k not in {"form", "key", "lang"}},
    )


def _version(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Unread(f"base: {text[:20]!r} is no version of the rules",
                     f"base: {text[:20]!r}은(는) 규칙의 판 번호가 아닙니다")  # fmt: skip
    return int(text)


def present(key: str, knobs: Mapping[str, Knob]) -> float | None:
    """What the base says of a key; a sensitivity that it does not name is 1."""
    if key in knobs:
        return knobs[key].value
    return 1.0 if key.startswith("sensitivity.") else None


def same(text: str, value: float | None) -> bool:
    """
    >>> same("0.70", 0.7), same("0.71", 0.7), same("x", 0.7), same("", None)
    (True, False, False, True)
    """
    if value is None:
        return not text
    try:
        return float(text) == value
    except ValueError:
        return False


def period(asked: Asked, usual: Period) -> Period:
    """The days asked for (UTC, the last one included), else the usual ones. Unread for no day."""
    first, last = _day(asked.since, "from"), _day(asked.until, "to")
    # The form sends the usual days back: they mean the usual moments.
    same_first, same_last = first == usual.since.date(), last == last_day(usual)
    since = usual.since if first is None or same_first else _midnight(first)
    until = usual.until if last is None or same_last else _midnight(last + timedelta(days=1))
    if until <= since:
        raise Unread("the period ends before it starts", "기간의 끝이 처음보다 앞섭니다.")
    return Period(since, until)


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise Unread(f"{name}: {text[:20]!r} is no day; write 2023-07-01",
                     f"{text[:20]!r}은(는) 날짜가 아닙니다. 2023-07-01처럼 적으십시오.")  # fmt: skip
    return day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def last_day(given: Period) -> date:
    """The last day that is in it.

    >>> day = datetime(2023, 7, 1, tzinfo=UTC)
    >>> last_day(Period(day, day + timedelta(days=1))).isoformat()
    '2023-07-01'
    """
    return (given.until - timedelta(microseconds=1)).astimezone(UTC).date()


def planned_at(text: str) -> datetime | None:
    """A time typed as Korea's, 2026-11-27T09:00; None when nothing was typed."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.year not in YEARS:
            raise ValueError(at)
    except ValueError:
        raise Unread(f"{text[:30]!r} is no time; write 2026-11-27T09:00 (Korea)",
                     f"{text[:30]!r}은(는) 시각이 아닙니다. 2026-11-27T09:00처럼 적으십시오.") from None  # fmt: skip
    return at if at.tzinfo else at.replace(tzinfo=KST)
