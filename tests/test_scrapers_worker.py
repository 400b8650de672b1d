"""A worker reads what strangers send: it may be lost, it may lie, and nothing else comes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ews.model import Source
from scrapers import SourceError, load_source, load_sources, parse
from scrapers.golden import SAMPLE_NOW as NOW
from scrapers.golden import sample_file
from scrapers.mapping import Parsed
from scrapers.worker import Workers, needed
from scrapers.worker_wire import Nonsense, answer, believed, most_of, providers, question
from tests.hostile_kinds import LIES, lie

LINUX = sys.platform.startswith("linux")
BBC = load_source("bbc_world")


def source(kind: str, **options: object) -> Source:
    return replace(BBC, kind=kind, options=options)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Workers of all tests, with kinds that were taken over; lost ones are replaced."""
    with Workers(2, preload="tests.hostile_kinds") as made:
        yield made


def told(workers: Workers, of: Source, body: bytes = b"") -> str:
    """The words of the SourceError that it comes to."""
    with pytest.raises(SourceError) as caught:
        workers.parse(of, body, NOW)
    assert caught.value.message.startswith(f"{of.name}: ")
    assert not caught.value.permanent
    return caught.value.message


# --------------------------------------------------------------------------- the same answer


def test_a_worker_says_of_every_sample_what_the_parser_itself_says(workers: Workers) -> None:
    asked = [one for one in load_sources() if not needed(one)]
    assert {one.kind for one in asked} >= {"rss", "json", "xml", "list"}
    for one in asked:
        body = sample_file(one).read_bytes()
        assert workers.parse(one, body, NOW) == parse(one, body, NOW), one.name


@pytest.mark.torture  # pandas and the model that tells languages: seconds to load
def test_a_worker_with_its_libraries_says_what_the_parser_itself_says() -> None:
    asked = [one for one in load_sources() if needed(one)]
    assert {one.kind for one in asked} >= {"sdmx", "gdelt"}
    with Workers(1) as workers:
        for one in asked:
            body = sample_file(one).read_bytes()
            assert workers.parse(one, body, NOW) == parse(one, body, NOW), one.name


def test_an_error_of_the_parser_keeps_its_words_and_its_kind(workers: Workers) -> None:
    customs = load_source("customs_nitemtrade")
    for of, body in ((BBC, b"<html>blocked</html>"), (customs, b""), (BBC, b"\x00" * 50)):
        with pytest.raises(SourceError) as here:
            parse(of, body, NOW)
        with pytest.raises(SourceError) as there:
            workers.parse(of, body, NOW)
        assert there.value.message == here.value.message
        assert type(there.value) is type(here.value)
        assert (there.value.permanent, there.value.retry_after_s, there.value.status) == (
            here.value.permanent, here.value.retry_after_s, here.value.status,
        )  # fmt: skip


def test_threads_share_the_workers_and_get_their_own_answers(workers: Workers) -> None:
    sources = [one for one in load_sources() if one.kind == "rss"][:6]
    got: dict[str, Parsed] = {}

    def read(one: Source) -> None:
        got[one.name] = workers.parse(one, sample_file(one).read_bytes(), NOW)

    threads = [threading.Thread(target=read, args=(one,)) for one in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(workers.pids()) == 2
    for one in sources:
        assert got[one.name] == parse(one, sample_file(one).read_bytes(), NOW)


# --------------------------------------------------------------------------- lost


def test_a_worker_that_takes_too_long_is_killed_and_replaced(workers: Workers) -> None:
    began = time.monotonic()
    words = told(workers, source("sleep", parse_s=0.3))
    assert "more than 0.3 s to read" in words
    assert time.monotonic() - began < 5
    assert workers.parse(BBC, sample_file(BBC).read_bytes(), NOW).signals


def test_a_worker_that_dies_is_one_failed_turn(workers: Workers) -> None:
    assert "the process that read its answer ended" in told(workers, source("crash"))
    assert workers.parse(BBC, sample_file(BBC).read_bytes(), NOW).signals


@pytest.mark.skipif(not LINUX, reason="address space is limited on Linux only")
def test_a_body_that_wants_more_memory_than_it_may_have_is_told_so(workers: Workers) -> None:
    assert "needed more than 64 MiB to read" in told(workers, source("eat", parse_mib=64))


@pytest.mark.skipif(not LINUX, reason="Landlock and seccomp are of Linux")
def test_a_worker_that_was_taken_over_reaches_nothing(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EWS_A_KEY", "secret")
    parsed = workers.parse(source("escape"), b"", NOW)
    assert parsed.said == ""
    assert parsed.rows == 2, "MALLOC_ARENA_MAX and OPENBLAS_NUM_THREADS are all of its environment"


def test_a_worker_ends_with_its_parent() -> None:
    code = (
        "import sys; from scrapers import worker; w = worker._Worker('', False); w.ready();"
        "print(w.process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not _alive(pid):
            return
        time.sleep(0.02)
    pytest.fail("the worker outlived its parent")


def _alive(pid: int) -> bool:
    """A process that ended and that nobody waited for is not alive."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_those_that_nobody_vouches_for_leave_a_worker_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, at_work = threading.Event(), threading.Semaphore(0)

    def hold(self: Workers, source: Source) -> None:
        at_work.release()
        if not source.trusted:
            held.wait(10)
        raise SourceError(f"{source.name}: held")

    monkeypatch.setattr(Workers, "_taken", hold)
    made = Workers(2)
    guest = replace(BBC, trusted=False)
    threads = [threading.Thread(target=told, args=(made, guest)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert at_work.acquire(timeout=10)
    assert not at_work.acquire(timeout=0.05), "the other two wait"
    assert told(made, BBC) == "bbc_world: held", "and nobody else"
    held.set()
    for thread in threads:
        thread.join()


# --------------------------------------------------------------------------- lies


def test_a_worker_that_read_what_nobody_vouches_for_reads_nothing_else(workers: Workers) -> None:
    body = sample_file(BBC).read_bytes()
    workers.parse(replace(BBC, trusted=False), body, NOW)
    private = workers.pids()[-1]
    workers.parse(BBC, body, NOW)
    assert workers.pids()[-1] != private
    workers.parse(replace(BBC, trusted=False), body, NOW)
    assert workers.pids()[-1] == private
    assert len(workers.pids()) <= 4


def test_a_worker_that_lies_is_a_failed_turn_and_what_is_true_is_believed(workers: Workers) -> None:
    assert "is read again at the next turn" in told(workers, source("lie"), b"id")
    assert len(workers.parse(source("lie"), b"true", NOW).signals) == 1


@pytest.mark.parametrize("name", [name for name in LIES if name != "true"])
def test_a_lie_beyond_its_own_source_is_not_believed(name: str) -> None:
    with pytest.raises(Nonsense):
        believed(BBC, NOW, answer(lie(BBC, name.encode(), NOW)))


@pytest.mark.parametrize("said", [
    b"", b"\n", b"[]\n", b"nonsense\n", b'["end",1,null,"",0]\n', b'["end",-1,null,"",0,false]\n',
    b'["end",1,"2099-01-01T00:00:00+00:00","",0,false]\n', b'["end",true,null,"",0,false]\n',
    b'["observation","fred/price/US/oil","2024-01-01T00:00:00+00:00","2024-01-01T00:00:00+00:00",1,"","recorded"]\n',
    b'["observation","rss/price/US/oil","2024-01-01T00:00:00+00:00","2024-01-01T00:00:00+00:00",NaN,"","recorded"]\n',
    b'["series","rss/price/US/oil","D","kg","another","","","",""]\n', b'["error","x",1,null,null,false]\n',
    b"[" * 60_000 + b"\n", b'["memory","' + b"x" * 70_000 + b'"]\n', b'["memory","x"]\n' * 3_000,
    b'["article"]\n', b'{"article":1}\n', b'[{"a":1}]\n', b'["end",1,null,"",0,false]',
], ids=lambda said: said[:24].decode().strip())  # fmt: skip
def test_what_no_worker_says_is_nonsense(said: bytes) -> None:
    with pytest.raises(Nonsense):
        believed(BBC, NOW, said.splitlines(keepends=True))


def test_a_private_source_stays_untrusted_whatever_its_worker_says() -> None:
    private = replace(BBC, trusted=False)
    (one,) = believed(private, NOW, answer(lie(private, b"true", NOW))).signals
    assert not getattr(one, "trusted", True)


def test_a_feed_may_state_no_series_and_a_table_only_its_own() -> None:
    assert providers(BBC) == {"rss"}
    assert providers(load_source("fred_brent")) == {"fred"}
    assert providers(load_source("customs_items")) == {"customs"}


@pytest.mark.parametrize(
    ("name", "articles", "values"),
    [("bbc_world", 5_000, 0), ("fred_brent", 20_000, 20_000), ("comtrade_preview", 0, 400_000),
     ("ofac_sdn", 5_000, 5_000)],
)  # fmt: skip
def test_a_worker_says_no_more_than_its_source_has_rows(
    name: str, articles: int, values: int
) -> None:
    most = most_of(load_source(name))
    assert (most["article"], most["observation"]) == (articles, values)


def test_a_feed_that_states_a_series_is_not_believed() -> None:
    with pytest.raises(Nonsense, match="more than 0 times series"):
        believed(BBC, NOW, [b'["series","rss/price/US/oil","D","kg","","","","",""]\n'])


def test_what_a_kind_remembers_comes_back_whole() -> None:
    for memory in ("", "한" * 30_000, None):
        said = Parsed([], 3, NOW, "odd", 60, [], memory)
        assert believed(BBC, NOW, answer(said)) == said


def test_a_question_holds_no_key() -> None:
    keyed = replace(BBC, key_env="EWS_KEY", options={"when": datetime(2024, 1, 1, tzinfo=UTC)})
    os.environ["EWS_KEY"] = "s3cret"
    try:
        assert b"s3cret" not in question(keyed, b"", NOW, "", "", {"seconds": 1, "bytes": 1})
    finally:
        del os.environ["EWS_KEY"]
