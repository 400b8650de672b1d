"""How does an alert move when a person acts on it, or when it can no longer be seen? Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from alerts import stages
from alerts.silences import urgency
from alerts.words import Bilingual
from ews.model import (
    FALSE_ALARMS,
    Act,
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    Stage,
)


class ActRefused(Bilingual, ValueError):
    """An act that makes no sense for the alert as it stands; the message says what would."""


def apply(alert: Alert, act: Act, now: datetime) -> AlertChange | None:
    """The change that an act brings; None for acts that change no alert. ActRefused with words."""
    step = STEPS.get(act.kind)
    if step is None:
        return None
    if act.alert_id != alert.id:
        raise ActRefused(
            f"the act is about {act.alert_id}, not about {alert.id}",
            f"이 행위는 {alert.id}이 아니라 {act.alert_id}에 관한 것입니다.",
        )
    change = step(alert, act, now)
    return None if change is None else replace(change, by=act.by)


def sight(alert: Alert, blind: bool, now: datetime) -> AlertChange | None:
    """BLIND when what a firing alert depends on can no longer be seen, SEEING when it can again."""
    if alert.state is AlertState.RESOLVED or blind == (alert.blind_since is not None):
        return None
    after = replace(alert, blind_since=now if blind else None)
    if blind:
        return moved(after, ChangeKind.BLIND, now, alert.stage, "its sources are silent")
    return moved(after, ChangeKind.SEEING, now, alert.stage, "its sources answer again")


def moved(
    after: Alert, kind: ChangeKind, now: datetime, before: Stage | None, reason: str
) -> AlertChange:
    """The change to that alert, as its next revision."""
    alert = replace(after, updated_at=now, revision=after.revision + 1)
    return AlertChange(alert, kind, now, before, reason)


def end(
    alert: Alert, ending: Ending, now: datetime, reason: str, before: Stage | None = None
) -> AlertChange:
    """All clear, closed for want of news, or retraction. `ending` tells them apart."""
    after = replace(
        stages.ended(alert),
        state=AlertState.RESOLVED,
        ending=ending,
        resolved_at=now,
        blind_since=None,
    )
    kind = ChangeKind.RETRACTED if ending is Ending.RETRACTED else ChangeKind.RESOLVED
    return moved(after, kind, now, before or alert.stage, reason)


def begin_again(alert: Alert) -> Alert:
    """An ended alert as it starts anew: nobody holds it, and no stage of before is in force."""
    return replace(
        stages.ended(alert),
        stage=Stage.WATCH,
        state=AlertState.FIRING,
        ending=None,
        resolved_at=None,
        holder=None,
        acknowledged_at=None,
        takers={},
        signed_off_by=None,
        signed_off_at=None,
        timed_out=False,
        mistake="",
    )


# --------------------------------------------------------------------------- one step per act


def _acknowledged(alert: Alert, act: Act, now: datetime) -> AlertChange:
    """The newest to take it holds it; each ministry's people answer for themselves (`takers`). A
    rise asks again."""
    _firing(alert, "acknowledge")
    stage = urgency(alert)
    if not may_acknowledge(alert, act.by):
        raise ActRefused(
            f"{act.by} has acknowledged it already", f"{act.by} 님이 이미 확인했습니다."
        )
    after = replace(
        alert,
        state=AlertState.ACKNOWLEDGED,
        holder=act.by,
        acknowledged_at=now,
        takers={**alert.takers, act.by: int(stage)},
    )
    reason = f"acknowledged by {act.by}"
    return moved(after, ChangeKind.ACKNOWLEDGED, now, alert.stage, _with(reason, act.note))


def may_acknowledge(alert: Alert, name: str) -> bool:
    """Not who holds it and has acknowledged it at the stage of now already."""
    took = alert.takers.get(name, 0)
    if not alert.takers and alert.acknowledged_at is not None:
        took = int(alert.stage)  # kept by an older version
    return alert.holder != name or took < urgency(alert)


def _handed_over(alert: Alert, act: Act, now: datetime) -> AlertChange:
    """The new holder has not answered yet: what the old one acknowledged goes with the old one."""
    _firing(alert, "hand over")
    to = act.detail.get("to", "").strip()
    if not to:
        raise ActRefused("say to whom: to=NAME", "넘겨받을 사람을 고르십시오.")
    if to == alert.holder:
        raise ActRefused(f"{to} has it already", f"이미 {to} 님이 맡고 있습니다.")
    reason = f"handed over by {act.by} to {to}"
    given_away = {name: 0 for name in (act.by, alert.holder) if name}
    after = replace(alert, holder=to, takers={**alert.takers, **given_away})
    return moved(after, ChangeKind.HANDED_OVER, now, alert.stage, _with(reason, act.note))


def _signed(alert: Alert, act: Act, now: datetime) -> AlertChange:
    """What is proposed, or with `stage=` a lower one. A stage taken unsigned can be signed later."""
    _firing(alert, "sign")
    stage = _stage(act.detail.get("stage", "")) or alert.proposed or alert.stage
    try:
        after = stages.signed(alert, stage, act.by, now)
    except ValueError as error:
        ko = "이 경보에서 지금 서명할 수 있는 단계가 아닙니다. 기다리는 단계를 다시 보십시오."
        raise ActRefused(str(error), ko) from error
    kind = stages.moved(alert, after) or ChangeKind.UPDATED
    reason = f"{stage.en} signed by {act.by}"
    return moved(after, kind, now, alert.stage, _with(reason, act.note))


def _refused(alert: Alert, act: Act, now: datetime) -> AlertChange:
    _firing(alert, "refuse")
    _reasoned(act)
    try:
        after = stages.refused(alert, act.by)
    except ValueError as error:
        raise ActRefused(str(error), "서명을 기다리는 단계가 없습니다.") from error
    assert after.refused is not None
    reason = f"{after.refused.en} refused by {act.by}"
    return moved(after, ChangeKind.REFUSED, now, alert.stage, _with(reason, act.note))


def _false_alarm(alert: Alert, act: Act, now: datetime) -> AlertChange | None:
    """Some reasons say that it was never so; the others only teach."""
    why = act.detail.get("reason", "")
    if why not in FALSE_ALARMS:
        raise ActRefused(
            f"say what was wrong: reason= one of {', '.join(FALSE_ALARMS)}",
            "무엇이 틀렸는지 고르십시오.",
        )
    if not FALSE_ALARMS[why]:
        return None
    if alert.ending is Ending.RETRACTED:
        raise ActRefused("it is retracted already", "이미 철회된 경보입니다.")
    reason = f"false alarm: {why} by {act.by}"
    return end(replace(alert, mistake=why), Ending.RETRACTED, now, _with(reason, act.note))


def _cleared(alert: Alert, act: Act, now: datetime) -> AlertChange:
    _firing(alert, "clear")
    _reasoned(act)
    return end(alert, Ending.CLEARED, now, _with(f"cleared by {act.by}", act.note))


def _closed(alert: Alert, act: Act, now: datetime) -> AlertChange:
    decision, outcome = (act.detail.get(key, "").strip() for key in ("decision", "outcome"))
    if not decision or not outcome:
        raise ActRefused(
            "closing needs both: decision= and outcome=", "결정과 결과를 모두 적으십시오."
        )
    if alert.max_stage < Stage.CAUTION:
        raise ActRefused(
            "only an alert that reached 주의 asks for a decision; this one did not",
            "주의에 이른 경보만 결정을 적어 마칩니다. 이 경보는 주의에 이르지 않았습니다.",
        )
    reason = f"closed by {act.by}; decision: {decision}; outcome: {outcome}"
    return moved(alert, ChangeKind.CLOSED, now, alert.stage, reason)


def _firing(alert: Alert, doing: str) -> None:
    if alert.state is AlertState.RESOLVED:
        how = alert.ending.value if alert.ending else "resolved"
        raise ActRefused(
            f"it has ended ({how}); there is nothing to {doing}", "이미 끝난 경보입니다."
        )


def _reasoned(act: Act) -> None:
    if not act.note.strip():
        raise ActRefused("say why, in a note", "까닭을 적으십시오.")


def _with(reason: str, note: str) -> str:
    return f"{reason}: {note.strip()}" if note.strip() else reason


def _stage(text: str) -> Stage | None:
    try:
        return Stage.parse(text) if text else None
    except ValueError as error:
        raise ActRefused(str(error), "그런 단계는 없습니다.") from error


STEPS: Mapping[ActKind, Callable[[Alert, Act, datetime], AlertChange | None]] = {
    ActKind.ACKNOWLEDGE: _acknowledged,
    ActKind.HAND_OVER: _handed_over,
    ActKind.SIGN_OFF: _signed,
    ActKind.REFUSE: _refused,
    ActKind.FALSE_ALARM: _false_alarm,
    ActKind.CLEAR: _cleared,
    ActKind.CLOSE: _closed,
}
