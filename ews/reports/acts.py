"""What did people do? Acts, silences and who may do what, as rows that every face shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ews.acting import Acted, NotAllowed
from ews.model import Act, ActKind, Silence
from ews.reports.viewer import Viewer
from ews.storage import Store


@dataclass(frozen=True, slots=True)
class ActLine:
    """One act, and what came of it."""

    id: str
    kind: str
    by: str
    at: datetime
    via: str
    alert_id: str | None
    note: str
    detail: dict[str, str]
    repeated: bool = False  # done before, under the same key
    change: str | None = None  # what happened to the alert; null: nothing
    revision: int | None = None  # of the alert after it
    stage: int | None = None
    stage_en: str = ""
    stage_ko: str = ""


def act_line(done: Acted) -> ActLine:
    """What was done now, as a row."""
    line = replace(act_row(done.act), repeated=done.repeated)
    if done.change is None:
        return line
    alert = done.change.alert
    return replace(
        line, change=done.change.kind.value, revision=alert.revision, stage=int(alert.stage),
        stage_en=alert.stage.en, stage_ko=alert.stage.ko,
    )  # fmt: skip


def act_row(act: Act) -> ActLine:
    return ActLine(
        act.id, act.kind.value, act.by, act.at, act.via, act.alert_id, act.note, dict(act.detail)
    )


def acts_seen(store: Store, alert_id: str, viewer: Viewer) -> tuple[ActLine, ...]:
    """What was done with an alert, oldest first: all of it for whoever works here under a name, a
    firm's person their own firm's, nobody else any."""
    if viewer.person is None:
        return ()
    found = store.acts(alert_id=alert_id)
    if viewer.role == "firm":
        own = {one.name for one in store.people() if one.owner == viewer.owner}
        found = [one for one in found if one.by in own]
    return tuple(map(act_row, found))


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """A silence or a planned event."""

    id: str
    by: str
    reason: str
    title: str
    planned: bool
    starts_at: datetime
    ends_at: datetime
    matchers: dict[str, str]
    in_force: bool


def silence_lines(
    store: Store, now: datetime, *, planned: bool | None = None, all: bool = False
) -> tuple[SilenceLine, ...]:
    """Silences and plans that are in force or to come, or all; earliest end first."""
    found = (s for s in store.silences() if all or (s.ends_at > now and s.ends_at > s.starts_at))
    return tuple(silence_line(s, now) for s in found if planned is None or s.planned is planned)


def silence_line(silence: Silence, now: datetime) -> SilenceLine:
    return SilenceLine(
        silence.id, silence.by, silence.reason, silence.title, silence.planned, silence.starts_at,
        silence.ends_at, dict(silence.matchers), silence.starts_at <= now < silence.ends_at,
    )  # fmt: skip


def check_staff(viewer: Viewer) -> None:
    """NotAllowed unless it is somebody with a name who is of no firm: silences and decisions name
    people and say what the state does not act on."""
    if viewer.person is None or viewer.role == "firm":
        raise NotAllowed(
            "this is for persons of role official, analyst or operator, who ask with a token or "
            "session of their own",
            "공무원, 분석가, 운영자가 본인 이름으로 로그인해야 볼 수 있습니다.",
        )


KINDS_OF_ALERT = (  # in the order in which they are offered
    ActKind.SIGN_OFF, ActKind.REFUSE, ActKind.ACKNOWLEDGE, ActKind.HAND_OVER, ActKind.FALSE_ALARM,
    ActKind.SILENCE, ActKind.CLEAR, ActKind.CLOSE, ActKind.NOTE,
)  # fmt: skip
