"""Who must be told that something cannot be seen, or can be again? Spells, alerts, bulletins. Pure.

A spell is told once, after the limit, to every receiver that depends on the item and to the
operators; its end is told to the same. While most sources are silent there is one spell, of
everything, and none for each item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.life import sight
from alerts.routes import Routes
from alerts.view import Names
from alerts.words import say
from ews.blindness.seeing import EVERYTHING, Watch, origins
from ews.model import (
    Alert,
    AlertChange,
    Bulletin,
    BulletinKind,
    BulletinPart,
    Receiver,
    Source,
    content_id,
)
from ews.storage.blind import BlindSpell
from graph.reference import ITEMS, USES

SHOWN = 40  # items in one bulletin; the rest are counted, `ews blind` lists all


@dataclass(frozen=True, slots=True)
class Turn:
    """Spells as they are to be kept, and those of them to tell now."""

    spells: tuple[BlindSpell, ...] = ()
    blind: tuple[BlindSpell, ...] = ()  # told now: it lasts longer than the limit
    seeing: tuple[BlindSpell, ...] = ()  # told now: what was told is over


def spells(
    watch: Watch,
    lasting: Iterable[BlindSpell],
    items: Iterable[str] = ITEMS,
    countries: Iterable[str] | None = None,
) -> Turn:
    """What began and ended, given the spells that last; `countries` by default those that items of
    ours come from."""
    known = {spell.subject: spell for spell in lasting}
    subjects = [EVERYTHING]
    if watch.dark(EVERYTHING) is None:  # else every item is blind, and one spell says so
        subjects += [f"item:{item}" for item in items]
        wanted = origins(watch.now) if countries is None else countries
        subjects += [f"country:{country}" for country in wanted]
    kept: list[BlindSpell] = []
    blind: list[BlindSpell] = []
    seeing: list[BlindSpell] = []
    for subject in subjects:
        dark, spell = watch.dark(subject), known.get(subject)
        if dark is None and spell is not None:
            kept.append(replace(spell, ended_at=watch.now))
            if spell.told_at is not None:
                seeing.append(kept[-1])
        elif dark is not None:
            now = spell or BlindSpell(subject, dark.since, dark.silent)
            if now.told_at is None and watch.lasts(now.since):
                now = replace(now, told_at=watch.now, sources=dark.silent)
                blind.append(now)
            if now != spell:
                kept.append(now)
    return Turn(tuple(kept), tuple(blind), tuple(seeing))


def sights(watch: Watch, firing: Iterable[Alert]) -> list[AlertChange]:
    """BLIND for firing alerts whose subjects cannot be seen for longer than the limit, SEEING for
    blind ones whose subjects can be seen again."""
    changes = []
    for alert in firing:
        dark = [watch.dark(subject) for subject in subjects_of(alert)]
        lost = sum(one is not None and watch.lasts(one.since) for one in dark) * 2 >= len(dark)
        seen = sum(one is None for one in dark) * 2 > len(dark)
        if lost or seen:
            change = sight(alert, lost, watch.now)
            if change is not None:
                changes.append(change)
    return changes


def subjects_of(alert: Alert) -> tuple[str, ...]:
    """What must be seen to know how an alert stands: its items, else its countries, else all."""
    return (
        tuple(f"item:{item}" for item in alert.items)
        or tuple(f"country:{country}" for country in alert.countries)
        or (EVERYTHING,)
    )


def follows(receiver: Receiver, subject: str, now: datetime | None = None) -> bool:
    """Whether that receiver depends on the subject; operators and whoever reads everything do. On
    a country: when one of its items mainly comes from there."""
    if subject == EVERYTHING or receiver.operator:
        return True
    if not (receiver.ministries or receiver.items or receiver.sectors):
        return True
    kind, _, item = subject.partition(":")
    if kind == "country":
        from_there = origins(now).get(item, ()) if now else ()
        return any(follows(receiver, f"item:{one}") for one in from_there)
    uses = USES.get(item, ())
    ministries = {one for use in uses for one in use.ministries}
    return (
        item in receiver.items
        or bool(ministries & set(receiver.ministries))
        or (bool(receiver.sectors) and any(u.ksic.startswith(receiver.sectors) for u in uses))
    )


def bulletins(
    turn: Turn, routes: Routes, names: Names, sources: Mapping[str, Source], now: datetime
) -> list[tuple[Bulletin, Receiver]]:
    """One BLIND and one SEEING bulletin at most for each receiver, naming all that it depends on.
    `sources` are the watched ones by name."""
    told = []
    for receiver in routes.receivers:
        for kind, ended in ((BulletinKind.BLIND, turn.blind), (BulletinKind.SEEING, turn.seeing)):
            mine = [spell for spell in ended if follows(receiver, spell.subject, now)]
            if mine:
                told.append((_bulletin(kind, mine, receiver, names, sources, now), receiver))
    return told


def _bulletin(
    kind: BulletinKind,
    mine: Sequence[BlindSpell],
    receiver: Receiver,
    names: Names,
    sources: Mapping[str, Source],
    now: datetime,
) -> Bulletin:
    lang = receiver.lang
    silent = sorted(
        {
            sources[one].spoken_of(lang) if one in sources else one
            for spell in mine
            for one in spell.sources
        }
    )
    lines = [_line(spell, receiver, names) for spell in mine[:SHOWN]]
    if len(mine) > SHOWN:
        lines.append(say("blind.more", lang, n=len(mine) - SHOWN))
    parts = [BulletinPart(say("blind.what", lang), tuple(lines))]
    if kind is BulletinKind.BLIND:
        parts.append(BulletinPart(say("blind.silent", lang), (", ".join(silent),)))
    return Bulletin(
        id=content_id("bul", kind.value, receiver.name, *(spell.id for spell in mine)),
        kind=kind,
        receiver=receiver.name,
        lang=lang,
        at=now,
        title=subject_name(mine[0].subject, names, lang)
        + (say("blind.others", lang, n=len(mine) - 1) if len(mine) > 1 else ""),
        parts=tuple(parts),
    )


def _line(spell: BlindSpell, receiver: Receiver, names: Names) -> str:
    lang, since = receiver.lang, _local(spell.since, receiver)
    name = subject_name(spell.subject, names, lang)
    if spell.ended_at is None:
        return say("blind.line", lang, what=name, since=since)
    return say("blind.was", lang, what=name, since=since, until=_local(spell.ended_at, receiver))


def _local(moment: datetime, receiver: Receiver) -> str:
    return moment.astimezone(ZoneInfo(receiver.timezone)).strftime("%Y-%m-%d %H:%M")


def subject_name(subject: str, names: Names, lang: str) -> str:
    """`urea` for item:urea, `China (country)` for country:CN; a phrase for everything."""
    if subject == EVERYTHING:
        return say("blind.everything", lang)
    kind, _, code = subject.partition(":")
    if kind == "country":
        return say("blind.country", lang, name=names.country(code, lang))
    return names.item(code, lang)
