"""`ews sources ...`: a source from a URL to trusted, at a terminal and for a program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner, Result

from ews.cli import app
from ews.config import Settings
from ews.model import Article, Circuit, Polling, Raw, Source
from ews.own_sources import Known, digest_of, kept_sources, read_sources
from ews.reports import add_viewer
from ews.storage import Store
from scrapers import Client, SourceError, load_source, parse
from scrapers.collected import vouched
from scrapers.mapping import Parsed
from scrapers.opml import write_opml
from tests.empty_store import migrated

FEED = "port_news"
TOKEN = "analyst-of-the-tests-0123456789"
Run = Callable[..., Result]


class Here:
    """Reads in this process: the worker has tests of its own, and takes a second to start."""

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None: ...

    parse = staticmethod(parse)


def feed(count: int = 6) -> bytes:
    now = datetime.now(UTC)
    items = "".join(
        f"<item><title>부산항 하역 중단 {n}</title><link>https://example.org/{n}</link>"
        f"<pubDate>{format_datetime(now - timedelta(hours=n + 1))}</pubDate></item>"
        for n in range(count)
    )
    return f'<rss version="2.0"><channel><title>항만</title>{items}</channel></rss>'.encode()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def loopback(settings: Settings, store: Store) -> Client:
        return Client(settings.live_contact(), allow_loopback=True, min_gap_s=0, attempts=1)

    monkeypatch.setattr("ews.scheduler.make_client", loopback)
    monkeypatch.setenv("EWS_CONTACT", "ops@ministry.go.kr")
    monkeypatch.setattr("scrapers.worker.Workers", Here)
    (tmp_path / "ews.db").write_bytes(migrated())

    def call(*words: str, lang: str = "en") -> Result:
        return CliRunner().invoke(app, ["sources", *words, "--home", str(tmp_path), "--lang", lang])

    return call


@pytest.fixture
def url(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request("/rss").respond_with_data(feed(), content_type="application/rss+xml")
    return httpserver.url_for("/rss")


def known(home: Path) -> Known:
    store = Store.open(home)
    try:
        return read_sources(home, store)
    finally:
        store.close()


def test_from_a_url_to_a_source_that_is_tested_asked_and_promoted(
    run: Run, url: str, tmp_path: Path
) -> None:
    done = run("new", FEED, "--url", url)
    assert done.exit_code == 0, done.output
    assert "CHECK" in (tmp_path / "sources" / FEED / "source.toml").read_text("utf-8")
    assert run("new", FEED, "--url", url).exit_code == 2
    for words in ((), ("--live",)):
        seen = run("test", FEED, *words)
        assert seen.exit_code == 0, seen.output
        assert "부산항 하역 중단 1" in seen.stdout
        assert "unverified source" in seen.stdout
        assert "not as expected" not in seen.stdout
    assert "no body is kept" in run("raw", FEED).stdout
    assert "확인되지 않은 출처" in run(FEED, lang="ko").stdout
    assert "(unverified source)" in run().stdout
    assert not known(tmp_path).named(FEED).trusted

    assert run("promote", FEED, "--by", "kim", "--why", "we know the port").exit_code == 0
    assert known(tmp_path).named(FEED).trusted
    assert "unverified" not in run(FEED).stdout
    store = Store.open(tmp_path)
    (row,) = store.audit_rows(subject=FEED)
    store.close()
    assert (row.kind, row.who, json.loads(row.body)["done"]) == ("source", "kim", "promoted")

    assert run("promote", FEED, "--by", "kim", "--why", "sold", "--undo").exit_code == 0
    assert not known(tmp_path).named(FEED).trusted


def test_a_feed_is_not_asked_twice_and_what_gives_nothing_is_no_success(
    run: Run, url: str, tmp_path: Path, httpserver: HTTPServer
) -> None:
    run("new", FEED, "--url", url, lang="ko")
    assert "누가 내는가" in (tmp_path / "sources" / FEED / "source.toml").read_text("utf-8")
    again = run("new", "other", "--url", url)
    assert (again.exit_code, "port_news reads this feed already" in again.stderr) == (2, True)
    assert "port_news" in run("port_nws").stderr  # a slip of the finger
    file = tmp_path / "sources" / FEED / "source.toml"
    file.write_text(file.read_text("utf-8").replace("min = 1", "min = 30"), "utf-8")
    assert "such an answer counts as failed" in " ".join(run("test", FEED).stdout.split())
    httpserver.clear()
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request("/rss").respond_with_data(feed(0))
    assert run("test", FEED, "--live").exit_code == 1


def test_a_promotion_ends_with_an_edit_of_where_the_texts_come_from(
    run: Run, url: str, tmp_path: Path
) -> None:
    run("new", FEED, "--url", url)
    run("promote", FEED, "--by", "kim", "--why", "known")
    file = tmp_path / "sources" / FEED / "source.toml"
    file.write_text(file.read_text("utf-8").replace("/rss", "/other"), "utf-8")
    assert not known(tmp_path).named(FEED).trusted


def test_what_is_blind_without_a_source_is_part_of_what_was_promoted() -> None:
    plain = load_source("bbc_world")
    wider = replace(plain, covers=("country:CN",))
    assert digest_of(wider) != digest_of(plain)
    assert digest_of(replace(plain, title="Other words")) == digest_of(plain)


def test_a_promotion_needs_a_reason_and_a_private_source(run: Run) -> None:
    assert run("promote", "bbc_world", "--by", "kim", "--why", "x").exit_code == 2
    assert run("promote", "nosuch", "--by", "kim", "--why", "x").exit_code == 1


def test_off_and_on_hold_whatever_the_file_says(run: Run, tmp_path: Path) -> None:
    assert run("off", "bbc_world", "--by", "kim").exit_code == 0
    assert not known(tmp_path).named("bbc_world").enabled
    assert json.loads(run("bbc_world", "--json").stdout)["source"]["state"] == "off"
    run("on", "bbc_world")
    assert known(tmp_path).named("bbc_world").enabled


def test_a_source_that_was_given_up_is_asked_again(run: Run, tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save_polling(Polling("bbc_world", None, "gone", 3, Circuit.GONE))
    assert run("resume", "bbc_world").exit_code == 0
    again = store.polling("bbc_world")
    store.close()
    assert (again.circuit, again.failures) == (Circuit.CLOSED, 0)
    assert again.next_due is not None


def test_a_broken_folder_is_told_and_stops_no_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sources/bad").mkdir(parents=True)
    (tmp_path / "sources/bad/source.toml").write_text("kind = 1", "utf-8")
    listed = run()
    assert "bbc_world" in listed.stdout
    assert "sources/bad/source.toml" in listed.stdout
    assert "is missing" in run("test", "bad").output


def test_pages_know_private_sources_from_the_store_alone(
    run: Run, url: str, tmp_path: Path
) -> None:
    run("new", FEED, "--url", url)
    run()
    store = Store.open(tmp_path)
    assert kept_sources(store).named(FEED).url == url
    store.close()


def test_feeds_come_from_a_readers_list_and_go_back(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text(
        "<opml version='1.0'><body><outline text='g'>"
        f"<outline text='BBC' xmlUrl='{load_source('bbc_world').url}'/>"
        "<outline text='Port Journal' language='en' xmlUrl='https://port.example.org/rss'/>"
        "<outline text='Evil' xmlUrl='javascript:alert(1)'/></outline></body></opml>", "utf-8",
    )  # fmt: skip
    done = run("import", str(file))
    assert done.exit_code == 0, done.output
    assert "there already: BBC (bbc_world)" in done.stdout
    assert "left out: Evil" in done.stdout
    own = known(tmp_path).named("port_journal")
    assert (own.trusted, own.lang, own.tier) == (False, "en", 4)
    assert run("import", str(file)).exit_code == 1
    out = tmp_path / "out.opml"
    result = CliRunner().invoke(
        app, ["sources", "export", "--home", str(tmp_path), "--out", str(out)]
    )
    assert result.exit_code == 0
    assert b"https://port.example.org/rss" in out.read_bytes()
    assert out.read_bytes().count(b"xmlUrl") == write_opml(known(tmp_path).sources, "", "").count(
        b"xmlUrl"
    )


def test_what_no_worker_can_read_is_read_by_nobody_else(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(source: Source, *_: object) -> Parsed:
        raise SourceError(f"{source.name}: the process that read its answer ended")

    monkeypatch.setattr(Here, "parse", staticmethod(lost))
    done = run("new", FEED, "--url", url)
    assert "the process that read its answer ended" in " ".join(done.stdout.split())
    assert done.exit_code == 1
    assert not (tmp_path / "sources" / FEED).exists()  # nothing of it was recognised
    other = url.replace("/rss", "/rss?2")
    file = tmp_path / "list.opml"
    file.write_text(f'<opml version="2.0"><body><outline xmlUrl="{other}"/></body></opml>', "utf-8")
    (added,) = json.loads(run("import", str(file), "--probe", "--json").stdout)["added"]
    assert "ended" in added["note"]


def test_a_page_with_nothing_to_read_is_told_with_exit_1(run: Run, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request("/").respond_with_data("<html><body>hi</body></html>")
    done = run("new", "nothing_here", "--url", httpserver.url_for("/"))
    assert done.exit_code == 1
    assert "a web page" in done.stdout
    assert run("new", "x", "--url", httpserver.url_for("/404")).exit_code == 2


def test_sources_are_chosen_by_country_language_and_who_added_them(run: Run, url: str) -> None:
    run("new", FEED, "--url", url, "--language", "ko")
    everything = json.loads(run("--json").stdout)["sources"]
    for words, fits in (
        (("--country", "kr"), lambda one: one["country"]["code"] == "KR"),
        (("--language", "zh"), lambda one: one["lang"] == "zh"),
        (("--own",), lambda one: one["name"] == FEED),
        (("--shipped", "--country", "JP"),
         lambda one: one["country"]["code"] == "JP" and one["name"] != FEED),
    ):  # fmt: skip
        found = {one["name"] for one in json.loads(run(*words, "--json").stdout)["sources"]}
        assert found == {one["name"] for one in everything if fits(one)}
        assert found


def test_kept_bodies_are_listed_and_written_byte_for_byte(run: Run, tmp_path: Path) -> None:
    assert run("raw").exit_code == 1
    at = datetime(2026, 11, 25, 3, 4, 5, 678, tzinfo=UTC)
    store = Store.open(tmp_path)
    store.save_raws([Raw("bbc_world", at, 0, "https://example.org/", {"etag": "x"}, b"\x00 body")])
    store.close()
    assert "bbc_world" in run("raw").stdout
    assert at.isoformat() in run("raw", "bbc_world").stdout
    out = tmp_path / "body"
    assert run("raw", "bbc_world", "--at", "2026-11-25T03:04:05Z", "--out", str(out)).exit_code == 0
    assert out.read_bytes() == b"\x00 body"
    assert run("raw", "bbc_world", "--at", "2026-11-24T03:04:05Z", "--out", str(out)).exit_code == 1


def test_reparse_shows_first_and_puts_right_when_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, at = load_source("bbc_world"), datetime.now(UTC)
    store = Store.open(tmp_path)
    store.save_raws([Raw(source.name, at, 0, source.url, {}, feed(2))])

    def reparse(*words: str) -> Result:
        return CliRunner().invoke(app, ["reparse", *words, "--home", str(tmp_path), "--lang", "en"])

    shown = reparse("bbc_world")
    assert (shown.exit_code, store.counts("articles")) == (1, {"articles": 0})
    assert "부산항 하역 중단 0" in shown.stdout
    assert reparse("--apply", "--by", "kim").exit_code == 0
    assert store.counts("articles") == {"articles": 2}
    told = json.loads(reparse("--json").stdout)
    assert (told[0]["same"], told[0]["new"]) == (2, 0)
    assert [row.who for row in store.audit_rows(subject=source.name)] == ["kim"]
    store.close()


def test_an_analyst_may_add_and_try_sources_but_not_promote_one(
    run: Run, url: str, tmp_path: Path
) -> None:
    run("new", FEED, "--url", url)
    store = Store.open(tmp_path)
    add_viewer(store, TOKEN, "analyst", None, "an", datetime.now(UTC))
    store.close()

    def asks(*words: str) -> Result:
        return CliRunner().invoke(app, ["--as", TOKEN, "sources", *words, "--home", str(tmp_path)])

    assert asks("test", FEED).exit_code == 0
    assert asks().exit_code == 0
    for words in (("promote", FEED, "--by", "an", "--why", "x"), ("off", FEED), ("resume", FEED)):
        assert "not for a viewer" in asks(*words).output
    assert not known(tmp_path).named(FEED).trusted


def test_an_unverified_text_never_takes_the_place_of_a_newsrooms(tmp_path: Path) -> None:
    """A private source that repeats a newsroom's link and title must not swallow its article."""
    source, at = load_source("bbc_world"), datetime.now(UTC)
    theirs = parse(source, feed(1), at).signals
    ours = vouched(replace(source, name=FEED, trusted=False), parse(source, feed(1), at).signals)
    assert all(isinstance(one, Article) and not one.trusted for one in ours)
    assert {one.id for one in ours}.isdisjoint(one.id for one in theirs)
    assert (
        vouched(source, [replace(one, trusted=False) for one in theirs if isinstance(one, Article)])
        == theirs
    )
    with pytest.raises(SourceError):
        parse(source, b"", at)


def test_the_name_of_a_folder_steers_no_terminal(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "sources" / "\x1b]0;owned\x07"
    folder.mkdir(parents=True)
    (folder / "source.toml").write_text("kind = 1", "utf-8")
    said = run("list").stdout
    assert "owned" in said
    assert "\x1b" not in said
    assert "\x07" not in said
