"""What all sources of a host share: spacing, holds and the circuit, over restarts and bad clocks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Fetch, FetchOutcome, Host
from ews.storage import Store
from scrapers.errors import SourceError
from scrapers.hosts import (
    LONGEST_WAIT_S,
    OPENS_AFTER,
    PROBE_S,
    MemoryHosts,
    OwnLine,
    booked,
    failed,
    held,
)
from scrapers.http import Client
from tests.fetched import fetch
from tests.raw_web import RawWeb, page, raw_web
from tests.test_scrapers_http import make_source

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
LATE = NOW + timedelta(days=2)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with raw_web() as server:
        yield server


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += s(seconds)


def a_client(hosts: object, clock: Clock, **changes: object) -> Client:
    return Client(
        "ops@example.org", allow_loopback=True, attempts=1, hosts=hosts, clock=clock,
        sleep=clock.sleep, resolver=lambda host, port: ["127.0.0.1"], **changes,
    )  # type: ignore[arg-type] # fmt: skip


# ----- pure


def test_turns_follow_one_another_with_their_gap() -> None:
    host, starts = Host("h"), []
    for _ in range(3):
        booking = booked(host, 10, NOW, LATE)
        host = booking.host
        starts.append(booking.start)
    assert starts == [NOW, NOW + s(10), NOW + s(20)]
    assert booked(host, 10, NOW, NOW + s(29)).start is None
    assert booked(host, 10, NOW, NOW + s(29)).host == host  # nothing was booked
    assert booked(host, 10, NOW, NOW + s(30)).start == NOW + s(30)


def test_a_hold_is_kept_and_a_shorter_one_does_not_end_it() -> None:
    host = held(held(Host("h"), 600, NOW), 5, NOW)
    assert booked(host, 1, NOW, LATE).start is None  # nobody sleeps through it
    assert booked(host, 1, NOW + s(596), LATE).start == NOW + s(600)
    assert held(Host("h"), 10**9, NOW).held_until == NOW + timedelta(days=1)


def test_the_fifth_failure_opens_the_circuit_and_each_probe_doubles_the_wait() -> None:
    host, waits, now = Host("h"), [], NOW
    for _ in range(OPENS_AFTER - 1):
        host = failed(host, now)
    assert host.open_until is None
    for _ in range(12):
        host = failed(host, now)
        assert host.open_until is not None
        waits.append((host.open_until - now).total_seconds())
        now = host.open_until
    assert waits[:4] == [60, 120, 240, 480]
    assert waits[-2:] == [LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_one_request_probes_an_open_circuit_and_the_others_wait_for_its_answer() -> None:
    host = Host("h", failures=OPENS_AFTER, open_until=NOW)
    probe = booked(host, 1, NOW, NOW + s(60))
    assert probe.start == NOW
    assert booked(probe.host, 1, NOW, NOW + s(60)).start is None
    # killed while it probed: the next probe comes all the same
    again = NOW + s(PROBE_S)
    assert booked(probe.host, 1, again, again).start == again


def test_a_clock_put_back_does_not_leave_a_host_alone_for_hours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ahead = NOW + timedelta(days=30)
    host = Host("h", free_at=ahead, held_until=ahead, open_until=ahead, failures=9)
    with caplog.at_level(logging.WARNING):
        assert booked(host, 1, NOW, NOW).start == NOW
    assert "clock_went_back" in caplog.text
    three_hours = Host("h", free_at=NOW + timedelta(hours=3))
    assert booked(three_hours, 1, NOW, NOW).start == NOW
    # what can be true is kept
    real = Host("h", held_until=NOW + timedelta(hours=20))
    assert booked(real, 1, NOW, NOW).start is None


def test_our_line_works_when_another_host_answered_lately() -> None:
    line = OwnLine()
    line.works("a", NOW)
    assert not line.works_elsewhere("a", NOW)
    assert line.works_elsewhere("b", NOW)
    line.works("b", NOW)
    line.works("a", NOW)
    assert line.works_elsewhere("a", NOW + s(599))
    assert not line.works_elsewhere("a", NOW + s(601))


# ----- in the store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_the_booking_is_in_the_store_before_the_request_goes_out(
    web: RawWeb, store: Store, tmp_path: Path
) -> None:
    seen: list[Host] = []

    def answer(connection: object) -> None:
        other = Store.open(tmp_path)  # as after a kill -9: only what was committed is there
        seen.append(other.host(f"127.0.0.1:{web.port}"))
        other.close()
        connection.sendall(page())  # type: ignore[attr-defined]

    web.answers["/"] = answer
    a_client(store, Clock(), min_gap_s=7).get(web.url("/"), robots=False)
    assert [one.free_at for one in seen] == [NOW + s(7)]


def test_spacing_and_holds_outlive_the_process(web: RawWeb, store: Store) -> None:
    clock = Clock()
    web.answers["/"] = page(b"slow down", "Retry-After: 300", status="429 Too Many Requests")
    web.answers["/ok"] = page()
    a_client(store, clock, min_gap_s=20).get(web.url("/ok"), robots=False)
    a_client(store, clock, min_gap_s=20).get(web.url("/"), robots=False)
    assert clock.slept == [20.0]
    with pytest.raises(SourceError, match="asked us to wait") as caught:
        a_client(store, clock, min_gap_s=20).get(web.url("/ok"), robots=False)
    assert (caught.value.deferred, caught.value.retry_after_s) == (True, 301)
    assert web.connections == 2
    clock.now += s(300)
    assert a_client(store, clock).get(web.url("/ok"), robots=False).status == 200


def test_a_host_that_is_not_asked_is_no_failure_of_the_source(web: RawWeb) -> None:
    hosts, clock = MemoryHosts(), Clock()
    name = f"127.0.0.1:{web.port}"
    hosts.change_host(name, lambda host: replace(host, held_until=NOW + s(900)))
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    last = Fetch("sample", NOW, FetchOutcome.NEW, etag='"1"')
    fetched, _ = fetch(source, last, NOW, a_client(hosts, clock))
    assert (fetched.outcome, fetched.asked, fetched.status) == (FetchOutcome.FAILED, False, None)
    assert (fetched.permanent, fetched.retry_after_s, fetched.etag) == (False, 901, '"1"')
    assert web.connections == 0


# ----- the circuit, at work


def test_five_bad_answers_close_the_door_and_a_good_one_opens_it(web: RawWeb) -> None:
    hosts, clock = MemoryHosts(), Clock()
    client = a_client(hosts, clock, min_gap_s=0)
    web.answers["/feed"] = page(b"oops", status="500 Internal Server Error")
    for _ in range(OPENS_AFTER):
        assert client.get(web.url("/feed"), robots=False).status == 500
    clock.now += s(0.5)
    with pytest.raises(SourceError, match="failed 5 times in a row") as caught:
        Client(
            "x", allow_loopback=True, hosts=hosts, clock=clock, sleep=clock.sleep, patience_s=5
        ).get(web.url("/other"), robots=False)  # another source, another client, the same host
    assert caught.value.deferred
    assert web.connections == OPENS_AFTER
    clock.now += s(60)
    web.answers["/feed"] = page()
    assert client.get(web.url("/feed"), robots=False).status == 200
    assert hosts.host(f"127.0.0.1:{web.port}").failures == 0
    assert hosts.host(f"127.0.0.1:{web.port}").open_until is None


def test_silence_counts_only_while_our_own_line_works(web: RawWeb) -> None:
    hosts, clock = MemoryHosts(), Clock()
    client = a_client(hosts, clock, min_gap_s=0)
    for _ in range(7):  # nothing listens there, and no other host was heard of
        with pytest.raises(SourceError):
            client.get("http://127.0.0.1:1/", robots=False)
    assert hosts.host("127.0.0.1:1").failures == 0
    web.answers["/"] = page()
    for _ in range(OPENS_AFTER):
        client.get(web.url("/"), robots=False)
        with pytest.raises(SourceError):
            client.get("http://127.0.0.1:1/", robots=False)
    assert hosts.host("127.0.0.1:1").failures == OPENS_AFTER
    assert hosts.host("127.0.0.1:1").open_until == NOW + s(60)


def test_a_second_try_is_booked_like_the_first(web: RawWeb) -> None:
    hosts, clock = MemoryHosts(), Clock()
    web.answers["/reset"] = lambda connection: None  # closes without a word
    client = Client(
        "x", allow_loopback=True, attempts=2, min_gap_s=9, hosts=hosts, clock=clock,
        sleep=clock.sleep,
    )  # fmt: skip
    with pytest.raises(SourceError, match="RemoteProtocolError"):
        client.get(web.url("/reset"), robots=False)
    assert (web.connections, clock.slept) == (2, [9.0])
    impatient = Client(
        "x", allow_loopback=True, attempts=2, min_gap_s=9, hosts=hosts, clock=clock,
        sleep=clock.sleep, patience_s=10,
    )  # fmt: skip
    clock.now += s(100)
    web.answers["/reset"] = lambda connection: None
    with pytest.raises(SourceError) as caught:
        impatient.get(web.url("/reset"), robots=False, min_gap_s=60)
    assert not caught.value.deferred  # it was asked, and failed
    assert web.connections == 3
