"""Do messages get out? Addresses that do not answer, messages given up, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alerts.bulletins import bulletin_title
from alerts.paging import Letters, is_dead
from alerts.routing import Routes
from ews.acting import NotFound
from ews.model import Alert, ChannelState, Delivery, DeliveryState, Notification
from ews.reports.board_rows import AddressLine, LetterLine, Outbox
from ews.reports.views import Label
from ews.storage import Store
from ews.storage.channel_states import Address

Newest = dict[tuple[str, str], int]  # (alert, receiver) -> revision of the newest message
OPEN = (DeliveryState.NEW, DeliveryState.TRYING, DeliveryState.AMBIGUOUS)
ADVICE = {
    "moved": Label(
        "moved",
        "the receiver has another address now: send it again, it goes there",
        "수신처 주소가 바뀌었습니다. 다시 보내면 새 주소로 갑니다.",
    ),
    "look": Label(
        "look",
        "it may have arrived: look there first; sent again, it is looked for before it is posted",
        "이미 닿았을 수 있습니다. 먼저 그곳을 보십시오. 다시 보내면 있는지 찾아본 뒤에 보냅니다.",
    ),
    "mend": Label(
        "mend",
        "do what the reason says (address, rights, secret), then send it again",
        "까닭에 적힌 대로 고친 뒤(주소, 권한, 비밀값) 다시 보내십시오.",
    ),
    "old": Label(
        "old",
        "a later message of this alert says more: see to that one, and leave this as it is",
        "같은 경보의 더 나중 소식이 있습니다. 그것을 챙기고 이것은 그대로 두십시오.",
    ),
}


def outbox(store: Store, routes: Routes, now: datetime, problem: str = "") -> Outbox:
    """Letters given up, newest first; addresses in trouble; how many messages wait."""
    letters = store.dead_letters()
    waiting = sum(len(store.deliveries(state)) for state in OPEN)
    later = _newest(store, [told for told, _ in letters])
    lines = tuple(_letter(store, routes, later, *letter) for letter in reversed(letters))
    return Outbox(lines, address_lines(store, routes, letters, now), waiting, problem)


def address_lines(
    store: Store, routes: Routes, letters: Letters, now: datetime
) -> tuple[AddressLine, ...]:
    """Addresses whose last try did not get through, the dead ones first."""
    failing = [one for one in store.channel_states() if one.failing_since is not None]
    lines = [_address(store, routes, one, letters, now) for one in failing]
    return tuple(sorted(lines, key=lambda line: (not line.dead, line.failing_since)))


def _address(
    store: Store, routes: Routes, state: ChannelState, letters: Letters, now: datetime
) -> AddressLine:
    assert state.failing_since is not None
    waiting = store.stranded(state.channel, state.address)
    names = _at(routes, (state.channel, state.address)) or {one.receiver for one in waiting}
    names = names or {
        told.receiver for told, _ in letters
        if (told.channel, told.address) == (state.channel, state.address)
    }  # fmt: skip
    return AddressLine(
        channel=state.channel,
        receivers=tuple(sorted(names)),
        dead=is_dead(state, letters, now),
        failing_since=state.failing_since,
        failures=state.failures,
        error=state.error or "",
        paged_at=state.paged_at,
        waiting=len(waiting),
    )


def _at(routes: Routes, address: Address) -> set[str]:
    return {one.name for one in routes.receivers if (one.channel, one.address) == address}


def _newest(store: Store, letters: Iterable[Notification]) -> Newest:
    newest: Newest = {}
    for told in store.notifications_of({one.alert_id for one in letters}):
        if told.reason.sent and not told.edit:
            pair = told.alert_id, told.receiver
            newest[pair] = max(newest.get(pair, 0), told.alert_revision)
    return newest


def _letter(
    store: Store, routes: Routes, newest: Newest, told: Notification, delivery: Delivery
) -> LetterLine:
    alert = None if told.bulletin else store.alert(told.alert_id)
    kind, title = _carried(store, told, alert)
    maybe, moved = delivery.first_try_at is not None, bool(mended(routes, told))
    return LetterLine(
        notification_id=told.id,
        alert_id=told.alert_id,
        bulletin=kind,
        title=title,
        receiver=told.receiver,
        channel=told.channel,
        change=told.change.value,
        at=told.at,
        attempts=delivery.attempts,
        maybe_arrived=maybe,
        error=delivery.error or "",
        advice=ADVICE[_advice(told, newest, maybe, moved)],
        moved=moved,
    )


def _carried(store: Store, told: Notification, alert: Alert | None) -> tuple[str, str]:
    """Kind and title of the bulletin it carries, or "" and the title of its alert."""
    if told.bulletin is None:
        return "", alert.title if alert else ""
    bulletin = store.bulletin(told.bulletin)
    return ("", "") if bulletin is None else (bulletin.kind.value, bulletin_title(bulletin))


def _advice(told: Notification, newest: Newest, maybe: bool, moved: bool) -> str:
    if newest.get((told.alert_id, told.receiver), 0) > told.alert_revision or told.edit:
        return "old"
    return "look" if maybe else "moved" if moved else "mend"


def find_letter(store: Store, routes: Routes, notification_id: str) -> LetterLine:
    """The dead letter of that id, or of the only id that begins so. NotFound otherwise."""
    found = [
        letter for letter in store.dead_letters()
        if notification_id and letter[0].id.startswith(notification_id)
    ]  # fmt: skip
    if len(found) != 1:
        raise NotFound(f"no dead letter {notification_id[:80]!r}; `ews outbox list` lists them")
    return _letter(store, routes, _newest(store, [found[0][0]]), *found[0])


def mended(routes: Routes, told: Notification | None) -> dict[str, str]:
    """Channel and address of the receiver in the routes of now, when they differ from then; what an
    act of sending again has to be told."""
    now = [one for one in routes.receivers if told and one.name == told.receiver]
    if told is None or not now or (now[0].channel, now[0].address) == (told.channel, told.address):
        return {}
    return {"channel": now[0].channel, "address": now[0].address}


def total(lines: Iterable[AddressLine]) -> int:
    """How many addresses are dead."""
    return sum(line.dead for line in lines)
