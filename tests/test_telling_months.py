"""Months of telling: looks at rest are cheap, silences keep clocks quiet, people and plans change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.routes import RoutesError, parse_routes
from ews.acting import act
from ews.judging import judge
from ews.model import (
    ActKind,
    AlertChange,
    BulletinKind,
    ChangeKind,
    Notification,
    Person,
    RouteReason,
    Silence,
    Stage,
)
from ews.reports import Names
from ews.storage import Store
from ews.telling import Teller, tell
from tests.alert_samples import NOW, change, urea_alert, urea_event
from tests.test_telling import KIM, RULES, accepted, happens, only, routes, sent, store

__all__ = ["store"]
DUTY = 'people = ["김서명", "이다음", "박마지막"]\nack_within_min = { caution = 30 }\n'
MINUTE = timedelta(minutes=1)
PARK = Person("per-park", "박분석", "analyst", NOW)


@contextmanager
def no_look(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Any transaction is a failure."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "begin", lambda self: pytest.fail("it looked"))
        yield


def test_a_look_at_rest_opens_no_transaction_until_something_happens_or_is_due(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = routes(DUTY + 'digests = ["08:30"]\n')
    happens(store)
    judge(store, RULES, NOW)
    tell(store, nights, Names(), NOW)
    tell(store, nights, Names(), NOW + timedelta(seconds=2))
    with no_look(store, monkeypatch):
        for seconds in (4, 6, 16):
            assert tell(store, nights, Names(), NOW + timedelta(seconds=seconds)) == 0
    act(
        store, KIM, ActKind.ACKNOWLEDGE, alert_id=only(store).id, via="cli", key="k",
        now=NOW + timedelta(seconds=17),
    )  # fmt: skip
    assert tell(store, nights, Names(), NOW + timedelta(seconds=18)) == 1, "the first is edited"
    before = datetime(2021, 10, 11, 23, 29, 55, tzinfo=UTC)
    for second in range(0, 5, 2):
        assert tell(store, nights, Names(), before + timedelta(seconds=second)) == 0
    assert tell(store, nights, Names(), before + timedelta(seconds=5)) == 1, "on the second"


def test_routes_that_change_are_looked_at_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(store, routes(), Names(), NOW)
    with no_look(store, monkeypatch):
        tell(store, routes(), Names(), NOW + timedelta(seconds=1))
    assert tell(store, routes('digests = ["08:30"]\n'), Names(), NOW + timedelta(seconds=2)) == 1


def test_a_clock_that_runs_out_under_a_silence_leaves_no_trace_and_calls_at_its_end(
    store: Store,
) -> None:
    duty = routes(DUTY)
    happens(store)
    judge(store, RULES, NOW)
    tell(store, duty, Names(), NOW)
    accepted(store, sent(store), NOW)
    ends = NOW + timedelta(hours=5)
    store.save_silence(Silence("sil-1", "Kim", "drill", NOW, ends, {"item": "urea"}))
    for hour in range(1, 5):
        assert tell(store, duty, Names(), NOW + timedelta(hours=hour)) == 0
    assert only(store).revision == 1
    assert tell(store, duty, Names(), ends) == 1
    assert [n.mentions for n in sent(store, ChangeKind.ESCALATED)] == [("이다음",)]


def test_what_is_told_late_starts_a_clock_as_if_it_were_told_now(store: Store) -> None:
    duty, ends = routes(DUTY), NOW + timedelta(hours=2)
    store.save_silence(Silence("sil-1", "Kim", "drill", NOW, ends, {"item": "urea"}))
    happens(store)
    judge(store, RULES, NOW)
    tell(store, duty, Names(), NOW)
    tell(store, duty, Names(), ends)
    (late,) = sent(store)
    assert (late.reason, late.mentions) == (RouteReason.RELEASED, ("김서명",))
    accepted(store, [late], ends)
    tell(store, duty, Names(), ends + 31 * MINUTE)
    assert [n.mentions for n in sent(store, ChangeKind.ESCALATED)] == [("이다음",)]


def test_nobody_waits_for_a_person_who_was_disabled_and_nobody_is_called_twice(
    store: Store,
) -> None:
    duty, now = routes(DUTY), NOW
    happens(store)
    judge(store, RULES, now)
    tell(store, duty, Names(), now)
    store.save_person(replace(KIM, disabled_at=now), "ews", now)
    called = [n.mentions for n in sent(store)]
    for _ in range(3):
        accepted(store, sent(store)[-1:], now)
        now += 31 * MINUTE
        tell(store, duty, Names(), now)
        called.append(sent(store)[-1].mentions)
    assert called == [("김서명",), ("이다음",), ("박마지막",), ("이다음", "박마지막")]


def test_an_alert_of_a_high_stage_that_nobody_takes_calls_everybody_again_ever_less_often(
    store: Store,
) -> None:
    duty = routes('people = ["김서명"]\nack_within_min = { caution = 30 }\n')
    happens(store)  # 경계 is proposed
    judge(store, RULES, NOW)
    tell(store, duty, Names(), NOW)
    accepted(store, sent(store), NOW)
    hours = []
    for minute in range(30, 60 * 60, 60):
        now = NOW + minute * MINUTE
        if tell(store, duty, Names(), now):
            hours.append(minute / 60)
            accepted(store, sent(store)[-1:], now)
    assert hours == pytest.approx([0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 55.5])


@pytest.mark.parametrize("more", ["budget_per_day = 0\n", 'quiet = "11:00-07:00"\n'])
def test_whoever_has_something_held_by_the_clock_gets_a_digest_though_none_is_written_down(
    store: Store, more: str
) -> None:
    happens(store, evidence=urea_event().evidence[:1])
    judge(store, RULES, NOW)
    tell(store, routes(more), Names(), NOW)
    morning = datetime(2021, 10, 11, 23, 30, tzinfo=UTC)
    tell(store, routes(more), Names(), morning)
    digests = [b for b in store.bulletins() if b.kind is BulletinKind.DIGEST]
    assert digests[-1].at == morning


def test_many_digests_that_are_due_together_all_come_and_once(store: Store) -> None:
    many = "".join(
        f'[[receiver]]\nname="m{n}"\nchannel="slack"\naddress="C{n}"\ndigests=["08:30"]\n'
        for n in range(23)
    )
    assert tell(store, routes(many), Names(), NOW) == 23
    assert tell(store, routes(many), Names(), NOW + MINUTE) == 0


def test_a_planned_event_that_is_taken_back_is_told_to_whom_it_was_announced_and_named_no_more(
    store: Store,
) -> None:
    store.save_person(PARK, "ews", NOW)
    detail = {"title": "부산항 정비", "from": (NOW + timedelta(days=3)).isoformat(),
              "until": (NOW + timedelta(days=5)).isoformat(), "match.item": "urea"}  # fmt: skip
    plan = act(store, PARK, ActKind.PLAN, detail=detail, via="cli", key="p", now=NOW)
    tell(store, routes(), Names(), NOW)
    back = {"silence": plan.act.detail["silence"]}
    act(store, PARK, ActKind.UNSILENCE, note="연기됨", detail=back, via="cli", key="u",
        now=NOW + MINUTE)  # fmt: skip
    told = [tell(store, routes(), Names(), NOW + n * MINUTE) for n in (1, 2, 60)]
    assert told == [1, 0, 0]
    last = store.notifications()[-1]
    text = Teller(store, Names()).message(last, NOW).text
    assert "취소된 예정: 부산항 정비" in text
    assert "연기됨" in text
    assert "박분석" in text
    happens(store)
    judge(store, RULES, NOW + timedelta(hours=2))
    tell(store, routes(), Names(), NOW + timedelta(hours=2))
    (raised,) = sent(store, ChangeKind.RAISED)
    assert "부산항 정비" not in Teller(store, Names()).message(raised, NOW).text


def test_a_plan_that_is_taken_back_before_anybody_heard_of_it_is_never_announced(
    store: Store,
) -> None:
    starts = NOW + timedelta(days=3)
    store.save_silence(
        Silence("sil-p", "Kim", "x", starts, starts, {"port": "busan"}, planned=True, title="T")
    )
    assert tell(store, routes(), Names(), NOW) == 0


def test_who_is_handed_an_alert_is_called_though_another_ministry_reads_elsewhere(
    store: Store,
) -> None:
    both = routes(
        'people = ["김서명"]\nack_within_min = { caution = 30 }\n[[receiver]]\nname = "atoms"\n'
        'channel = "slack"\naddress = "C2"\nministries = ["nssc"]\npeople = ["이다음"]\n'
        'quiet = "00:00-23:59"\nack_within_min = { caution = 30 }\n'
    )
    happens(store)
    judge(store, RULES, NOW)
    tell(store, both, Names(), NOW)
    assert {n.receiver for n in store.notifications() if n.bulletin is None} == {"trucks"}
    act(store, KIM, ActKind.HAND_OVER, alert_id=only(store).id, detail={"to": "이다음"},
        via="cli", key="h", now=NOW + MINUTE)  # fmt: skip
    tell(store, both, Names(), NOW + MINUTE)
    (call,) = sent(store, ChangeKind.HANDED_OVER)
    assert (call.receiver, call.mentions) == ("atoms", ("이다음",))
    assert call.reason is RouteReason.HANDED_OVER
    assert "이다음" in call.why
    text = Teller(store, Names()).message(call, NOW).text
    assert "요소" in text
    assert "김서명" in text
    act(store, KIM, ActKind.CLEAR, alert_id=only(store).id, note="끝남", via="cli", key="c",
        now=NOW + 2 * MINUTE)  # fmt: skip
    tell(store, both, Names(), NOW + 2 * MINUTE)
    assert {n.receiver for n in sent(store, ChangeKind.RESOLVED)} == {"trucks", "atoms"}


def as_trucks(name: str, more: str = "") -> str:
    return f'[[receiver]]\nname = "{name}"\nchannel = "slack"\naddress = "C9"\n{more}'


def test_a_receiver_that_is_renamed_keeps_its_threads_and_hears_their_end(store: Store) -> None:
    happens(store)
    judge(store, RULES, NOW)
    tell(store, parse_routes(as_trucks("old")), Names(), NOW)
    for n, name in enumerate(("new", "newest"), 1):
        assert tell(store, parse_routes(as_trucks(name)), Names(), NOW + n * MINUTE) == 0
    now = NOW + 9 * MINUTE
    act(store, KIM, ActKind.CLEAR, alert_id=only(store).id, note="끝", via="cli", key="c", now=now)
    tell(store, parse_routes(as_trucks("newest")), Names(), now)
    assert [n.receiver for n in sent(store, ChangeKind.RESOLVED)] == ["newest"]


def test_who_is_added_to_the_routes_hears_what_is_going_on_once_and_as_new(store: Store) -> None:
    happens(store)
    judge(store, RULES, NOW)
    tell(store, routes(), Names(), NOW)
    wider = routes(as_trucks("late", 'people = ["이다음"]\nack_within_min = { caution = 30 }\n'))
    told = [tell(store, wider, Names(), NOW + n * MINUTE) for n in (1, 2, 60)]
    assert told == [1, 0, 0]
    (late,) = [n for n in sent(store) if n.receiver == "late"]
    assert late.mentions == ("이다음",)
    text = Teller(store, Names()).message(late, NOW).text
    assert "이미 진행 중" in text
    assert "수신처가 새로" not in text
    others = routes(as_trucks("late", "cooldown_min = 5\n"))
    assert tell(store, others, Names(), NOW + timedelta(hours=2)) == 0, (
        "it gets no more than before"
    )


def test_a_lower_minimum_tells_what_the_higher_one_held(store: Store) -> None:
    happens(store, evidence=urea_event().evidence[:1])  # one source: 주의
    judge(store, RULES, NOW)
    tell(store, parse_routes(as_trucks("a", 'minimum = "경계"\n')), Names(), NOW)
    assert sent(store) == []
    lower = parse_routes(as_trucks("a", 'minimum = "주의"\n'))
    assert [tell(store, lower, Names(), NOW + n * MINUTE) for n in (1, 2)] == [1, 0]


def test_a_burst_is_routed_in_parts_as_if_it_were_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as tx:
        for n in range(12):
            tx.save_events([urea_event(id=f"evt-{n}")])
            stage = Stage.CAUTION if n % 2 else Stage.WATCH
            alert = urea_alert(stage, id=f"alr-{n:02d}", event_id=f"evt-{n}", fingerprint=f"f{n}")
            tx.save_changes([change(alert=alert), change(
                ChangeKind.UPDATED, replace(alert, revision=2, updated_at=NOW + MINUTE)
            )])  # fmt: skip
    monkeypatch.setattr("ews.telling.rounds.ROUTED_AT_ONCE", 5)
    parts: list[int] = []
    save = Store.save_notifications

    def saved(tx: Store, changes: list[AlertChange], told: list[Notification]) -> None:
        parts.append(len(changes))
        save(tx, changes, told)

    monkeypatch.setattr(Store, "save_notifications", saved)
    now = NOW.replace(hour=3)  # noon in Seoul
    tell(store, routes("budget_per_day = 6\nitem_share = 1\n"), Names(), now)
    assert [n for n in parts if n] == [6, 6, 6, 6]
    best = {n.alert_id for n in sent(store) if n.bulletin is None}
    assert best <= {f"alr-{n:02d}" for n in range(1, 12, 2)}
    assert len(best) == 5, "of six, so many are paid out by noon"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cooldown_min = 99999999999999", "30 days"),
        ("ack_within_min = { caution = 99999999999999 }", "30 days"),
        ('people = ["a", "a"]', "once"),
        ('ministries = [""]', "empty"),
        ('sectors = ["٣"]', "KSIC"),
        ('[[inhibit]]\nname="x"\nsource={type="a"}\ntarget={type="b"}\nequal=[["item"]]', "equal"),
    ],
)
def test_what_would_break_every_round_is_refused_when_the_routes_are_read(
    line: str, says: str
) -> None:
    with pytest.raises(RoutesError, match=says):
        parse_routes(as_trucks("a") + line)


def test_the_digest_names_what_nobody_took(store: Store) -> None:
    duty, morning = routes(DUTY + 'digests = ["08:30"]\n'), NOW.replace(hour=23)
    happens(store)
    judge(store, RULES, NOW)
    tell(store, duty, Names(), NOW)
    accepted(store, [n for n in sent(store) if n.bulletin is None], NOW)
    tell(store, duty, Names(), NOW + 31 * MINUTE)
    tell(store, duty, Names(), morning + 30 * MINUTE)
    (line,) = [text for part in store.bulletins()[-1].parts for text in part.lines]
    assert "확인한 사람 없음" in line
