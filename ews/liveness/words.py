"""What does a heartbeat say? To one receiver, in its language and its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.quiet import zone
from alerts.view import Names
from alerts.words import say
from ews.blindness import follows, subject_name
from ews.liveness.beats import Missed, bulletin_id
from ews.liveness.life import Life, usual_words
from ews.model import Bulletin, BulletinKind, BulletinPart, Receiver
from ews.spans import span
from ews.storage.blind import BlindSpell

SHOWN = 8  # lines of what cannot be seen, of dry sources; the rest are counted
NAMED = 5  # silent sources


def heartbeat(
    receiver: Receiver,
    due: datetime,
    follows_at: datetime,
    found: Life,
    missed: Sequence[Missed],
    names: Names,
    now: datetime,
) -> Bulletin:
    """The bulletin; `follows_at` is when the next one must have come at the latest, `missed` those
    before it that did not come."""
    lang = receiver.lang
    mine = [spell for spell in found.blind if follows(receiver, spell.subject, now)]
    parts = [_missed(receiver, missed)] if missed else []
    parts += [_day(receiver, found), _blind(receiver, found, mine, names)]
    if receiver.operator:
        parts.append(_waiting(receiver, found, now))
        parts += [_drying(receiver, found)] if found.drying else []
    said = "next_line" if receiver.operator else "next_quiet"
    line = say(f"beat.{said}", lang, at=_local(receiver, follows_at))
    parts.append(BulletinPart(say("beat.next", lang), (line,)))
    return Bulletin(
        bulletin_id(receiver.name, due), BulletinKind.HEARTBEAT, receiver.name, lang, now,
        _title(receiver, due, found, len(mine)), tuple(parts),
    )  # fmt: skip


def _title(receiver: Receiver, due: datetime, found: Life, blind: int) -> str:
    told = found.told.get(receiver.name, 0)
    key = ("told" if told else "nothing") + ("_blind" if blind else "")
    if not (told or found.texts or found.figures):
        key = "nothing_came_in"
    if not found.answered:  # without a look silence is no news, good or bad
        key = "unseen"
    line = say(f"beat.{key}", receiver.lang, at=_local(receiver, due), told=told, n=blind)
    still = found.firing and key in ("nothing", "nothing_blind")  # no news of them, and no end
    return line + (say("beat.still_firing", receiver.lang, n=found.firing) if still else "")


def _day(receiver: Receiver, found: Life) -> BulletinPart:
    lang = receiver.lang
    label = say("beat.day", lang)
    if not found.sources:
        return BulletinPart(label, (say("beat.no_sources", lang),))
    lines = [say("beat.sources", lang, n=len(found.sources), read=found.answered)]
    if found.texts or found.figures:
        newest = _local(receiver, found.newest) if found.newest else "-"
        lines.append(say("beat.texts", lang, texts=f"{found.texts:,}",
                         figures=f"{found.figures:,}", newest=newest))  # fmt: skip
    else:
        lines.append(say("beat.nothing_came", lang))
    if found.firing:
        lines.append(say("beat.firing", lang, n=found.firing))
    return BulletinPart(label, tuple(lines))


def _blind(
    receiver: Receiver, found: Life, spells: Sequence[BlindSpell], names: Names
) -> BulletinPart:
    lang = receiver.lang
    lines = [
        say("beat.blind_line", lang, what=subject_name(one.subject, names, lang),
            since=_local(receiver, one.since))
        for one in spells[:SHOWN]
    ]  # fmt: skip
    if len(spells) > SHOWN:
        lines.append(say("blind.more", lang, n=len(spells) - SHOWN))
    if not found.answered:
        lines.append(say("beat.sees_none", lang))
        lines += [say("beat.first_look", lang)] if receiver.operator else []
    elif not spells:
        came = found.texts or found.figures
        lines.append(say("beat.sees_all" if came else "beat.sees_unsure", lang))
    if found.silent:
        shown = ", ".join(one.spoken_of(lang) for one in found.silent[:NAMED])
        more = "" if len(found.silent) <= NAMED else ", ..."
        lines.append(say("beat.silent", lang, n=len(found.silent), names=shown + more))
    return BulletinPart(say("beat.blind", lang), tuple(lines))


def _waiting(receiver: Receiver, found: Life, now: datetime) -> BulletinPart:
    lang, lines = receiver.lang, []
    if found.unread:
        lines.append(say("beat.unread", lang, n=f"{found.unread:,}"))
    if found.unsent:
        waits = span((now - found.oldest).total_seconds() if found.oldest else 0, lang)
        lines.append(say("beat.unsent", lang, n=found.unsent, age=waits))
    if found.dead:
        lines.append(say("beat.dead", lang, n=found.dead))
    return BulletinPart(say("beat.waiting", lang), tuple(lines or [say("beat.none", lang)]))


def _drying(receiver: Receiver, found: Life) -> BulletinPart:
    lang = receiver.lang
    known = {one.name: one for one in found.sources}
    lines = [
        say(
            "beat.drying_line", lang, name=known[name].spoken_of(lang), words=usual_words(one, lang)
        )
        for name, one in sorted(found.drying.items())
    ]
    more = [f"+ {len(lines) - SHOWN}"] if len(lines) > SHOWN else []
    return BulletinPart(say("beat.drying", lang), (*lines[:SHOWN], *more))


def _missed(receiver: Receiver, missed: Sequence[Missed]) -> BulletinPart:
    lang = receiver.lang
    lines = [
        say(f"beat.{one.kind}", lang, at=_local(receiver, one.due),
            why=one.why or say("beat.no_reason", lang))
        for one in missed
    ]  # fmt: skip
    return BulletinPart(say("beat.missed", lang), tuple(lines))


def _local(receiver: Receiver, moment: datetime) -> str:
    return moment.astimezone(zone(receiver.timezone)).strftime("%Y-%m-%d %H:%M")
