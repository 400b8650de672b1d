"""Who gets which change, and why? Routes, silences and budgets turn changes into notifications."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from pathlib import Path

from alerts.words import say
from ews.model import (
    Alert,
    AlertChange,
    ChangeKind,
    Notification,
    Receiver,
    RouteReason,
    Silence,
    Stage,
)

BUDGET_DAY = timezone(timedelta(hours=9), "KST")
# A person who may have to act is told, whatever the day's count says.
BUDGET_HOLDS_BELOW = Stage.ALERT
# The end of something told costs nothing: it is what makes the next alert believed.
FREE_OF_BUDGET = {ChangeKind.RESOLVED, ChangeKind.STAGE_DOWN}
# A silence holds 관심, 주의 and 경계 unless its `stage` matcher names a higher or lower limit.
SILENCE_HOLDS_TO = Stage.ALERT

REASONS = {
    ChangeKind.RAISED: RouteReason.FIRST,
    ChangeKind.STAGE_UP: RouteReason.STAGE_ROSE,
    ChangeKind.STAGE_DOWN: RouteReason.STAGE_FELL,
    ChangeKind.UPDATED: RouteReason.MATERIAL_UPDATE,
    ChangeKind.RESOLVED: RouteReason.RESOLVED,
    ChangeKind.REOPENED: RouteReason.REOPENED,
}
FIELDS = {
    "name",
    "channel",
    "address",
    "lang",
    "minimum",
    "budget_per_day",
    "ministries",
    "items",
}


class RoutesError(ValueError):
    """routes.toml cannot be used; the text says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Every receiver, in the order of the file."""

    receivers: tuple[Receiver, ...]

    def receiver(self, name: str) -> Receiver:
        """The receiver of that name; KeyError when there is none."""
        for receiver in self.receivers:
            if receiver.name == name:
                return receiver
        raise KeyError(name)


def load_routes(path: Path | None = None) -> Routes:
    """The routes of that file, or the shipped ones. RoutesError when they cannot be used."""
    if path is None:
        return parse_routes(resources.files("alerts").joinpath("routes.toml").read_text("utf-8"))
    try:
        return parse_routes(path.read_text("utf-8"))
    except OSError as error:
        raise RoutesError(f"{path.name}: cannot be read ({error.strerror})") from error


def parse_routes(text: str) -> Routes:
    """Routes from TOML. Unknown keys, channels' typing errors and double names are loud."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutesError(f"routes: not TOML: {error}") from error
    unknown = set(tree) - {"receiver"}
    if unknown:
        raise RoutesError(f"routes: unknown {sorted(unknown)}; write [[receiver]] tables")
    receivers = tuple(_receiver(row, n) for n, row in enumerate(tree.get("receiver", ()), 1))
    names = [receiver.name for receiver in receivers]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise RoutesError(f"routes: receiver {doubled} is there twice; names must be unique")
    places = [(receiver.channel, receiver.address) for receiver in receivers]
    if shared := sorted({place for place in places if places.count(place) > 1}):
        raise RoutesError(f"routes: {shared} has two receivers and would be told twice; join them")
    return Routes(receivers)


def add_receiver(routes: Routes, receiver: Receiver) -> Routes:
    """The routes with one more receiver, unless one already has that channel and address."""
    same = any(
        (r.channel, r.address) == (receiver.channel, receiver.address) or r.name == receiver.name
        for r in routes.receivers
    )
    return routes if same else Routes((*routes.receivers, receiver))


def _receiver(row: object, number: int) -> Receiver:
    if not isinstance(row, dict):
        raise RoutesError(f"routes: receiver {number} must be a [[receiver]] table")
    where = f"routes: receiver {row.get('name', number)!r}"
    unknown = set(row) - FIELDS
    if unknown:
        raise RoutesError(f"{where}: unknown {sorted(unknown)}; known are {sorted(FIELDS)}")
    missing = {"name", "channel", "address"} - set(row)
    if missing:
        raise RoutesError(f"{where}: {sorted(missing)} missing")
    budget = row.get("budget_per_day")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int)):
        raise RoutesError(f"{where}: budget_per_day must be a whole number, not {budget!r}")
    if budget is not None and budget < 0:
        raise RoutesError(f"{where}: budget_per_day must be 0 or more")
    lang = str(row.get("lang", "ko"))
    if lang not in {"ko", "en"}:
        raise RoutesError(f"{where}: lang must be ko or en, not {lang!r}")
    try:
        minimum = Stage.parse(str(row.get("minimum", "관심")))
    except ValueError as error:
        raise RoutesError(f"{where}: {error}") from error
    return Receiver(
        name=str(row["name"]),
        channel=str(row["channel"]),
        address=str(row["address"]),
        lang=lang,
        minimum=minimum,
        budget_per_day=budget,
        ministries=_texts(row, "ministries", where),
        items=_texts(row, "items", where),
    )


def _texts(row: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    values = row.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise RoutesError(f"{where}: {key} must be a list of texts")
    return tuple(values)


# --------------------------------------------------------------------------- routing


def day_start(now: datetime) -> datetime:
    """The beginning of the budget day (Korea, UTC+9) that `now` falls in, in UTC."""
    local = now.astimezone(BUDGET_DAY)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def route(
    changes: Sequence[AlertChange],
    routes: Routes,
    silences: Sequence[Silence],
    sent_today: Mapping[str, int],
    now: datetime,
    told: Collection[tuple[str, str]] | None = None,
) -> list[Notification]:
    """One notification per change and matching receiver, sent or held, each with its reason.

    Highest stage first, so that a budget is spent on what matters most. `sent_today` counts per
    receiver since `day_start(now)`. `told` holds (alert id, receiver) pairs already sent: a
    receiver outside it hears of no end of something it was never told, and gets a later rise as
    its first. None: assume everybody was told.
    """
    spent = dict(sent_today)
    notifications: list[Notification] = []
    for change in sorted(changes, key=_urgency):
        for receiver in routes.receivers:
            why = match(change.alert, receiver)
            if why is None:
                continue
            known = told is None or (change.alert.id, receiver.name) in told
            reason, held = decide(
                change, receiver, silences, spent.get(receiver.name, 0), now, known
            )
            if reason.sent and change.kind not in FREE_OF_BUDGET:
                spent[receiver.name] = spent.get(receiver.name, 0) + 1
            text = f"{why}; {held}" if held else why
            notifications.append(_notification(change, receiver, reason, text, now))
    return notifications


def _urgency(change: AlertChange) -> tuple[int, int, datetime, str]:
    ended = change.kind in FREE_OF_BUDGET
    return (-int(change.alert.stage), int(ended), change.at, change.id)


def match(alert: Alert, receiver: Receiver) -> str | None:
    """Why the alert is this receiver's, in words, or None. Ministries are those that depend."""
    if not receiver.ministries and not receiver.items:
        return say("route.everything", receiver.lang)
    ministries = [m for m in receiver.ministries if m in alert.ministries]
    items = [item for item in receiver.items if item in alert.items]
    if ministries:
        of = ", ".join(alert.items[:3]) or alert.type
        return say("route.depends", receiver.lang, ministries=", ".join(ministries), items=of)
    if items:
        return say("route.follows", receiver.lang, items=", ".join(items))
    return None


def decide(
    change: AlertChange,
    receiver: Receiver,
    silences: Sequence[Silence],
    spent: int,
    now: datetime,
    known: bool,
) -> tuple[RouteReason, str]:
    """Send or hold, and for a held one the words that say by what."""
    lang = receiver.lang
    stage = receiver.minimum.ko if lang == "ko" else receiver.minimum.en
    if not known and change.kind in FREE_OF_BUDGET:
        return RouteReason.HELD_BELOW_MINIMUM, say("route.never_told", lang)
    if _stage_told(change) < receiver.minimum:
        return RouteReason.HELD_BELOW_MINIMUM, say("route.minimum", lang, stage=stage)
    silence = next((s for s in silences if holds(s, change, receiver, now)), None)
    if silence is not None:
        words = say("route.silence", lang, id=silence.id, by=silence.by, reason=silence.reason)
        return RouteReason.HELD_BY_SILENCE, words
    if over_budget(change, receiver, spent):
        return RouteReason.HELD_BY_BUDGET, say(
            "route.budget", lang, spent=spent, budget=receiver.budget_per_day
        )
    return (REASONS[change.kind] if known else RouteReason.FIRST), ""


def _stage_told(change: AlertChange) -> Stage:
    """The stage to hold against a minimum: an end counts as high as what it ends."""
    if change.kind is ChangeKind.RESOLVED:
        return change.alert.max_stage
    if change.kind is ChangeKind.STAGE_DOWN and change.before is not None:
        return max(change.before, change.alert.stage)
    return change.alert.stage


def over_budget(change: AlertChange, receiver: Receiver, spent: int) -> bool:
    if receiver.budget_per_day is None or change.kind in FREE_OF_BUDGET:
        return False
    return change.alert.stage < BUDGET_HOLDS_BELOW and spent >= receiver.budget_per_day


def _notification(
    change: AlertChange, receiver: Receiver, reason: RouteReason, why: str, now: datetime
) -> Notification:
    alert = change.alert
    return Notification(
        id=Notification.make_id(alert.id, alert.revision, receiver.name),
        alert_id=alert.id,
        alert_revision=alert.revision,
        change=change.kind,
        receiver=receiver.name,
        channel=receiver.channel,
        address=receiver.address,
        lang=receiver.lang,
        reason=reason,
        at=now,
        why=why,
    )


# --------------------------------------------------------------------------- silences

# What a silence may ask of an alert: matcher -> the values the alert has for it.
MATCHERS: dict[str, str] = {
    "alert": "id",
    "fingerprint": "fingerprint",
    "rule": "rule",
    "type": "type",
    "country": "countries",
    "item": "items",
    "chokepoint": "chokepoints",
    "port": "ports",
    "ministry": "ministries",
}


def check_matchers(matchers: Mapping[str, str]) -> None:
    """ValueError when a silence could never be understood, or would hold everything."""
    known = sorted([*MATCHERS, "receiver", "stage"])
    unknown = sorted(set(matchers) - set(known))
    if unknown:
        raise ValueError(f"a silence cannot match {unknown}; use {known}")
    if not set(matchers) & set(MATCHERS):
        raise ValueError(f"a silence must name at least one of {sorted(MATCHERS)}")
    if "stage" in matchers:
        Stage.parse(matchers["stage"])


def holds(silence: Silence, change: AlertChange, receiver: Receiver, now: datetime) -> bool:
    """Whether the silence holds this change back from this receiver now.

    Every matcher must fit. `stage` is the highest stage held, 경계 when not given, so a silence
    made for something small cannot hide 심각. One that cannot be understood holds nothing.
    """
    if not silence.starts_at <= now < silence.ends_at:
        return False
    matchers = dict(silence.matchers)
    try:
        check_matchers(matchers)
    except ValueError:
        return False
    highest = Stage.parse(matchers.pop("stage", SILENCE_HOLDS_TO.ko))
    if change.alert.stage > highest:
        return False
    if matchers.pop("receiver", receiver.name) != receiver.name:
        return False
    return all(value in _values(change.alert, MATCHERS[key]) for key, value in matchers.items())


def _values(alert: Alert, field: str) -> tuple[str, ...]:
    value = getattr(alert, field)
    return value if isinstance(value, tuple) else (value,)


# --------------------------------------------------------------------------- who would get this?


def explain_route(
    alert: Alert,
    routes: Routes,
    silences: Sequence[Silence],
    sent_today: Mapping[str, int],
    now: datetime,
) -> list[tuple[Receiver, RouteReason | None, str]]:
    """Every receiver with what it would get if the alert were raised now, and why.

    None instead of a reason: the alert is not this receiver's. Nothing is sent or stored.
    """
    change = AlertChange(alert, ChangeKind.RAISED, now, None, "asked who would get this")
    answers: list[tuple[Receiver, RouteReason | None, str]] = []
    for receiver in routes.receivers:
        told = route([change], Routes((receiver,)), silences, sent_today, now)
        if told:
            answers.append((receiver, told[0].reason, told[0].why))
        else:
            answers.append((receiver, None, _why_not(alert, receiver)))
    return answers


def _why_not(alert: Alert, receiver: Receiver) -> str:
    wants = ", ".join([*receiver.ministries, *receiver.items])
    known = ", ".join([*alert.ministries, *alert.items])
    has = known or say("route.nothing_known", receiver.lang)
    return say("route.wants", receiver.lang, wants=wants, has=has)
