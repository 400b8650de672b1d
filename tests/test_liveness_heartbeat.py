"""ews says each day that it works; when that does not come, it is told loudly and from elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alerts.bulletins import bulletin_message
from alerts.digests import carry
from alerts.routes import RoutesError, parse_routes
from ews.cli.checks import running
from ews.config import load_settings
from ews.delivering import pages
from ews.liveness.beats import Missed, missing, notification_id, on_the_list
from ews.liveness.pulse import last_ping, note_cycle, signs
from ews.liveness.turns import Beating, note_begin, ping
from ews.model import (
    Bulletin,
    BulletinKind,
    Delivery,
    DeliveryState,
    Fetch,
    FetchOutcome,
    Polling,
)
from ews.reports import Names, Viewer
from ews.scheduler import asking
from ews.storage import Store
from ews.storage.blind import BlindSpell
from ews.storage.tallies import Tally
from ews.web import create_app
from scrapers import load_source
from scrapers.errors import SourceError
from tests.empty_store import opened

BEGAN = datetime(2026, 11, 24, 3, tzinfo=UTC)  # a Tuesday noon in Korea
DUE = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)  # 08:30 there
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
GRACE = 30 * MINUTE
ROUTES = """
[[receiver]]
name = "ops"
channel = "console"
address = "-"
operator = true
lang = "en"

[[receiver]]
name = "ops-mail"
channel = "email"
address = "ops@ministry.go.kr"
operator = true

[[receiver]]
name = "official"
channel = "console"
address = "official"
heartbeat = true
items = ["urea"]

[[receiver]]
name = "other"
channel = "console"
address = "other"

[[receiver]]
name = "new-york"
channel = "console"
address = "ny"
heartbeat = true
timezone = "America/New_York"
"""
SOURCE = load_source("mk_economy")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path)
    yield made
    made.close()


def a_beating(store: Store, url: str = "", ask: object = None) -> Beating:
    return Beating(
        store, parse_routes(ROUTES), Names(), lambda: [SOURCE], "08:30", GRACE, url,
        ask,  # type: ignore[arg-type]
    )  # fmt: skip


def sent(store: Store, receiver: str, due: datetime, at: datetime) -> None:
    id = notification_id(receiver, due)
    store.save_delivery(Delivery(id, DeliveryState.SENT, attempts=1, sent_at=at), at)


def receivers(store: Store) -> list[str]:
    return sorted(one.receiver for one in store.bulletins() if one.kind is BulletinKind.HEARTBEAT)


def gone(store: Store, now: datetime) -> list[Missed]:
    return missing(store, on_the_list(parse_routes(ROUTES)), "08:30", GRACE, now)


# --------------------------------------------------------------------------- when, and to whom


def test_operators_and_who_asks_for_it_hear_at_their_own_time_once_a_day(store: Store) -> None:
    beating = a_beating(store)
    assert beating.look(BEGAN) == 0, "what was due before ews began was due to nobody"
    assert beating.look(DUE - MINUTE) == 1, "half past eight in New York"
    assert beating.look(DUE) == 3
    assert receivers(store) == ["new-york", "official", "ops", "ops-mail"]
    assert a_beating(store).look(DUE + MINUTE) == 0, "another process, or after a restart"
    assert beating.look(DUE + DAY) == 4


def test_a_receiver_may_leave_it_and_a_wrong_word_is_refused() -> None:
    off = ROUTES.replace('lang = "en"', "heartbeat = false")
    assert "ops" not in {one.name for one in on_the_list(parse_routes(off))}
    with pytest.raises(RoutesError, match="heartbeat must be true or false"):
        parse_routes(ROUTES.replace("heartbeat = true", 'heartbeat = "yes"'))


def test_who_heard_of_ews_that_day_gets_no_empty_word_but_operators_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    store.save_fetch(Fetch(SOURCE.name, DUE - MINUTE, FetchOutcome.UNCHANGED, newest=DUE))
    monkeypatch.setattr(Store, "told_since", lambda *_: {"official": 2, "ops": 3})
    beating.look(DUE)
    assert "official" not in receivers(store)
    (ops,) = store.bulletins("ops")
    assert ops.title == "2026-11-25 08:30: messages in the last 24 hours: 3"
    for name in ("ops", "ops-mail"):
        sent(store, name, DUE, DUE + MINUTE)
    assert "official" not in {one.receiver for one in gone(store, DUE + 2 * GRACE)}


@pytest.mark.parametrize("arrived", [True, False])
def test_a_digest_counts_as_heard_only_when_it_arrived(store: Store, arrived: bool) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    digest = Bulletin("dig-1", BulletinKind.DIGEST, "official", "ko", DUE - DAY, "t", ())
    carried = carry(digest, beating.routes.receiver("official"))
    store.save_bulletins([digest], [carried])
    if arrived:
        store.save_delivery(Delivery(carried.id, DeliveryState.SENT, sent_at=DUE - DAY), DUE)
    beating.look(DUE)
    assert ("official" in receivers(store)) is not arrived


# --------------------------------------------------------------------------- what it says


def test_it_proves_that_ews_lives_in_both_languages(store: Store) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    store.save_fetch(Fetch(SOURCE.name, DUE - MINUTE, FetchOutcome.NEW, newest=DUE, signals=4))
    store.add_tally(Tally(SOURCE.name, DUE - MINUTE, 1, new_texts=1_204))
    store.save_polling(Polling(SOURCE.name, news_at=DUE - 9 * MINUTE))
    store.save_spells([BlindSpell("item:urea", DUE - DAY, ("x",))])
    beating.look(DUE)
    english = bulletin_message(store.bulletins("ops")[0]).text
    assert "nothing to report, but 1 cannot be seen" in english
    assert "1 of 1 sources answered" in english
    assert "1,204 new texts" in english
    assert "newest text at 2026-11-25 08:21" in english
    assert "Urea: since" in english
    korean = bulletin_message(store.bulletins("official")[0]).text
    for part in ("가동 확인", "특이사항 없음. 다만 보이지 않는 것 1개", "수집원 1곳 가운데 1곳이 답했습니다",
                 "새 글 1,204건", "요소: 2026-11-24 08:30부터"):  # fmt: skip
        assert part in korean
    assert "기다리는 것" not in korean, "what waits is the operator's"


def test_nothing_collected_is_never_told_as_calm(store: Store) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    beating.look(DUE)
    text = bulletin_message(store.bulletins("ops")[0]).text
    assert "No text and no figure came in. That is not normal." in text
    assert "Silent sources (1)" in text
    assert "nothing to report" not in text
    assert "no source answered, so nothing is known to be calm" in text
    assert "Nothing: news of your items" not in text
    assert "Look first at the line and the clock of this machine" in text


def test_sources_that_answer_and_bring_nothing_are_no_calm_either(store: Store) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    store.save_fetch(Fetch(SOURCE.name, DUE - MINUTE, FetchOutcome.UNCHANGED, newest=DUE))
    beating.look(DUE)
    text = bulletin_message(store.bulletins("ops")[0]).text
    assert "nothing came in, so nothing is known to be calm" in text
    assert "Not known: sources answered but brought nothing new." in text
    assert "nothing to report" not in text
    assert "is coming in" not in text


def test_no_news_of_alerts_that_still_fire_is_not_told_as_if_there_were_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    store.save_fetch(Fetch(SOURCE.name, DUE - MINUTE, FetchOutcome.NEW, newest=DUE, signals=1))
    store.add_tally(Tally(SOURCE.name, DUE - MINUTE, 1, new_texts=1))
    monkeypatch.setattr(Store, "open_alerts", lambda *_: [object(), object()])
    beating.look(DUE)
    (english,), (korean,) = store.bulletins("ops"), store.bulletins("official")
    assert english.title == "2026-11-25 08:30: nothing to report (alerts still firing: 2)"
    assert korean.title == "2026-11-25 08:30, 특이사항 없음 (발령 중인 경보 2건은 그대로)"


# --------------------------------------------------------------------------- it did not come


def test_one_that_is_not_delivered_in_time_is_a_failed_check_until_it_is(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    beating.look(DUE)
    for name in ("ops", "official", "new-york"):
        sent(store, name, DUE - (MINUTE * 600 if name == "new-york" else 0 * MINUTE), DUE)
    assert gone(store, DUE + GRACE - MINUTE) == []
    (missed,) = (one for one in gone(store, DUE + GRACE) if one.receiver == "ops-mail")
    assert (missed.kind, missed.due) == ("not_sent", DUE)
    with caplog.at_level(logging.ERROR):
        beating.look(DUE + GRACE)
        beating.look(DUE + GRACE + MINUTE)
    assert sum("to ops-mail did not come" in line for line in caplog.messages) == 1
    sent(store, "ops-mail", DUE, DUE + 2 * GRACE)
    assert "ops-mail" not in {one.receiver for one in gone(store, DUE + 2 * GRACE)}


def test_one_that_was_never_made_is_seen_from_another_process_and_told_with_the_next(
    store: Store,
) -> None:
    a_beating(store).look(BEGAN)
    assert {one.kind for one in gone(store, DUE + GRACE)} == {"not_made"}
    a_beating(store).look(DUE + DAY)
    (bulletin,) = store.bulletins("ops")
    assert bulletin.parts[0].label == "Heartbeats that did not come on time"
    assert bulletin.parts[0].lines == (
        "2026-11-25 08:30 was not made, because ews was off or hung.",
    )


def test_the_next_says_what_the_channel_said(store: Store) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    beating.look(DUE)
    id = notification_id("ops", DUE)
    store.save_delivery(Delivery(id, DeliveryState.DEAD, attempts=1, error="disk full"), DUE)
    beating.look(DUE + DAY)
    assert store.bulletins("ops")[-1].parts[0].lines == (
        "2026-11-25 08:30 was not delivered. disk full",
    )


def test_a_refused_heartbeat_is_told_to_another_operator(store: Store) -> None:
    beating = a_beating(store)
    beating.look(BEGAN)
    beating.look(DUE)
    id = notification_id("ops-mail", DUE)
    store.save_delivery(
        Delivery(id, DeliveryState.DEAD, attempts=1, error="mailbox unknown"), DUE + MINUTE
    )
    assert pages(store, beating.routes, DUE + 2 * MINUTE) >= 1
    told = [one for one in store.bulletins("ops") if one.kind is BulletinKind.OPERATOR]
    assert len(told) == 1
    assert "ops-mail" in " ".join(line for part in told[0].parts for line in part.lines)


# --------------------------------------------------------------------------- the switch outside


def test_the_switch_is_asked_while_cycles_go_on_and_at_most_every_five_minutes(
    store: Store,
) -> None:
    asked: list[str] = []

    def ask(url: str) -> int:
        asked.append(url)
        return 200

    assert ping(store, ask, "https://hc/x", DUE) is None, "no cycle was done"
    note_cycle(store, DUE, 2.0)
    assert ping(store, ask, "https://hc/x", DUE) is True
    note_cycle(store, DUE + MINUTE, 2.0)
    assert ping(store, ask, "https://hc/x", DUE + 2 * MINUTE) is None
    assert ping(store, ask, "https://hc/x", DUE + 5 * MINUTE) is True
    assert ping(store, ask, "https://hc/x", DUE + 30 * MINUTE) is None, "cycles hang: silence tells"
    assert len(asked) == 2


def test_a_switch_that_does_not_answer_is_counted_and_stops_nothing(store: Store) -> None:
    def broken(url: str) -> int:
        raise SourceError("hc did not finish within 10 s")

    beating = a_beating(store, "https://hc/secret", broken)
    note_cycle(store, BEGAN, 2.0)
    beating.look(BEGAN)
    note_cycle(store, BEGAN + 6 * MINUTE, 2.0)
    ping(store, lambda _: 500, "https://hc/secret", BEGAN + 6 * MINUTE)
    kept = last_ping(store)
    assert (kept.failures, kept.error) == (2, "HTTP 500")
    assert beating.look(DUE) == 4


def test_no_switch_is_asked_while_a_heartbeat_is_missing(store: Store) -> None:
    asked: list[str] = []
    beating = a_beating(store, "https://hc/x", lambda url: asked.append(url) or 200)
    beating.look(BEGAN)
    beating.look(DUE)
    asked.clear()
    note_cycle(store, DUE + GRACE, 2.0)
    beating.look(DUE + GRACE + MINUTE)
    assert asked == []


def test_the_switch_is_asked_by_the_guarded_client_without_its_secret_in_errors() -> None:
    from scrapers import Client

    ask = asking(Client("ops@ministry.go.kr", min_gap_s=0))
    with pytest.raises(SourceError) as caught:
        ask("http://127.0.0.1:1/ping/0f3c-secret")
    assert "0f3c-secret" not in str(caught.value)


# --------------------------------------------------------------------------- seen from elsewhere


def alive(store: Store, now: datetime, every_s: int = 900) -> dict[str, bool]:
    return {one.name: one.ok for one in signs(store, [SOURCE], [], every_s, False, now)}


def test_a_process_that_hangs_is_seen_in_the_store(store: Store) -> None:
    assert alive(store, BEGAN) == {}, "`ews run` never ran here"
    note_begin(store, BEGAN)
    a_beating(store).look(BEGAN)
    note_cycle(store, BEGAN, 2.0)
    store.save_fetch(Fetch(SOURCE.name, BEGAN, FetchOutcome.NEW))
    store.save_polling(Polling(SOURCE.name, next_due=BEGAN + 10 * MINUTE))
    assert set(alive(store, BEGAN + 4 * MINUTE).values()) == {True}
    later = alive(store, BEGAN + 70 * MINUTE)
    assert [name for name, ok in later.items() if not ok] == ["scheduler", "cycles", "collection"]


def test_one_that_dies_again_and_again_before_a_cycle_is_done_is_no_sign_of_life(
    store: Store,
) -> None:
    for n in range(8):
        note_begin(store, BEGAN + 10 * n * MINUTE)
        a_beating(store).look(BEGAN + 10 * n * MINUTE)
    assert alive(store, BEGAN + 71 * MINUTE)["cycles"] is False


def test_doctor_and_healthz_name_what_fails_and_healthz_tells_strangers_nothing_more(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "routes.toml").write_text(ROUTES, "utf-8")
    settings = load_settings(tmp_path)
    firm = Viewer("firm", "acme")
    client = TestClient(create_app(settings, store, viewer=firm, clock=lambda: DUE + GRACE))
    assert client.get("/metrics").status_code == 403, "not for a firm"
    assert client.get("/healthz").json()["status"] == "idle"
    note_begin(store, BEGAN)
    a_beating(store).look(BEGAN)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"heartbeat", "scheduler", "cycles"} <= set(answer.json()["failed"])
    assert "ops-mail" not in answer.text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "get", lambda *_: 1 / 0)
        assert client.get("/healthz").json()["failed"] == ["store"]
    found = {check.name: check for check in running(settings, store)}
    assert found["heartbeat to"].found == "ops, ops-mail, official, new-york"
    assert not found["scheduler"].ok
    assert "start it again" in found["scheduler"].found


def test_a_run_that_never_asked_anybody_does_not_say_that_sources_are_asked(store: Store) -> None:
    note_begin(store, BEGAN)
    for at, ok in ((BEGAN + MINUTE, True), (BEGAN + GRACE, False)):
        found = {one.name: one for one in signs(store, [SOURCE], [], 900, False, at)}
        assert found["collection"].ok is ok
    assert "no source was asked for 30 min and 1 are overdue" in found["collection"].en
    assert "the last sign of `ews run` is 30 min old" in found["scheduler"].en
