"""What each kind of act does to the store, and what it needs to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from alerts.life import ActRefused, apply
from alerts.silences import check_matchers
from ews.acting.allowed import SIGNING, NotAllowed, NotFound, refusal
from ews.model import (
    FALSE_ALARMS,
    Act,
    ActKind,
    Alert,
    AlertChange,
    ChangeKind,
    Outcome,
    Person,
    Silence,
    Stage,
    content_id,
)
from ews.storage import Store

_K = ActKind
KST = timezone(timedelta(hours=9), "KST")
Done = tuple[Act, AlertChange | None]
# Changes after which what a person saw of an alert still holds.
UNMOVED = (
    ChangeKind.ACKNOWLEDGED, ChangeKind.HANDED_OVER, ChangeKind.ESCALATED, ChangeKind.RELEASED,
)  # fmt: skip
LONGEST_SILENCE = timedelta(days=30)
LONGEST_PLAN = timedelta(days=366)


def _lived(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    """Acts that alerts.life decides."""
    assert alert is not None
    _check_seen(tx, alert, told)
    return told, apply(alert, told, told.at)


class Moved(ActRefused):
    """The alert is not any more what the person saw."""

    def __init__(self) -> None:
        super().__init__(
            "the alert has changed, look again", "그사이 경보가 바뀌었습니다. 다시 보고 하십시오."
        )


def _check_seen(tx: Store, alert: Alert, told: Act) -> None:
    """ActRefused when the alert moved since the revision that was seen; a signature must say it."""
    said = told.detail.get("revision", "")
    if not said and told.kind not in SIGNING:
        return
    if not (said.isascii() and said.isdecimal()):
        raise ActRefused(
            "say which revision of the alert you saw: revision=NUMBER",
            "어느 판의 경보를 보았는지 알 수 없습니다. 다시 열어 보고 하십시오.",
        )
    moved = any(
        change.alert.revision > int(said) and change.kind not in UNMOVED
        for change in tx.changes(alert_id=alert.id)
    )
    if moved or int(said) > alert.revision:
        raise Moved


def _handed_over(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    to = tx.person(name=told.detail.get("to", ""))
    if to is None or refusal(to, ActKind.ACKNOWLEDGE):
        raise ActRefused(
            "name who takes it: to=NAME, a person who is not disabled and of no firm",
            "넘겨받을 사람을 고르십시오. 기업 사람이나 중지된 사람은 맡을 수 없습니다.",
        )
    return _lived(tx, by, told, alert)


def _false_alarm(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    if told.detail.get("reason") not in FALSE_ALARMS:
        raise ActRefused(
            f"say what was wrong: reason=, one of {', '.join(FALSE_ALARMS)}",
            "무엇이 틀렸는지 고르십시오.",
        )
    if by.role == "firm":
        return told, None
    return _lived(tx, by, told, alert)


def _closed(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    if not told.detail.get("decision") or not told.detail.get("outcome"):
        raise ActRefused(
            "a close needs both: decision= (what was decided) and outcome=",
            "결정과 결과를 모두 적으십시오.",
        )
    if (said := told.detail.get("turned_out")) is not None and said not in set(Outcome):
        raise ActRefused(
            f"turned_out= must be one of {', '.join(Outcome)}",
            "어떻게 되었는지 보기 가운데 고르십시오.",
        )
    return _lived(tx, by, told, alert)


def _reasoned(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    _need_note(told)
    return _lived(tx, by, told, alert)


def _need_note(told: Act) -> None:
    if not told.note:
        raise ActRefused(
            f"{told.kind.value} needs a reason or a text", "까닭이나 내용을 적으십시오."
        )


def _missed(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    _need_note(told)
    if not told.detail.get("item"):
        raise ActRefused("say which item it was about: item=", "어느 품목이었는지 적으십시오.")
    if when := told.detail.get("when"):
        _time("when", when)
    if not told.detail.get("link", "https://").startswith(("https://", "http://")):
        raise ActRefused(
            "link= must begin with http:// or https://",
            "링크는 http:// 또는 https://로 시작해야 합니다.",
        )
    return told, None


def _noted(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    _need_note(told)
    return told, None


def _silenced(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    _need_note(told)
    matchers = _matchers(told, alert)
    if "stage" in told.detail:
        matchers["stage"] = told.detail["stage"]
    _check(matchers)
    if Stage.parse(matchers.get("stage", "경계")) >= Stage.SEVERE and not by.signs:
        raise NotAllowed(
            "a silence that holds 심각 back is for a person who may sign",
            "심각까지 묵음하는 일은 서명할 수 있는 사람만 합니다.",
        )
    until = _until(told)
    return _held(tx, told, Silence("", by.name, told.note, told.at, until, matchers),
                 LONGEST_SILENCE)  # fmt: skip


def _planned(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    matchers, title = _matchers(told, alert), told.detail.get("title", "")
    _check(matchers)
    if not title:
        raise ActRefused("a planned event needs a title", "예정된 일의 이름을 적으십시오.")
    start = _time("from", told.detail["from"]) if "from" in told.detail else told.at
    silence = Silence("", by.name, told.note or title, start, _until(told), matchers, True, title)
    return _held(tx, told, silence, LONGEST_PLAN)


def _held(tx: Store, told: Act, silence: Silence, longest: timedelta) -> Done:
    if silence.ends_at <= max(silence.starts_at, told.at):
        raise ActRefused(
            "it would end before it begins; give a later until=",
            "끝이 시작보다 이릅니다. 더 늦은 끝을 적으십시오.",
        )
    if silence.ends_at - silence.starts_at > longest:
        raise ActRefused(
            f"it may last {longest.days} days at most; enter it again when it ends",
            f"길어야 {longest.days}일입니다. 끝나면 다시 넣으십시오.",
        )
    silence = replace(silence, id=content_id("sil", told.id))
    tx.save_silence(silence, told.at, told.by)
    return replace(told, detail={**told.detail, "silence": silence.id}), None


def _unsilenced(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    found = tx.silence(told.detail.get("silence", ""))
    if found is None:
        raise NotFound(
            "no such silence; `ews silences list` and `ews planned list` list them",
            "그런 묵음이나 예정된 일이 없습니다.",
        )
    if found.planned and (why := refusal(by, ActKind.PLAN)):
        raise NotAllowed(why, refusal(by, ActKind.PLAN, "ko"))
    if found.ends_at <= told.at:
        raise ActRefused("it has ended already", "이미 끝났습니다.")
    # One that has not begun is left without any time in force.
    tx.save_silence(replace(found, ends_at=max(found.starts_at, told.at)), told.at, by.name)
    return told, None


def _resent(tx: Store, by: Person, told: Act, alert: Alert | None) -> Done:
    channel, address = told.detail.get("channel"), told.detail.get("address")
    to = (channel, address) if channel and address else None
    if tx.resend(told.detail.get("notification", ""), told.at, to) is None:
        raise NotFound(
            "no such dead letter; `ews outbox list` lists them", "그런 실패한 알림이 없습니다."
        )
    return told, None


def _matchers(told: Act, alert: Alert | None) -> dict[str, str]:
    given = {
        key.removeprefix("match."): value
        for key, value in told.detail.items()
        if key.startswith("match.")
    }
    return given or ({"alert": alert.id} if alert is not None else {})


def _check(matchers: Mapping[str, str]) -> None:
    try:
        check_matchers(matchers)
    except ValueError as err:
        ko = "무엇을 막을지 알 수 없습니다. 품목, 국가 등 하나 이상을 바르게 적으십시오."
        raise ActRefused(str(err), ko) from err


def _until(told: Act) -> datetime:
    for unit in ("hours", "minutes"):
        if text := told.detail.get(unit):
            if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1_000_000):
                raise ActRefused(
                    f"{unit}= must be a whole number above 0", "기간은 1 이상의 정수로 적으십시오."
                )
            return told.at + timedelta(**{unit: int(text)})
    if "until" not in told.detail:
        raise ActRefused("say until when: hours=, minutes= or until=", "언제까지인지 적으십시오.")
    return _time("until", told.detail["until"], end=True)


def _time(name: str, text: str, end: bool = False) -> datetime:
    """An aware time; without a zone Korea's, and a bare date is its beginning or its end there."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=KST)
            moment += timedelta(days=end and len(text) <= len("2026-01-05"))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise ActRefused(
            f"{name}={text[:40]!r} is no date or time; write 2026-01-05 or 2026-01-05T09:00+09:00",
            f"{text[:40]!r}은(는) 날짜나 시각이 아닙니다. 2026-01-05 또는 2026-01-05T09:00처럼 적으십시오.",
        ) from err


Step = Callable[[Store, Person, Act, Alert | None], Done]
STEPS: Mapping[ActKind, Step] = {
    _K.ACKNOWLEDGE: _lived, _K.HAND_OVER: _handed_over, _K.SIGN_OFF: _lived, _K.REFUSE: _reasoned,
    _K.FALSE_ALARM: _false_alarm, _K.CLEAR: _reasoned, _K.CLOSE: _closed, _K.NOTE: _noted,
    _K.MISSED: _missed, _K.SILENCE: _silenced, _K.UNSILENCE: _unsilenced, _K.PLAN: _planned,
    _K.RESEND: _resent,
}  # fmt: skip
OF_AN_ALERT = frozenset(STEPS) - {_K.MISSED, _K.SILENCE, _K.UNSILENCE, _K.PLAN, _K.RESEND}
