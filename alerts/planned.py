"""Who is told that something planned is coming? One bulletin for each receiver it concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from alerts.matching import NO_USES, Uses
from alerts.quiet import zone
from alerts.routes import Routes
from alerts.view import Names
from alerts.words import say
from ews.model import Bulletin, BulletinKind, BulletinPart, Receiver, Silence, content_id


def planned_bulletins(
    silence: Silence,
    routes: Routes,
    now: datetime,
    uses: Uses = NO_USES,
    names: Names | None = None,
) -> list[Bulletin]:
    """Bulletins of a planned event that was entered, one a receiver; none for a mere silence, or
    for what is over. `uses` are the domestic uses of items: who depends on the item is told."""
    if not silence.planned or silence.ends_at <= max(now, silence.starts_at):
        return []  # over, or taken back before it began
    return [
        _bulletin(silence, receiver, now, names)
        for receiver in routes.receivers
        if concerns(silence, receiver, uses)
    ]


def cancelled(
    plan: Silence, routes: Routes, told: Collection[str], now: datetime, by: str, reason: str = ""
) -> list[Bulletin]:
    """What those receivers are told who were told of a plan that a person took back or ended; `told`
    holds the ids of the bulletins that announced plans."""
    return [
        _cancelled(plan, receiver, now, by, reason)
        for receiver in routes.receivers
        if announcement(plan, receiver) in told
    ]


def announcement(plan: Silence, receiver: Receiver) -> str:
    """Id of the bulletin that tells the receiver of the plan."""
    return content_id("pln", plan.id, receiver.name)


def _cancelled(plan: Silence, receiver: Receiver, now: datetime, by: str, reason: str) -> Bulletin:
    lang, title = receiver.lang, plan.title or plan.reason
    began = plan.ends_at > plan.starts_at
    key = "plan.ended" if began else "plan.cancelled"
    what = say("plan.back_by", lang, by=by, reason=reason) if reason else by
    return Bulletin(
        id=content_id("pln", plan.id, receiver.name, "ended"),
        kind=BulletinKind.PLANNED,
        receiver=receiver.name,
        lang=lang,
        at=now,
        title=say(key, lang, title=title, start=_local(receiver, plan.starts_at)),
        parts=(
            BulletinPart(say("plan.who", lang), (what,)),
            BulletinPart(say("plan.from_now", lang), (say("plan.no_effect", lang),)),
        ),
    )


def concerns(silence: Silence, receiver: Receiver, uses: Uses = NO_USES) -> bool:
    """Whether alerts that the planned event names could be this receiver's. What names no item,
    ministry or industry (a strike in a port) concerns everybody."""
    matchers = silence.matchers
    if matchers.get("receiver", receiver.name) != receiver.name:
        return False
    named = [key for key in ("item", "ministry", "industry") if key in matchers]
    if not named or not (receiver.ministries or receiver.items or receiver.sectors):
        return True
    item = matchers.get("item", "")
    ministries = {
        matchers.get("ministry", ""),
        *(m for u in uses.get(item, ()) for m in u.ministries),
    }
    industries = {matchers.get("industry", ""), *(use.ksic for use in uses.get(item, ()))} - {""}
    return (
        item in receiver.items
        or not ministries.isdisjoint(receiver.ministries)
        or any(code.startswith(receiver.sectors) for code in industries if receiver.sectors)
        or (receiver.unlisted and "item" in matchers and not uses.get(item))
    )


def _bulletin(silence: Silence, receiver: Receiver, now: datetime, names: Names | None) -> Bulletin:
    lang = receiver.lang
    start, end = _local(receiver, silence.starts_at), _local(receiver, silence.ends_at)
    what = tuple(_matcher(key, value, lang, names) for key, value in silence.matchers.items())
    by = say("plan.by", lang, by=silence.by, reason=silence.reason)
    return Bulletin(
        id=announcement(silence, receiver),
        kind=BulletinKind.PLANNED,
        receiver=receiver.name,
        lang=lang,
        at=now,
        title=say("plan.title", lang, title=silence.title or silence.reason, start=start, end=end),
        parts=(
            BulletinPart(say("plan.when", lang), (f"{start} – {end} ({receiver.timezone})",)),
            BulletinPart(say("plan.what", lang), (*what, by)),
            BulletinPart(say("plan.then", lang), (say("plan.effect", lang),)),
        ),
    )


def _matcher(key: str, value: str, lang: str, names: Names | None) -> str:
    if names is None:
        return f"{key} = {value}"
    readable: dict[str, Callable[[str, str], str]] = {
        "type": names.type, "item": names.item, "country": names.country, "port": names.port,
        "chokepoint": names.chokepoint, "ministry": names.ministry, "industry": names.industry,
    }  # fmt: skip
    return f"{key} = {readable[key](value, lang) if key in readable else value}"


def _local(receiver: Receiver, moment: datetime) -> str:
    return moment.astimezone(zone(receiver.timezone)).strftime("%Y-%m-%d %H:%M")
