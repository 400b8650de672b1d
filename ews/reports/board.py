"""How do we stand? The board of the situation room: stages, signatures, clocks, what is blind, held,
undecided, and whether messages get out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.routing import Routes
from ews.acting import Acted, decisions
from ews.config import Settings
from ews.model import ActKind, Stage
from ews.reports.acts import SilenceLine, act_line, silence_lines
from ews.reports.blind import board_states
from ews.reports.board_alerts import Cards, ministry_lines, unheld
from ews.reports.board_rows import (
    AddressLine,
    Band,
    Counts,
    Decisions,
    Sight,
    Situation,
    WithheldFrom,
)
from ews.reports.outbox import address_lines, total
from ews.reports.receivers import routes_seen, sees_work
from ews.reports.rows import alert_line
from ews.reports.viewer import Viewer
from ews.reports.views import AlertLine
from ews.reports.withheld import withheld_lists
from ews.storage import Store

WRITTEN = 100  # decisions of the log that are shown
# The figures in the order in which every face shows them: field of Counts -> Korean, English.
FIGURES: Mapping[str, tuple[str, str]] = {
    "severe": ("심각", "severe"),
    "alert": ("경계", "alert"),
    "caution": ("주의", "caution"),
    "watch": ("관심", "watch"),
    "waiting": ("서명 대기", "wait for a signature"),
    "free": ("담당 없음", "nobody has taken"),
    "overdue": ("확인 기한 지남", "overdue"),
    "blind_items": ("보이지 않는 품목", "items blind"),
    "withheld": ("오늘 보류", "held back today"),
    "decisions": ("적을 결정", "decisions open"),
    "silences": ("묵음", "silences"),
    "planned": ("예정된 일", "planned events"),
    "dead_addresses": ("끊긴 주소", "dead addresses"),
    "letters": ("못 보낸 메시지", "dead letters"),
}


def situation(
    store: Store, settings: Settings, now: datetime, viewer: Viewer, every: bool = False
) -> Situation:
    """The board as the viewer may see it: alerts in force and what is blind for everybody, the
    people and receivers for who works here under a name, addresses for operators. `every`: all
    items that are blind, not only those with a use, watched or alerting."""
    routes, problem = routes_seen(settings)
    staff = sees_work(viewer)
    firing = store.open_alerts()
    cards = Cards.read(store, routes, firing, now).cards(staff)
    bands = tuple(
        Band(int(stage), stage.en, stage.ko, tuple(c for c in cards if c.alert.stage == stage))
        for stage in sorted(Stage, reverse=True)
    )
    sight = _sight(store, now, every)
    work = _Work.read(store, routes, now) if staff else _Work()
    machine = _Machine.read(store, routes, now) if viewer.role == "operator" else _Machine()
    return Situation(
        at=now,
        staff=staff,
        operator=viewer.role == "operator",
        counts=_counts(bands, sight, staff, work, machine),
        bands=bands,
        ministries=ministry_lines(cards, staff),
        sight=sight,
        withheld=work.withheld,
        decisions=work.decisions,
        silences=work.silences,
        addresses=machine.addresses,
        letters=machine.letters,
        signers=work.signers,
        problem=problem if staff else "",
    )


def decision_log(store: Store) -> Decisions:
    """What waits for a decision, and the newest that were written down."""
    written = store.acts(kinds=[ActKind.CLOSE])[::-1][:WRITTEN]
    return Decisions(_undecided(store), tuple(act_line(Acted(one)) for one in written))


def _undecided(store: Store) -> tuple[AlertLine, ...]:
    waiting = decisions(store)
    events = store.events_of([one.event_id for one in waiting])
    return tuple(alert_line(one, events.get(one.event_id)) for one in waiting)


# --------------------------------------------------------------------------- the rest


def _sight(store: Store, now: datetime, every: bool) -> Sight:
    board = board_states(store, now, every=every)
    blind = tuple(line for line in board.lines if line.blind)
    return Sight(
        board.watched, board.blind, board.since, board.sources, len(board.silent), blind,
        tuple(line for line in board.countries if line.blind),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Work:
    """What those see who work here under a name."""

    withheld: tuple[WithheldFrom, ...] = ()
    decisions: tuple[AlertLine, ...] = ()
    silences: tuple[SilenceLine, ...] = ()
    signers: tuple[str, ...] = ()

    @classmethod
    def read(cls, store: Store, routes: Routes, now: datetime) -> _Work:
        signers = (p.name for p in store.people() if p.signs and p.disabled_at is None)
        return cls(
            withheld_lists(store, routes, now), _undecided(store), silence_lines(store, now),
            tuple(signers),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Machine:
    """What operators see."""

    addresses: tuple[AddressLine, ...] = ()
    letters: int | None = None

    @classmethod
    def read(cls, store: Store, routes: Routes, now: datetime) -> _Machine:
        letters = store.dead_letters()
        return cls(address_lines(store, routes, letters, now), len(letters))


def _counts(
    bands: Sequence[Band], sight: Sight, staff: bool, work: _Work, machine: _Machine
) -> Counts:
    severe, alert, caution, watch = (len(band.alerts) for band in bands)
    blind = len(sight.items) if sight.watched else None
    if not staff:
        return Counts(severe, alert, caution, watch, blind)
    cards = [card for band in bands for card in band.alerts]
    in_force = [one for one in work.silences if one.in_force]
    return Counts(
        severe, alert, caution, watch, blind,
        waiting=sum(card.proposed is not None for card in cards),
        free=sum(map(unheld, cards)),
        overdue=sum(clock.state == "overdue" for card in cards for clock in card.clocks),
        withheld=sum(one.today for one in work.withheld),
        decisions=len(work.decisions),
        silences=sum(not one.planned for one in in_force),
        planned=sum(one.planned for one in in_force),
        dead_addresses=None if machine.letters is None else total(machine.addresses),
        letters=machine.letters,
    )  # fmt: skip


def left(at: datetime | None, now: datetime, lang: str) -> str:
    """How long until then, or since; "" for no time.

    >>> from datetime import UTC, timedelta
    >>> now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    >>> left(now + timedelta(minutes=90), now, "ko"), left(now - timedelta(days=2), now, "en")
    ('1시간 30분 남음', '2 d ago')
    """
    if at is None:
        return ""
    minutes = int(abs((at - now).total_seconds()) // 60)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "일", " d"), (hours, "시간", " h"), (minutes, "분", " min")]
    shown = [(n, ko, en) for n, ko, en in parts if n][:2] or [(0, "분", " min")]
    if lang == "ko":
        said = " ".join(f"{n}{ko}" for n, ko, _ in shown)
        return f"{said} 남음" if at > now else f"{said} 지남"
    said = " ".join(f"{n}{en}" for n, _, en in shown)
    return f"{said} left" if at > now else f"{said} ago"
