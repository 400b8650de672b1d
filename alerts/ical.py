"""Which days should stand in a calendar? Dates in force, days when stocks end, planned events.

A calendar knows an entry by its UID and takes the one with the higher SEQUENCE. What was never so
is CANCELLED and stays in the feed for a while, so that every calendar hears of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, vDatetime, vText, vUri
from icalendar import Event as Entry

from alerts.facts import Codes, alert_link, many_lines
from alerts.plain import one_line, safe_link
from alerts.view import KST, Names
from alerts.words import say
from ews.model import Alert, AlertState, Ending, Event, Exposure, Silence

MEASURES = {"export_restriction", "import_restriction", "sanctions", "regulation_change"}
FAR = 365.0  # days: a stock that lasts longer is no date to watch
CANCELLED_STAYS = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class DateEntry:
    """One entry: a day, or a span from a moment to another."""

    uid: str
    starts: date | datetime
    ends: date | datetime  # not included
    title: str
    text: str
    changed: datetime
    sequence: int
    cancelled: bool = False
    link: str = ""
    category: str = ""


def uid(kind: str, *parts: str) -> str:
    """The same for the same thing in every version of the calendar."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
    return f"{kind}-{digest}@ews"


def alert_dates(alert: Alert, events: Sequence[Event], exposures: Iterable[Exposure], names: Names,
                codes: Codes, lang: str, public_url: str = "") -> list[DateEntry]:  # fmt: skip
    """The dates of one alert: of each measure the day in force, of each item the first day on
    which stocks end. Firms' own exposures give none."""
    link = alert_link(public_url, alert.id)
    # Both only ever rise, and no date changes while both stand.
    sequence = alert.revision + sum(event.revision for event in events)
    changed = max([alert.updated_at, *(event.updated_at for event in events)])
    found = [
        _in_force(alert, event, names, lang, link, sequence, changed)
        for event in events
        if event.type in MEASURES and event.onset is not None and event.onset > event.first_seen
    ]
    known = {event.id: event for event in events}
    soonest: dict[str, tuple[date, Exposure]] = {}
    for one in exposures:
        event = known.get(one.event_id)
        day = None if event is None or one.firm is not None else stock_end(event, one)
        if day is not None and (one.item not in soonest or day < soonest[one.item][0]):
            soonest[one.item] = (day, one)
    for item in alert.items:
        if item in soonest:
            day, one = soonest[item]
            title, text = _stock_words(alert, one, names, codes, lang)
            found.append(
                DateEntry(
                    uid("stock", alert.id, item),
                    day,
                    day + timedelta(days=1),
                    title,
                    text,
                    changed,
                    sequence,
                    cancelled=alert.state is AlertState.RESOLVED,
                    link=link,
                    category=say("ical.stock", lang),
                )
            )
    return found


def stock_end(event: Event, exposure: Exposure) -> date | None:
    """The Korean day on which the stock has filled the gap; None when unknown or far away.

    The days of an exposure count from its shock: the notice is in `impact_day` already.
    """
    if exposure.impact_day is None or exposure.time_to_survive_days is None:
        return None
    days = exposure.impact_day + exposure.time_to_survive_days
    if not 0.0 <= days <= FAR:
        return None
    start = min(event.onset or event.first_seen, event.first_seen)
    return (start + timedelta(days=days)).astimezone(KST).date()


def planned_date(silence: Silence, changes: int, changed: datetime, lang: str) -> DateEntry:
    """A planned event by its title; `changes`: how often it was changed since it was entered."""
    return DateEntry(
        uid("plan", silence.id),
        silence.starts_at,
        silence.ends_at,
        one_line(silence.title, 200) or say("ical.planned", lang),
        "",  # the reason is for those who work here; the calendar is for all
        changed,
        changes,
        cancelled=silence.ends_at <= silence.starts_at,
        category=say("ical.planned", lang),
    )


def build_ical(entries: Iterable[DateEntry], lang: str) -> bytes:
    """The calendar, entries by day. The same entries give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//ews//reference dates//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", vText(say("ical.name", lang)))
    calendar.add("refresh-interval", timedelta(hours=1), {"VALUE": "DURATION"})
    for one in sorted(entries, key=lambda entry: (_moment(entry.starts), entry.uid)):
        calendar.add_component(_component(one))
    return bytes(calendar.to_ical())


def _component(one: DateEntry) -> Entry:
    entry = Entry()
    entry.add("uid", one.uid)
    entry.add("dtstamp", vDatetime(one.changed.astimezone(UTC)))
    entry.add("last-modified", vDatetime(one.changed.astimezone(UTC)))
    entry.add("sequence", one.sequence)
    entry.add("dtstart", _utc(one.starts))
    ends = max(_utc(one.ends), _utc(one.starts), key=_moment)
    if _moment(ends) > _moment(one.starts):
        entry.add("dtend", ends)
    entry.add("summary", one_line(one.title, 200))
    entry.add("description", many_lines(one.text, 4_000))
    entry.add("status", "CANCELLED" if one.cancelled else "CONFIRMED")
    entry.add("transp", "TRANSPARENT")  # a date to know takes nobody's time
    if one.category:
        entry.add("categories", [one.category])
    if link := safe_link(one.link):
        entry.add("url", vUri(link))
    return entry


def _in_force(alert: Alert, event: Event, names: Names, lang: str, link: str, sequence: int,
              changed: datetime) -> DateEntry:  # fmt: skip
    assert event.onset is not None
    day = event.onset.astimezone(KST).date()
    where = ", ".join(names.country(code, lang) for code in event.countries[:3])
    what = ", ".join(names.item(code, lang) for code in event.items[:3])
    subject = " · ".join(part for part in (where, what, names.type(event.type, lang)) if part)
    return DateEntry(
        uid("force", event.id),
        day,
        day + timedelta(days=1),
        say("ical.in_force_title", lang, subject=subject),
        f"{one_line(event.title)}\n{say('ical.alert', lang, id=alert.id, stage=_stage(alert, lang))}",
        changed,
        sequence,
        cancelled=alert.ending is Ending.RETRACTED,
        link=link,
        category=say("ical.in_force", lang),
    )


def _stock_words(
    alert: Alert, exposure: Exposure, names: Names, codes: Codes, lang: str
) -> tuple[str, str]:
    """Title and text of the day on which an item's stocks end: which use, on what assumption."""
    item = names.item(exposure.item, lang)
    hs = ", ".join(codes.hs.get(exposure.item, ()))
    lines = [
        say("ical.stock_text", lang, item=f"{item} (HS {hs})" if hs else item,
            use=names.use(exposure.use_id, lang) if exposure.use_id else say("text.no_use", lang),
            days=f"{exposure.time_to_survive_days:.0f}"),
        *([say("text.synthetic", lang)] if exposure.synthetic else []),
        say("ical.alert", lang, id=alert.id, stage=_stage(alert, lang)),
    ]  # fmt: skip
    return say("ical.stock_title", lang, item=item), "\n".join(lines)


def _stage(alert: Alert, lang: str) -> str:
    return alert.stage.ko if lang == "ko" else alert.stage.en


def _utc(moment: date | datetime) -> date | datetime:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def _moment(moment: date | datetime) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=KST)
