"""The exposure and what-if pages: one question at a time, nothing passed over, rows as cards."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ews.config import load_settings
from ews.reports import KINDS
from ews.storage import Store
from ews.web import create_app
from ews.web.models import Models
from ews.web.rendering import cards
from tests.faces_home import NOW, make_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder)
    return folder


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    opened = Store.open(home)
    yield TestClient(create_app(load_settings(home), opened, clock=lambda: NOW))
    opened.close()


def test_the_page_has_a_field_for_every_kind_of_question_and_a_date(client: TestClient) -> None:
    html = client.get("/exposure").text
    for name in (*KINDS, "as_of"):
        assert re.search(rf'<input[^>]* ?name="{name}"', html), name


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/exposure?item=urea&country=CN", "exactly one"),
        ("/exposure?itme=urea", "unknown parameter 'itme'"),
        ("/what-if?name=urea&procent=5", "unknown parameter 'procent'"),
        ("/exposure?item=urea&as_of=2021-10-13", "not come yet"),
        ("/exposure?item=urea&as_of=soon", "no date or time"),
        ("/what-if?name=urea&percent=101", "percent: give"),
        ("/api/v1/exposure?item=urea&itme=urea", "unknown parameter"),
        ("/api/v1/exposure.csv?item=urea&horizon=9", "unknown parameter"),
        ("/api/v1/what-if?name=urea&procent=5", "unknown parameter"),
        ("/api/v1/aggregates?as_of=2030-01-01", "not come yet"),
    ],
)
def test_a_question_that_would_be_half_read_is_refused(
    client: TestClient, path: str, said: str
) -> None:
    answer = client.get(f"{path}&lang=en" if path.startswith("/e") else path)
    assert answer.status_code == 400
    assert said in unescape(answer.text)


def test_an_unknown_name_is_told_in_the_readers_language(client: TestClient) -> None:
    korean = client.get("/exposure", params={"industry": "도로화물"})
    assert korean.status_code == 404
    assert "비슷한 이름: 일반 화물자동차 운송업 (49301)" in korean.text
    english = client.get("/exposure", params={"industry": "도로화물", "lang": "en"})
    assert "near: Road freight (49301)" in english.text


def test_a_place_of_which_nothing_was_read_says_so(client: TestClient) -> None:
    assert "읽은 자료가 없습니다" in client.get("/exposure", params={"port": "KRPUS"}).text
    assert "No share of Korea's imports from there was read" in unescape(
        client.get("/exposure", params={"country": "북한", "lang": "en"}).text
    )


def test_the_heading_of_an_event_is_in_the_readers_language_with_its_title_below(
    client: TestClient,
) -> None:
    html = client.get("/exposure?event=evt-urea0000000001").text
    heading = re.search(r"<h1>(.*?)</h1>", html)
    assert heading
    assert "수출통제 · 요소 · 중국" in heading[1]
    assert "원래 제목" in html


def test_ways_and_what_passes_a_strait_are_marked_assumed(client: TestClient) -> None:
    html = client.get("/exposure?item=lng").text
    ways = re.findall(r"<li>.*?</li>", html[html.index("어느 길로") :], re.DOTALL)
    assert ways
    assert all("(가정)" in way for way in ways if "→" in way)
    assert re.search(r"호르무즈 해협 [\d.]+ % \(가정\)", html)


def test_cells_say_their_column_and_hold_markup_of_no_feed() -> None:
    table = (
        '<table><thead><tr><th scope="col">Who &amp; what</th><th scope="col"></th></tr></thead>'
        '<tbody><tr><td>a</td><td class="num">&lt;td&gt;</td></tr></tbody></table>'
    )
    assert cards(table).count("data-label") == 1
    assert '<td data-label="Who &amp; what">a</td><td class="num">&lt;td&gt;</td>' in cards(table)


class Asked(str):
    """A question that tells when another one is held against it."""

    __slots__ = ()
    met = threading.Event()

    def __eq__(self, other: object) -> bool:
        Asked.met.set()
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_those_who_ask_the_same_at_once_share_one_run() -> None:
    models, found, runs = Models(at_once=2), [], []
    Asked.met.clear()

    def compute() -> str:
        runs.append("run")
        assert Asked.met.wait(10)  # until the second has asked
        return "answer"

    threads = [
        threading.Thread(target=lambda q=Asked("urea"): found.append(models.run(q, compute)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (found, runs) == (["answer", "answer"], ["run"])


def test_no_more_runs_at_once_than_there_is_room_for() -> None:
    models, lock = Models(at_once=2), threading.Lock()
    running, most, full = 0, 0, threading.Barrier(2)

    def compute() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        full.wait(10)  # two are inside together
        with lock:
            running -= 1

    threads = [threading.Thread(target=models.run, args=(n, compute)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (running, most) == (0, 2)


def test_a_run_that_fails_fails_for_all_who_wait_and_may_be_asked_again() -> None:
    models = Models(at_once=1)

    def broken() -> str:
        raise ValueError("no such thing")

    for _ in range(2):
        with pytest.raises(ValueError, match="no such thing"):
            models.run("a", broken)
    assert models.run("a", lambda: "fine") == "fine"
