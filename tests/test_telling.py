"""From an event to the outbox: proposals and their end, what is held and told later, calls, digests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.routes import Routes, parse_routes
from alerts.rulebook import shipped_ruleset
from ews.acting import act
from ews.judging import judge
from ews.model import (
    ActKind,
    Alert,
    BulletinKind,
    ChangeKind,
    DeliveryState,
    Event,
    Evidence,
    Notification,
    Person,
    RouteReason,
    Silence,
    Stage,
)
from ews.reports import Names
from ews.storage import Store
from ews.telling import Teller, tell
from tests.alert_samples import NOW, urea_event, urea_exposure
from tests.empty_store import opened as opened_at

RULES = shipped_ruleset(datetime(2000, 1, 1, tzinfo=UTC))
KIM = Person("per-kim", "김서명", "official", NOW, signs=True)
PARK = Person("per-park", "박새로", "official", NOW)
LEE = Person("per-lee", "이다음", "official", NOW)
ROUTES = """
[[receiver]]
name = "trucks"
channel = "console"
address = "-"
lang = "ko"
minimum = "관심"
ministries = ["molit"]
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = opened_at(tmp_path)
    opened.save_ruleset(RULES)
    for person in (KIM, LEE, PARK):
        opened.save_person(person, "ews", NOW)
    yield opened
    opened.close()


def routes(more: str = "") -> Routes:
    return parse_routes(ROUTES + more)


def happens(store: Store, **changes: object) -> Event:
    """An event with its exposures, as detect and propagate leave it."""
    event = urea_event(probability=0.95, severity=2.0, **changes)
    store.save_events([event])
    exposures = [replace(urea_exposure(n), probability=0.95) for n in (1, 2)]
    store.save_propagation(event, [], exposures)
    return event


def only(store: Store) -> Alert:
    (alert,) = store.alerts()
    return alert


def sent(store: Store, kind: ChangeKind | None = None) -> list[Notification]:
    found = [n for n in store.notifications() if n.reason.sent and not n.edit]
    return [n for n in found if kind is None or n.change is kind]


def accepted(store: Store, told: Sequence[Notification], at: datetime) -> None:
    """What a channel answers."""
    for one in told:
        delivery = store.delivery(one.id)
        assert delivery is not None
        store.save_delivery(replace(delivery, state=DeliveryState.SENT, sent_at=at, attempts=1))


def test_a_stage_that_nobody_signs_is_proposed_then_taken_and_the_message_says_so(
    store: Store,
) -> None:
    happens(store)
    judge(store, RULES, NOW)
    proposed = only(store)
    assert (proposed.stage, proposed.proposed) == (Stage.CAUTION, Stage.ALERT)
    assert proposed.sign_by == NOW + timedelta(minutes=60)
    tell(store, routes(), Names(), NOW)
    before = proposed.sign_by - timedelta(seconds=1)
    assert judge(store, RULES, before) == 0
    judge(store, RULES, proposed.sign_by)
    assert (only(store).stage, only(store).timed_out) == (Stage.ALERT, True)
    tell(store, routes(), Names(), proposed.sign_by)
    (rise,) = sent(store, ChangeKind.STAGE_UP)
    message = Teller(store, Names()).message(rise, proposed.sign_by)
    assert "서명 없" in message.text


def test_a_signed_stage_names_who_signed(store: Store) -> None:
    happens(store)
    judge(store, RULES, NOW)
    tell(store, routes(), Names(), NOW)
    alert = only(store)
    act(
        store, KIM, ActKind.SIGN_OFF, alert_id=alert.id, detail={"revision": str(alert.revision)},
        via="page", key="k1", now=NOW + timedelta(minutes=5),
    )  # fmt: skip
    tell(store, routes(), Names(), NOW + timedelta(minutes=5))
    (rise,) = sent(store, ChangeKind.STAGE_UP)
    assert KIM.name in Teller(store, Names()).message(rise, NOW).text
    assert judge(store, RULES, NOW + timedelta(hours=3)) == 0


def test_what_a_silence_held_is_told_once_when_it_ends(store: Store) -> None:
    ends = NOW + timedelta(hours=2)
    store.save_silence(Silence("sil-1", "Kim", "drill", NOW, ends, {"item": "urea"}))
    happens(store)
    judge(store, RULES, NOW)
    tell(store, routes(), Names(), NOW)
    assert [n.reason for n in store.notifications()] == [RouteReason.HELD_BY_SILENCE]
    for minutes in (0, 1, 60):
        tell(store, routes(), Names(), ends + timedelta(minutes=minutes))
    assert [n.reason for n in sent(store)] == [RouteReason.RELEASED]


def test_an_alert_that_nobody_takes_calls_the_next_person_until_somebody_does(
    store: Store,
) -> None:
    duty = routes('people = ["김서명", "이다음", "박마지막"]\nack_within_min = { caution = 30 }\n')
    happens(store)
    judge(store, RULES, NOW)
    tell(store, duty, Names(), NOW)
    (first,) = sent(store)
    assert first.mentions == ("김서명",)
    assert tell(store, duty, Names(), NOW + timedelta(minutes=40)) == 0, "not accepted yet"
    accepted(store, [first], NOW)
    assert tell(store, duty, Names(), NOW + timedelta(minutes=29)) == 0
    tell(store, duty, Names(), NOW + timedelta(minutes=31))
    (call,) = sent(store, ChangeKind.ESCALATED)
    assert call.mentions == ("이다음",)
    assert "이다음" in Teller(store, Names()).message(call, NOW).text
    accepted(store, [call], NOW + timedelta(minutes=31))
    act(
        store, KIM, ActKind.ACKNOWLEDGE, alert_id=only(store).id, via="cli", key="k2",
        now=NOW + timedelta(minutes=45),
    )  # fmt: skip
    tell(store, duty, Names(), NOW + timedelta(hours=5))
    assert len(sent(store, ChangeKind.ESCALATED)) == 1


def test_the_night_is_quiet_and_the_morning_digest_tells_why(store: Store) -> None:
    nights = routes('quiet = "22:00-07:00"\ndigests = ["08:30"]\n')
    night = datetime(2021, 10, 11, 15, 0, tzinfo=UTC)  # midnight in Seoul
    tell(store, nights, Names(), night - timedelta(hours=10))  # the first digest is empty
    evidence = urea_event().evidence[:1]
    happens(store, evidence=evidence, first_seen=night, updated_at=night)
    judge(store, RULES, night)
    tell(store, nights, Names(), night)
    (held,) = [n for n in store.notifications() if n.bulletin is None]
    assert held.reason is RouteReason.HELD_BY_QUIET_HOURS
    morning = datetime(2021, 10, 11, 22, 0, tzinfo=UTC)  # 07:00 in Seoul
    tell(store, nights, Names(), morning)
    assert [n.reason for n in sent(store) if n.bulletin is None] == [RouteReason.RELEASED]
    for minutes in (0, 5, 60):
        tell(store, nights, Names(), morning + timedelta(minutes=90 + minutes))
    digests = [b for b in store.bulletins() if b.kind is BulletinKind.DIGEST]
    assert [len(b.alerts) for b in digests] == [0, 1]


def test_a_planned_event_is_announced_once_and_a_later_entry_again(store: Store) -> None:
    starts = NOW + timedelta(days=3)
    plan = Silence(
        "sil-p", "Kim", "yearly", starts, starts + timedelta(days=2), {"port": "busan"},
        planned=True, title="부산항 정비",
    )  # fmt: skip
    store.save_silence(plan, NOW)
    told = [tell(store, routes(), Names(), NOW + timedelta(hours=n)) for n in range(3)]
    assert told == [1, 0, 0]
    (bulletin,) = store.bulletins()
    assert bulletin.kind is BulletinKind.PLANNED
    assert "부산항 정비" in Teller(store, Names()).message(store.notifications()[0], NOW).text


def test_what_people_do_while_the_rules_judge_is_never_lost(store: Store) -> None:
    """Both write the next revision of one alert: each sees what the other wrote."""
    event = happens(store)
    judge(store, RULES, NOW)
    alert_id, rounds = only(store).id, 12

    def judging() -> None:
        for n in range(2, rounds + 2):
            seen = NOW + timedelta(minutes=n)
            more = Evidence(f"art-n{n}", f"paper-{n}", seen, title="more")
            store.save_events([
                replace(event, revision=n, updated_at=seen, evidence=(*event.evidence, more),
                        countries=("CN", f"X{n}")),
            ])  # fmt: skip
            store.save_propagation(replace(event, revision=n), [], [urea_exposure(1)])
            judge(store, RULES, seen)

    def noting() -> None:
        for n in range(rounds):
            act(
                store, KIM, ActKind.HAND_OVER, alert_id=alert_id, detail={"to": (KIM, LEE)[n % 2].name},
                via="cli", key=f"n{n}", now=NOW + timedelta(minutes=n),
            )  # fmt: skip

    threads = [threading.Thread(target=work) for work in (judging, noting)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes = store.changes(alert_id=alert_id)
    assert sorted(c.alert.revision for c in changes) == list(range(1, len(changes) + 1))
    handed = sum(c.kind is ChangeKind.HANDED_OVER for c in changes)
    assert handed == rounds
    assert sum(c.kind is ChangeKind.UPDATED for c in changes) == rounds


def test_each_ministry_answers_for_itself_and_a_rise_asks_again(store: Store) -> None:
    both = routes('people = ["이다음"]\nack_within_min = { caution = 30 }\n' + ROUTES.replace(
        '"trucks"', '"farms"').replace('"-"', '"2"').replace('"molit"', '"mafra"')
        + 'people = ["김서명"]\nack_within_min = { caution = 30 }\n')  # fmt: skip
    happens(store, evidence=urea_event().evidence[:1])
    judge(store, RULES, NOW)
    tell(store, both, Names(), NOW)
    accepted(store, sent(store), NOW)
    alert_id = only(store).id
    act(store, KIM, ActKind.ACKNOWLEDGE, alert_id=alert_id, via="cli", key="a", now=NOW)
    tell(store, both, Names(), NOW + timedelta(minutes=31))
    assert [n.receiver for n in sent(store, ChangeKind.ESCALATED)] == ["trucks"]
    act(store, LEE, ActKind.ACKNOWLEDGE, alert_id=alert_id, via="cli", key="b", now=NOW)
    tell(store, both, Names(), NOW + timedelta(hours=9))
    assert len(sent(store, ChangeKind.ESCALATED)) == 1
    happens(store, revision=2)  # a second source: 경계 is asked for
    risen = NOW + timedelta(hours=10)
    judge(store, RULES, risen)
    tell(store, both, Names(), risen)
    calls = {n.receiver: n.mentions for n in sent(store, ChangeKind.PROPOSED)}
    assert calls == {"farms": ("김서명",), "trucks": ("이다음",)}
    accepted(store, sent(store, ChangeKind.PROPOSED), risen)
    act(
        store, KIM, ActKind.ACKNOWLEDGE, alert_id=alert_id, via="cli", key="c",
        now=risen + timedelta(minutes=1),
    )  # fmt: skip
    tell(store, both, Names(), risen + timedelta(minutes=31))
    late = sent(store, ChangeKind.ESCALATED)[1:]
    assert [n.receiver for n in late] == ["trucks"]
    act(
        store, KIM, ActKind.HAND_OVER, alert_id=alert_id, detail={"to": "박새로"}, via="cli",
        key="d", now=risen + timedelta(minutes=40),
    )  # fmt: skip
    tell(store, both, Names(), risen + timedelta(minutes=40))
    newest = max(store.notifications(alert_id=alert_id), key=lambda n: n.alert_revision)
    said = Teller(store, Names()).message(newest, risen).text
    assert "담당:\n  박새로\n  확인한 다른 분: 이다음" in said, (
        "the old holder's time is not the new one's"
    )
