"""The page of sources as a tired operator, a stranger and an attacker's feed would see it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ews.config import load_settings
from ews.model import Circuit
from ews.own_sources import kept_sources
from ews.reports.people import add_person, give_token
from ews.reports.sessions import sign_in_by_token
from ews.storage import Store
from ews.web import create_app
from tests.people_home import doing, without_waiting
from tests.sources_home import FAILED, HOUR, LOUD, NOW, OFF, STALE, open_sources_home
from tests.test_web_pages import Balanced


@dataclass
class Room:
    """One application for all questions, whoever asks and whenever."""

    store: Store
    app: FastAPI
    tokens: dict[str, str]
    now: list[datetime]

    def asks(self, name: str = "") -> TestClient:
        """A program with the token of that person; nobody's without a name."""
        found = TestClient(self.app)
        if name:
            found.headers["Authorization"] = f"Bearer {self.tokens[name]}"
        return found

    def browser(self, name: str) -> TestClient:
        found = TestClient(self.app, base_url="https://testserver", follow_redirects=False)
        found.cookies.set("ews_viewer", sign_in_by_token(self.store, self.tokens[name], NOW))
        return found


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("sources")
    for store in open_sources_home(folder, private=4):
        without_waiting(store)
        boss = add_person(store, doing("first"), "운영자", "operator")
        add_person(store, doing("second", boss), "분석가", "analyst")
        tokens = {
            name: give_token(store, doing(f"token {name}", boss), name)[0]
            for name in ("운영자", "분석가")
        }
        yield opened(folder, store, tokens)


def opened(folder: Path, store: Store, tokens: dict[str, str]) -> Room:
    now = [NOW]
    app = create_app(load_settings(folder), store, clock=lambda: now[0])
    return Room(store, app, tokens, now)


@pytest.fixture(scope="module")
def client(room: Room) -> TestClient:
    return room.asks()


def part(html: str, begin: str) -> str:
    """The section of a page that begins with this heading."""
    return html.split(begin, 1)[1].split("</section>", 1)[0]


PATHS = ("/sources", "/sources?sort=name&offset=150",
         "/sources?q=nothing-at-all", "/sources?state=dead",
         "/sources/yonhap_economy", "/sources/aljazeera", "/sources/own_nasty", f"/sources/{OFF}")  # fmt: skip


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_pages_are_whole_in_both_languages(client: TestClient, lang: str) -> None:
    for path in PATHS if lang == "ko" else ("/sources", "/sources/yonhap_economy"):
        answer = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        assert answer.status_code == (400 if "state=dead" in path else 200), path
        parser = Balanced()
        parser.feed(answer.text)
        assert (parser.faults, parser.open) == ([], []), path
        assert answer.text.count("<h1") == 1, path
        assert " style=" not in answer.text, path
        assert "<script" not in answer.text, path
        headings = len(re.findall(r'<th scope="col"', answer.text))
        assert headings or "q=nothing" in path or "state=dead" in path or "own_nasty" in path, path


def test_what_is_dead_and_what_to_do_stand_before_everything_else(client: TestClient) -> None:
    html = client.get("/sources?lang=en").text
    todo = part(html, "<h2>What to do now</h2>")
    for name in FAILED:
        assert f'href="/sources/{name}?lang=en"' in todo, name
    assert todo.index("aljazeera") < todo.index("scmp_china") < todo.index("bbc_world")
    assert "ews sources resume aljazeera" in todo, "the command can be typed as it stands"
    assert "Its list shrank at once" in todo
    assert "Far less comes than usual" in todo
    assert html.index("What to do now") < html.index('id="list"')
    rows = part(html, 'id="list"').split("<tbody>")[1].split("<tr>")[1:]
    states = [re.findall(r'class="state (\w+)"', row)[0] for row in rows]
    assert states[: len(FAILED) + 1] == ["failing"] * len(FAILED) + ["stale"]
    assert len(rows) == 50, "the rest is a page further"


def test_where_nobody_asks_that_is_the_first_thing_to_mend(room: Room) -> None:
    room.now[0] = NOW + timedelta(days=5)
    try:
        html = room.asks().get("/sources?lang=en").text
        one = room.asks().get("/api/v1/sources/yonhap_economy").json()
    finally:
        room.now[0] = NOW
    todo = part(html, "<h2>What to do now</h2>")
    assert todo.index("see that `ews run` is running") < todo.index("aljazeera")
    assert "Most sources are silent since" in html
    assert [a["code"] for a in one["source"]["advice"]] == ["late"], "its silence is our own"
    assert [line["subject"]["code"] for line in one["dark"]] == ["all"]


def test_page_sheet_and_api_count_alike(client: TestClient) -> None:
    told = client.get("/api/v1/sources").json()
    html = client.get("/sources?lang=en").text
    tiles = dict(re.findall(r'state=(\w+)&(?:amp;)?lang=en#list"><span class="figure">(\d+)', html))
    assert {state: int(n) for state, n in tiles.items()} == told["states"]
    assert told["count"] == len(told["sources"]) == sum(told["states"].values())
    assert sum(group["count"] for group in told["groups"]) == told["count"]
    assert f"{told['blind']} of the {told['on']} sources" in html
    rows = list(
        csv.reader(client.get("/api/v1/sources.csv?lang=en").text.lstrip("\ufeff").splitlines())
    )
    assert len(rows) == told["count"] + 1
    by_name = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    for line in told["sources"]:
        assert by_name[line["name"]]["state"].startswith(
            line["state"][:3] if line["state"] != "never" else "not"
        )
    assert by_name["etnews"]["what_to_do"].startswith("Far less")
    assert by_name["own_nasty"]["title"].startswith("'="), "no spreadsheet runs a title"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=stale", {STALE}),
        ("todo=gone", {"aljazeera"}),
        ("group=policy&state=failing", {"ofac_sdn"}),
        ("country=hk&state=blind", {"scmp_china"}),
        ("q=YONHAP economy", {"yonhap_economy"}),
        ("private=true&q=nasty", {"own_nasty"}),
        ("language=id", {"google_news_indonesia"}),
    ],
)
def test_the_list_is_narrowed(client: TestClient, query: str, names: set[str]) -> None:
    found = client.get(f"/api/v1/sources?{query}").json()
    assert {line["name"] for line in found["sources"]} == names
    assert found["count"] > 170, "what all do is told whatever was asked"
    html = client.get(f"/sources?{query}").text
    listed = re.findall(r'<a href="/sources/(\w+)"><bdi>', html)
    assert set(listed) == names


def test_a_question_that_makes_no_sense_is_told_beside_the_form(client: TestClient) -> None:
    for query in ("state=dead", "group=gossip", "sort=beauty", "todo=nothing"):
        assert client.get(f"/api/v1/sources?{query}").status_code == 400
    answer = client.get("/sources?state=dead")
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert client.get("/sources?colour=red").status_code == 400
    assert client.get("/api/v1/sources/nosuch").status_code == 404
    broken = client.get("/api/v1/sources/own_broken")
    assert (broken.status_code, "publisher" in broken.json()["detail"]) == (404, True)


def test_a_broken_folder_is_shown_with_what_is_wrong(client: TestClient) -> None:
    html = client.get("/sources").text
    assert "own_broken" in part(html, "읽을 수 없는 수집원 폴더 1곳")
    assert "publisher" in part(html, "읽을 수 없는 수집원 폴더 1곳")


def test_titles_of_strangers_are_text(client: TestClient) -> None:
    for path in ("/sources?q=nasty", "/sources/own_nasty", "/sources/yonhap_economy"):
        html = client.get(path).text
        assert "<script" not in html, path
        assert "<b>" not in html.split("<main")[1], path
        assert LOUD[:50] in unescape(html), path
    html = client.get("/sources/yonhap_economy").text
    assert "javascript:" not in html
    assert html.count("<bdi>") == html.count("</bdi>")
    assert "secret-of-mine" not in client.get("/sources/own_nasty").text, "a reader's own token"
    assert "secret-of-mine" not in client.get("/api/v1/sources").text


def test_one_source_tells_all_that_is_known_of_it(client: TestClient) -> None:
    told = client.get("/api/v1/sources/yonhap_economy").json()
    line = told["source"]
    assert (line["state"], line["seen_day"], line["usual_day"]) == ("fresh", 40, 40)
    assert (line["why"], line["learnt_s"]) == ("history", 2 * line["every_s"])
    assert told["host"]["held_until"] is not None
    assert "yonhap_market" in told["host"]["sources"]
    assert len(told["texts"]) == 20
    assert [text["trusted"] for text in told["texts"][:3]] == [True, False, True]
    assert [day["turns"] for day in told["days"]].count(0) == 2, "a day nobody asked, and today"
    assert told["bodies"] is None, "kept bodies are for operators"
    html = client.get("/sources/yonhap_economy?lang=en").text
    assert "asked us to wait until" in html
    assert html.count('<g class="day') == len(told["days"]) - 2
    assert "usually 40 a day" in html
    assert "unverified" in html
    gone = client.get("/sources/aljazeera?lang=en").text
    assert "ews sources resume aljazeera" in gone
    moved = client.get("/sources/nhc?lang=en").text
    assert "correct url in source.toml to https://new.example.org/feed" in moved


def test_bodies_are_saved_by_operators_and_never_shown(room: Room) -> None:
    at = (NOW - HOUR).isoformat().replace("+", "%2B")
    path = f"/sources/yonhap_economy/raw?at={at}&page=0"
    for other in (room.asks(), room.asks("분석가")):
        assert other.get(path).status_code == 403
        assert "/raw?" not in other.get("/sources/yonhap_economy").text
    operator = room.asks("운영자")
    answer = operator.get(path)
    assert answer.content == b"<rss><script>1</script></rss>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    link = re.findall(
        r'href="(/sources/yonhap_economy/raw[^"]+)"', operator.get("/sources/yonhap_economy").text
    )
    assert operator.get(unescape(link[0])).content == answer.content
    assert operator.get(f"/sources/yonhap_economy/raw?at={at}&page=7").status_code == 404
    assert operator.get("/sources/yonhap_economy/raw?at=yesterday").status_code == 400


def sent(browser: TestClient, name: str, **fields: str) -> int:
    code = re.findall(r'name="form" value="(\w+)"', browser.get(f"/sources/{name}").text)
    return browser.post(f"/sources/{name}", data={"form": code[0], **fields}).status_code


def test_operators_decide_on_the_page_and_it_stands_in_the_audit(room: Room) -> None:
    browser, store = room.browser("운영자"), room.store
    assert sent(browser, "bbc_asia", do="off") == 303
    assert not kept_sources(store).named("bbc_asia").enabled
    assert sent(browser, "bbc_asia", do="on") == 303
    assert kept_sources(store).named("bbc_asia").enabled
    assert sent(browser, "gcaptain", do="resume") == 303
    assert store.polling("gcaptain").circuit is Circuit.CLOSED
    assert sent(browser, "own_001", do="promote") == 409, "not without a reason"
    assert sent(browser, "own_001", do="promote", note="항만청이 운영") == 303
    assert kept_sources(store).named("own_001").trusted
    assert sent(browser, "own_001", do="demote", note="잘못 알았음") == 303
    assert sent(browser, "bbc_asia", do="explode") == 400
    done = [(row.who, json.loads(row.body)["done"]) for row in store.audit_rows("own_001")]
    assert done == [("운영자", "promoted"), ("운영자", "demoted")]
    for other, seen in ((browser, True), (room.asks("분석가"), True), (room.asks(), False)):
        html = other.get("/sources/own_001?lang=en").text
        told = other.get("/api/v1/sources/own_001").text
        assert ("promotion taken back" in html, "항만청이 운영" in html + told) == (seen, seen)


def test_nobody_else_switches_a_source(room: Room) -> None:
    for other in (room.asks(), room.asks("운영자"), room.browser("운영자"), room.browser("분석가")):
        assert other.post("/sources/bbc_asia", data={"do": "off"}).status_code == 403
    analyst = room.browser("분석가")
    assert 'method="post"' not in analyst.get("/sources/bbc_asia").text
    code = re.findall(r'name="form" value="(\w+)"', analyst.get("/account").text)[0]
    assert analyst.post("/sources/bbc_asia", data={"form": code, "do": "off"}).status_code == 403
    assert kept_sources(room.store).named("bbc_asia").enabled
