"""Which stage is in force? What the rules ask for, against what was signed, refused or timed out.

Pure. 관심 and 주의 come and go by themselves. 경계 and 심각 are proposed: a named person signs or
refuses, or after the wait of that stage it is taken unsigned, and says so. A fall is at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.changing import put
from ews.model import Alert, ChangeKind, Stage

FREE = Stage.CAUTION  # the highest stage that needs nobody's name
WITHDRAWN = "is no longer proposed"  # said of the stage in the reason of a change


@dataclass(frozen=True, slots=True)
class Signoff:
    """How long a proposed stage waits for a signature, in minutes; 0 waits for ever."""

    alert_min: float = 60
    severe_min: float = 30

    def wait(self, stage: Stage) -> timedelta | None:
        minutes = self.severe_min if stage is Stage.SEVERE else self.alert_min
        return timedelta(minutes=minutes) if minutes else None


def unsigned(alert: Alert) -> bool:
    """경계 or 심각 is in force without anybody's name."""
    return alert.stage > FREE and alert.signed_off_by is None


def asked(alert: Alert, stage: Stage, signoff: Signoff, now: datetime) -> Alert:
    """The alert after its rules ask for `stage`.

    What was signed or taken for a higher stage holds for a lower one. A refusal stands as long as
    the rules ask for the refused stage or a higher one.
    """
    alert = _forget_refusal(alert, stage)
    if stage <= FREE:
        alert = put(alert, signed_off_by=None, signed_off_at=None, timed_out=False)
    if stage <= FREE or stage <= alert.stage:
        return _unproposed(put(alert, stage=stage))
    held = _reached(put(alert, stage=max(alert.stage, FREE)))
    if held.refused is stage:
        return _unproposed(held)
    return held if held.proposed is stage else _proposed(held, stage, signoff, now)


def timed_out(alert: Alert, signoff: Signoff, now: datetime) -> Alert | None:
    """The alert once nobody has signed in time; None while there is time, or nothing waits.

    Each stage has its own clock: when that of 경계 runs out first, 심각 stays proposed.
    """
    stage = alert.proposed
    if stage is None or alert.sign_by is None or now < alert.sign_by:
        return None
    own = _due(alert.proposed_at, signoff.wait(stage))
    if _on_the_way(alert) and (own is None or now < own):
        return _taken(put(alert, sign_by=own), Stage.ALERT)
    return _taken(_unproposed(alert), stage)


def signed(alert: Alert, stage: Stage, by: str, now: datetime) -> Alert:
    """The alert once a person has signed `stage`; signing less than was asked refuses the rest.

    ValueError when there is nothing to sign at that stage.
    """
    top = _signable(alert)
    if not (FREE < stage <= top) or (stage <= alert.stage and not unsigned(alert)):
        raise ValueError(f"what can be signed now is {top.en}, not {stage.en}")
    rest = top if stage < top else None
    after = _unproposed(
        put(alert, stage=stage, signed_off_by=by, signed_off_at=now, timed_out=False)
    )
    if rest is not None:
        return _reached(put(after, refused=rest, refused_by=by))
    return _reached(_settled(after))


def refused(alert: Alert, by: str) -> Alert:
    """The alert once a person has said no: to what is proposed, else to what was taken unsigned.

    ValueError when there is nothing to refuse.
    """
    top = _signable(alert)
    stage = alert.stage if alert.proposed else FREE
    highest = max(top, alert.refused or top)  # a no to the lower one takes back no other
    after = _unproposed(put(alert, stage=stage, refused=highest, refused_by=by))
    return put(after, timed_out=False) if stage <= FREE else after


def ended(alert: Alert) -> Alert:
    """Nothing is proposed or refused any more."""
    return _unproposed(put(alert, refused=None, refused_by=None))


def moved(before: Alert, after: Alert) -> ChangeKind | None:
    """What a reader has to be told of the difference in stage; None when there is none."""
    if after.stage != before.stage:
        return ChangeKind.STAGE_UP if after.stage > before.stage else ChangeKind.STAGE_DOWN
    if after.proposed is not None and after.proposed is not before.proposed:
        return ChangeKind.PROPOSED
    return None


def _signable(alert: Alert) -> Stage:
    if alert.proposed is not None:
        return alert.proposed
    if unsigned(alert):
        return alert.stage
    raise ValueError("no stage of this alert waits for a signature")


def _forget_refusal(alert: Alert, stage: Stage) -> Alert:
    let_go = alert.refused is not None and stage < alert.refused
    return put(alert, refused=None, refused_by=None) if let_go else alert


def _settled(alert: Alert) -> Alert:
    """A refusal of what is now in force is over."""
    over = alert.refused is not None and alert.refused <= alert.stage
    return put(alert, refused=None, refused_by=None) if over else alert


def _proposed(alert: Alert, stage: Stage, signoff: Signoff, now: datetime) -> Alert:
    """`sign_by` is when the first of the stages on the way is taken unsigned."""
    since = alert.asked_since or now
    at = since if stage is Stage.ALERT else now
    alert = put(alert, proposed=stage, proposed_at=at, asked_since=since)
    dues = [_due(at, signoff.wait(stage))]
    if _on_the_way(alert):
        dues.append(_due(since, signoff.wait(Stage.ALERT)))
    return put(alert, sign_by=min((due for due in dues if due), default=None))


def _on_the_way(alert: Alert) -> bool:
    """Does 경계 wait too, below the 심각 that is proposed?"""
    wanted = alert.proposed is Stage.SEVERE and alert.stage < Stage.ALERT
    return wanted and alert.refused is not Stage.ALERT


def _due(since: datetime | None, wait: timedelta | None) -> datetime | None:
    return since + wait if since is not None and wait is not None else None


def _unproposed(alert: Alert) -> Alert:
    return put(alert, proposed=None, proposed_at=None, sign_by=None, asked_since=None)


def _taken(alert: Alert, stage: Stage) -> Alert:
    taken = put(alert, stage=stage, timed_out=True, signed_off_by=None, signed_off_at=None)
    return _reached(_settled(taken))


def _reached(alert: Alert) -> Alert:
    return put(alert, max_stage=max(alert.max_stage, alert.stage))
