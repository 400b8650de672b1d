"""The pages of the situation room: for whom, in both languages, without JavaScript, and what is done
there is done under a name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
import time_machine
from fastapi.testclient import TestClient

from ews.model import ActKind, DeliveryState
from ews.web.help_pages import READERS
from tests.board_home import GONE, Room, open_room
from tests.people_home import LATER, PEOPLE, cheap_passwords, parsed_once
from tests.test_web_pages import Balanced

EVERYBODY = {"/board", "/board?auto=1"}
STAFF = {"/withheld", "/withheld?receiver=ministers", "/decisions", "/silences", "/silences?all=1"}
OPERATORS = {"/outbox", "/audit", "/audit?subject=alr-urea0000000001"}
PAGES = (*sorted(EVERYBODY), *sorted(STAFF), *sorted(OPERATORS))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        yield from open_room(tmp_path_factory.mktemp("room"))


def read(asks: TestClient, path: str, lang: str = "ko") -> str:
    answer = asks.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer.status_code == 200, (path, lang, answer.text[:300])
    return answer.text


# --------------------------------------------------------------------------- for whom


@pytest.mark.parametrize("name", [None, *PEOPLE])
def test_each_page_is_for_whom_it_is_and_the_menu_names_no_other(
    room: Room, name: str | None
) -> None:
    asks = room.home.api(None) if name is None else room.home.browser(name)
    role = PEOPLE[name][0] if name else "open"
    allowed = EVERYBODY | (STAFF if role not in {"open", "firm"} else set())
    allowed |= OPERATORS if role == "operator" else set()
    for path in PAGES:
        assert asks.get(path).status_code == (200 if path in allowed else 403), path
    menu = re.search(r'<nav class="room".*?</nav>', read(asks, "/board"), re.S)
    assert menu
    links = set(re.findall(r'href="([^"]+)"', menu[0])) - {"/people"}
    assert links == {path for path in allowed if "?" not in path}


def test_an_open_reader_sees_no_person_receiver_or_stage_that_waits(room: Room) -> None:
    html = read(room.home.api(None), "/board")
    assert "Ports closed" in html
    for word in ("김공무", "molit", "ministers", "서명 기한", "known here", GONE):
        assert word not in html, word
    assert 'href="/sign-in"' in html


# --------------------------------------------------------------------------- as pages should be


def test_every_page_is_whole_in_both_languages(room: Room) -> None:
    asks = room.home.browser("운영자")
    for path in PAGES:
        for lang in ("ko", "en"):
            html = read(asks, path, lang)
            assert f'<html lang="{lang}">' in html
            assert len(re.findall(r"<h1[ >]", html)) == 1, path
            parser = Balanced()
            parser.feed(html)
            assert (parser.faults, parser.open) == ([], []), path
            assert "<script" not in html
            assert " style=" not in html
            assert "javascript:" not in html


def test_who_cannot_see_colours_or_hears_the_page_learns_the_same(room: Room) -> None:
    asks = room.home.browser("운영장")
    for path in PAGES:
        html = read(asks, path)
        for table in re.findall(r"<table>.*?</table>", html, re.S):
            assert "<caption>" in table, path
            assert re.findall(r"<th (?!scope=)", table) == [], path
            assert table.count("<td data-label") + table.count(" data-label=") > 0, path
        bare = re.sub(r"<label>.*?</label>", "", html, flags=re.S)
        assert not re.findall(r"<(?:input(?! type=\"hidden\")|select|textarea)", bare), path
        levels = [int(n) for n in re.findall(r"<h([1-6])[ >]", html)]
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), (path, levels)
    html = read(asks, "/board")
    stages = re.findall(r'<span class="stage s(\d)">([^<]+)</span>', html)
    assert {(n, text) for n, text in stages} <= {
        ("1", "관심"), ("2", "주의"), ("3", "경계"), ("4", "심각"),
    }  # fmt: skip
    ids = set(re.findall(r' id="([^"]+)"', html))
    assert set(re.findall(r'class="tile[^"]*" href="#([^"]+)"', html)) <= ids


def test_the_page_is_read_again_only_when_asked(room: Room) -> None:
    asks = room.home.browser("김공무")
    assert "Refresh" not in asks.get("/board").headers
    assert asks.get("/board?auto=1").headers["Refresh"] == "60"


def test_titles_from_outside_are_text(room: Room) -> None:
    html = read(room.home.browser("김공무"), "/board")
    assert "taken &lt;b&gt;urea&lt;/b&gt;" in html
    assert "<b>urea" not in html


def test_the_board_says_who_waits_for_what_and_until_when(room: Room) -> None:
    html = read(room.home.browser("서명인"), "/board")
    waiting = re.search(r'<section id="waiting".*?</section>', html, re.S)
    assert waiting
    assert "30분 남음" in waiting[0]  # LATER is half an hour after NOW
    assert f"/alerts/{room.waits.id}#acts" in waiting[0]
    assert "서명인, 운영장" in waiting[0]
    clocks = re.search(r'<section id="clocks">.*?</section>', html, re.S)
    assert clocks
    assert clocks[0].count('class="clock overdue"') == 4
    assert "앞이 보이지 않습니다" in html


def test_a_long_table_says_what_is_left_out(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ews.web.board_pages.SHOWN", 1)
    asks = room.home.browser("운영자")
    board = read(asks, "/board")
    band = re.search(r'<section id="s2".*?</section>', board, re.S)
    assert band
    assert band[0].count("<tr>") == 2  # the heading and one row
    assert "나머지 1건" in band[0]
    assert 'data-figure="caution">2<' in board
    assert "나머지 3건은" in board
    assert "더 오래된" in read(asks, "/outbox")
    assert "건이 더 있습니다" in read(asks, "/decisions")


def test_the_alert_page_shows_the_playbooks_of_stage_and_kind(room: Room) -> None:
    asks = room.home.browser("김공무")
    for lang, words in (("ko", "주의 단계에서"), ("en", "At the stage caution")):
        html = read(asks, f"/alerts/{room.waits.id}", lang)
        steps = re.search(r'<section id="steps">.*?</section>', html, re.S)
        assert steps
        assert words in steps[0]
        assert len(re.findall("<ol", steps[0])) == 2
        assert steps[0].count("<li>") >= 6
    over = read(asks, f"/alerts/{room.home.first.id}")
    assert 'id="steps"' not in over  # it has ended: nothing is left to do first


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_what_the_help_links_to_is_there_and_keeps_the_language(room: Room, lang: str) -> None:
    asks = room.home.browser("운영자")
    for reader in READERS:
        html = read(asks, f"/help/{reader}", lang)
        for at in re.findall(r'<a href="(/[^"]*)"', html.split('class="prose"')[1]):
            assert asks.get(at).status_code == 200, (reader, at)
            assert at.endswith("lang=en") == (lang == "en"), (reader, at)


# --------------------------------------------------------------------------- what is done there


def fields(html: str, action: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', html, re.S)
    assert form
    hidden = r'<input type="hidden" name="(\w+)" value="([^"]*)"'
    return dict(re.findall(hidden, form[0]))


def test_a_letter_is_sent_again_by_an_operator_once_and_it_says_so(room: Room) -> None:
    asks, store = room.home.browser("운영자"), room.home.store
    letters = len(store.dead_letters())
    html = read(asks, "/outbox")
    assert GONE.replace("'", "&#39;") in html
    form = fields(html, "/outbox")
    done = asks.post("/outbox", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/outbox?did=1")
    assert asks.post("/outbox", data=form).status_code == 303  # a second click is no second act
    assert len(store.acts(kinds=[ActKind.RESEND])) == 1
    assert len(store.dead_letters()) == letters - 1
    again = store.delivery(form["notification"])
    assert again is not None
    assert again.state is DeliveryState.NEW
    assert "기록에 남았습니다" in read(asks, "/outbox?did=1")
    fresh = fields(read(asks, "/outbox"), "/outbox") | {"notification": "ntf-none"}
    assert asks.post("/outbox", data=fresh).status_code == 404


def test_a_form_from_elsewhere_or_of_whom_it_is_not_for_does_nothing(room: Room) -> None:
    operator = room.home.browser("운영자")
    form = fields(read(operator, "/outbox"), "/outbox")
    analyst, firm = room.home.browser("분석가"), room.home.browser("표본인")
    before = room.home.dump()
    assert room.home.api(None).post("/outbox", data=form).status_code == 403
    assert analyst.post("/outbox", data=form).status_code == 403
    assert operator.post("/outbox", data={**form, "form": "0" * 64}).status_code == 403
    silence = {**form, "do": "silence", "item": "urea", "hours": "4", "note": "x"}
    assert operator.post("/silences", data={**silence, "form": ""}).status_code == 403
    assert operator.post("/silences", data={**silence, "do": "rules"}).status_code == 400
    assert firm.post("/silences", data=silence).status_code == 403
    assert room.home.dump() == before


def test_a_silence_is_entered_by_names_shown_in_words_and_ended(room: Room) -> None:
    asks, store = room.home.browser("김공무"), room.home.store
    code = fields(read(asks, "/silences"), "/silences")
    typed = {
        **code,
        "do": "silence",
        "item": "요소",
        "country": "중국",
        "hours": "4",
        "note": "회의",
    }
    assert asks.post("/silences", data=typed).status_code == 303
    made = next(s for s in store.silences() if s.reason == "회의")
    assert made.matchers == {"item": "urea", "country": "CN"}
    html = read(asks, "/silences")
    assert "품목: 요소 · 국가: 중국" in html
    end = {**fields(html, "/silences"), "do": "end", "silence": made.id}
    assert asks.post("/silences", data=end).status_code == 303
    assert made.id not in {s.id for s in store.silences(LATER)}
    for wrong, status in (({"item": "no such thing"}, 409), ({"hours": "0"}, 409), ({"note": ""}, 409),
                          ({"item": "", "country": ""}, 409), ({"key": "x"}, 400)):  # fmt: skip
        fresh = {**typed, **fields(read(asks, "/silences"), "/silences"), "do": "silence", **wrong}
        assert asks.post("/silences", data=fresh).status_code == status, wrong


def test_a_planned_event_is_for_analysts_and_has_a_title_and_an_end(room: Room) -> None:
    asks = room.home.browser("분석가")
    code = fields(read(asks, "/silences"), "/silences")
    plan = {**code, "do": "plan", "title": "운하 정비", "chokepoint": "suez",
            "from": "2021-10-13", "until": "2021-10-20"}  # fmt: skip
    done = asks.post("/silences", data=plan)
    assert done.status_code == 303, done.text
    made = next(s for s in room.home.store.silences() if s.title == "운하 정비")
    assert made.planned
    assert (made.ends_at - made.starts_at).days == 8  # both days are included
    official = room.home.browser("김공무")
    assert "예정된 일 넣기" not in read(official, "/silences")
    mine = {**plan, **fields(read(official, "/silences"), "/silences"), "do": "plan"}
    assert official.post("/silences", data=mine).status_code == 403


def test_the_audit_page_shows_the_newest_rows_of_a_subject(room: Room) -> None:
    html = read(room.home.browser("운영자"), f"/audit?subject={room.taken.id}")
    assert "김공무" in html
    seq, head = room.home.store.audit_head()
    assert f"{seq}:{head}" in html
