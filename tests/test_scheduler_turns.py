"""The line of sources: oldest due first, one turn per host, and no host that hangs stops another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ews.model import Circuit, Polling, Source
from ews.turns import Line, Turn, Turns
from tests.source_made import made_source

NOW = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def on(host: str, name: str) -> Source:
    return made_source(name, url=f"https://{host}/{name}")


def due(source: Source, minutes: float) -> Polling:
    return Polling(source.name, next_due=NOW + minutes * MINUTE, url=source.url)


def line(*waiting: tuple[Source, Polling]) -> Line:
    made = Line()
    made.know([one for one, _ in waiting], {p.name: p for _, p in waiting}, NOW)
    return made


def test_the_oldest_due_goes_first_and_a_host_has_one_turn_at_a_time() -> None:
    a, b, c = on("x.org", "a"), on("x.org", "b"), on("y.org", "c")
    made = line((a, due(a, -3)), (b, due(b, -2)), (c, due(c, -1)))
    assert [made.take(NOW), made.take(NOW), made.take(NOW)] == [a, c, None]
    made.done(a, due(a, 10), NOW)
    assert made.take(NOW) == b


def test_ports_and_spellings_of_a_host_are_told_apart_and_together() -> None:
    a, b, c = on("x.org", "a"), on("X.ORG", "b"), on("x.org:8080", "c")
    made = line((a, due(a, -3)), (b, due(b, -2)), (c, due(c, -1)))
    assert [made.take(NOW), made.take(NOW), made.take(NOW)] == [a, c, None]


def test_a_source_that_moved_is_in_line_at_its_new_host() -> None:
    a, b = on("x.org", "a"), on("y.org", "b")
    moved = replace(due(a, -2), moved_to="https://y.org/a", moved_at=NOW)
    made = line((a, moved), (b, due(b, -1)))
    assert [made.take(NOW), made.take(NOW)] == [a, None]


def test_nobody_is_early_and_what_is_gone_is_not_in_line() -> None:
    a, b = on("x.org", "a"), on("y.org", "b")
    made = line((a, due(a, 1)), (b, Polling("b", circuit=Circuit.GONE, url=b.url)))
    assert (made.take(NOW), len(made)) == (None, 1)
    assert made.take(NOW + MINUTE) == a


def test_looking_again_puts_nobody_off_and_takes_up_what_came_and_went() -> None:
    a, b = on("x.org", "a"), on("y.org", "b")
    made = Line()
    made.know([a], {}, NOW)
    for seconds in range(0, 300, 60):
        made.know([a, b], {}, NOW + timedelta(seconds=seconds))
    assert made.take(NOW + MINUTE) == a, "the first turn is within a minute of the first look"
    made.know([b], {}, NOW)
    made.done(a, due(a, 0), NOW)
    later = NOW + timedelta(hours=1)
    assert [made.take(later), made.take(later)] == [b, None], "a was switched off while at work"


def test_a_resumed_source_is_asked_at_the_next_look() -> None:
    a = on("x.org", "a")
    made = line((a, due(a, 600)))
    made.know([a], {"a": due(a, 0)}, NOW)
    assert made.take(NOW) == a


@contextmanager
def running(
    sources: list[Source], turn: Turn, failed: Callable[[Exception], None] = lambda _: None
) -> Iterator[Turns]:
    turns = Turns(turn, lambda: NOW + MINUTE, 4, failed)
    turns.know(sources, {one.name: due(one, 0) for one in sources})
    turns.start()
    turns.tick()
    try:
        yield turns
    finally:
        turns.shut(5)


def test_a_host_that_hangs_holds_its_own_sources_only() -> None:
    hung = [on("slow.org", f"h{n}") for n in range(8)]
    quick = [on(f"q{n}.org", f"q{n}") for n in range(12)]
    free, at_once, most = threading.Event(), list[str](), list[int]()
    done = threading.Semaphore(0)

    def turn(source: Source) -> Polling:
        if source.name.startswith("h"):
            at_once.append(source.name)
            most.append(len(at_once))
            free.wait(10)
            at_once.remove(source.name)
        done.release()
        return due(source, 60)

    with running(hung + quick, turn) as turns:
        for _ in quick:
            assert done.acquire(timeout=5)
        assert turns.shut(0) == ["h0"], "not waited for"
        free.set()
    assert most == [1]


def test_at_a_stop_no_turn_begins_and_those_that_have_begun_are_finished() -> None:
    begun, free, ended = threading.Semaphore(0), threading.Event(), list[str]()

    def turn(source: Source) -> Polling:
        begun.release()
        free.wait(5)
        ended.append(source.name)
        return due(source, 60)

    sources = [on(f"{n}.org", f"s{n}") for n in range(9)]
    with running(sources, turn) as turns:
        for _ in range(4):
            assert begun.acquire(timeout=5)
        threading.Timer(0.05, free.set).start()
        assert turns.shut(5) == []
    assert len(ended) == 4


def test_an_error_of_ours_is_told_and_the_turn_is_made_again_later() -> None:
    told, tries = threading.Semaphore(0), list[str]()
    errors: list[Exception] = []

    def turn(source: Source) -> Polling:
        tries.append(source.name)
        raise RuntimeError("the disk is full")

    def failed(error: Exception) -> None:
        errors.append(error)
        told.release()

    with running([on("x.org", "a")], turn, failed) as turns:
        assert told.acquire(timeout=5)
        turns.tick()
    assert (tries, len(errors)) == (["a"], 1), "not again at once"


def test_those_that_nobody_vouches_for_leave_turns_to_the_others() -> None:
    made = Line(unvouched=2)
    guests = [replace(on(f"g{n}.example", f"guest{n}"), trusted=False) for n in range(4)]
    own = on("own.example", "own")
    waiting = [*((one, due(one, -2)) for one in guests), (own, due(own, -1))]
    made.know([one for one, _ in waiting], {p.name: p for _, p in waiting}, NOW)
    assert [made.take(NOW) for _ in range(4)] == [guests[0], guests[1], own, None]
    made.done(guests[0], due(guests[0], 1), NOW)
    assert made.take(NOW) == guests[2]
