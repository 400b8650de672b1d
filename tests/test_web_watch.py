"""Vulnerability by command, API and page: the same figures; only analysts change the list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import time_machine

from ews.reports.watch_views import MonthPoint
from ews.watching import turn
from ews.web.watch_drawing import draw_history
from tests.people_home import LATER, Home, cheap_passwords, open_home, parsed_once
from tests.test_web_pages import Balanced
from tests.watch_home import CODES, keep, made_up

PATHS = (
    "/watch", "/watch?wide=1&sort=-kr-tsi", "/watch?item=nosuch", "/watch?sort=beauty",
    "/watch?watched=false&min_score=0.99", "/watch/items/310210", "/watch/changed",
    "/watch/changed?since=2021-03", "/watch/blind-spots", "/watch/list", "/help/watch",
)  # fmt: skip
STATUS = {"/watch?item=nosuch": 404, "/watch?sort=beauty": 400}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        for found in open_home(tmp_path_factory.mktemp("watch")):
            end = LATER.replace(day=1)
            keep(found.store, made_up(until=f"{end:%Y-%m}"))
            turn(found.store, LATER)
            yield found


def test_command_api_and_page_give_the_same_figures(home: Home) -> None:
    asks = home.api(None)
    code, printed = home.ews("watch", "table", "--limit", "50", "--json")
    told = json.loads(printed)
    asked = asks.get("/api/v1/watch").json()
    assert code == 0
    assert told == asked
    assert told["matched"] == len(CODES)
    html = asks.get("/watch?lang=en").text
    for line in told["lines"]:
        assert f"<strong>{line['score']:.3f}</strong>" in html
    item = json.loads(home.ews("watch", "item", "urea", "--json")[1])
    assert item == asks.get("/api/v1/watch/items/urea").json()
    assert f"{item['line']['score']:.3f}" in asks.get("/watch/items/310210").text
    for part in ("changed", "blind-spots", "list"):
        said = json.loads(home.ews("watch", part, "--limit", "20", "--json")[1]) if part != "list" else (
            json.loads(home.ews("watch", part, "--json")[1]))  # fmt: skip
        limit = "" if part == "list" else "?limit=20"
        assert said == asks.get(f"/api/v1/watch/{part}{limit}").json(), part
    changed = asks.get("/api/v1/watch/changed").json()
    assert f"{changed['rises'][0]['rise']:+.3f}" in asks.get("/watch/changed").text
    sheet = asks.get("/api/v1/watch.csv?limit=100&lang=en").text
    assert len(sheet.splitlines()) == 1 + len(CODES)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_pages_read_without_signing_in_in_both_languages(home: Home, lang: str) -> None:
    for path in PATHS:
        answer = home.api(None).get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        assert answer.status_code == STATUS.get(path, 200), path
        parser = Balanced()
        parser.feed(answer.text)
        assert (parser.faults, parser.open) == ([], []), path
        assert answer.text.count("<h1") == 1, path
        assert "style=" not in answer.text
        if path != "/help/watch" and STATUS.get(path, 200) == 200 and "0.99" not in path:
            marked = "합성" if lang == "ko" else "ynthetic"
            assert marked in answer.text or path == "/watch/list", path
        main = answer.text.split("<main")[1].split("<footer")[0]
        # Names in the other language are marked so; citations are in that of their source.
        own = re.sub(r'<(\w+) class="note"[^>]*>.*?</\1>|<[^>]+>', " ", main)
        if lang == "en" and path != "/help/watch":
            assert not re.search("[가-힣]", own), path


def test_headers_sort_and_keep_what_is_asked(home: Home) -> None:
    html = home.api(None).get("/watch?lang=en&watched=false&sort=import_usd").text
    links = [link.replace("&amp;", "&") for link in re.findall(r'<a href="(/watch\?[^"]+)"', html)]
    turned = next(link for link in links if "sort=-import_usd" in link)
    assert "watched=false" in turned
    first = re.search(r"/watch/items/(\d+)", home.api(None).get(turned).text.split("<tbody>")[1])
    least = home.api(None).get("/api/v1/watch?watched=false&sort=-import_usd&limit=1").json()
    assert first is not None
    assert first[1] == least["lines"][0]["item"]["code"]
    assert 'aria-sort="descending"' in html


def test_an_analyst_puts_an_item_on_the_list_by_page_api_and_command(home: Home) -> None:
    asks = home.browser("분석가")
    html = asks.get("/watch/items/851810").text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    sent = {**fields, "note": "speakers"}
    assert (sent["what"], sent["item"]) == ("add", "851810")
    assert asks.post("/watch/list", data={**sent, "form": "x"}).status_code == 403
    assert asks.post("/watch/list", data={**sent, "what": "x"}).status_code == 400
    done = asks.post("/watch/list", data=sent)
    assert done.status_code == 303
    assert "851810" in asks.get(done.headers["location"]).text
    assert asks.post("/watch/list", data={**sent, "key": "another-key"}).status_code == 409
    named = home.api(home.tokens["분석가"])
    body = {"item": "8438.40", "reason": "brewers"}
    assert named.post("/api/v1/watch/list", json=body).json()["entries"][0]["by"] == "분석가"
    assert named.post("/api/v1/watch/list", json=body).status_code == 409
    assert (
        named.post("/api/v1/watch/list", json={"item": "999999", "reason": "x"}).status_code == 404
    )
    code, said = home.ews("watch", "add", "010121", "--reason", "horses", "--by", "분석가")
    assert (code, "horses" in said) == (0, True)
    assert home.ews("watch", "table", "--item", "010121", "--unwatched")[0] == 1
    for item in ("851810", "010121"):
        assert home.ews("watch", "remove", item, "--reason", "no", "--by", "분석가")[0] == 0
    path = "/api/v1/watch/list/843840/remove"
    assert named.post(path, json={"reason": "no"}).json()["entries"] == []
    assert home.ews("watch", "list")[0] == 1
    acts = [act.note for act in home.store.acts() if act.kind.value == "rules"]
    assert {"speakers", "brewers", "horses"} <= set(acts)


def test_nobody_else_changes_the_list(home: Home) -> None:
    body = {"item": "843840", "reason": "x"}
    assert home.api(None).post("/api/v1/watch/list", json=body).status_code == 401
    for name in ("김공무", "표본인"):
        token = home.tokens[name]
        assert home.api(token).post("/api/v1/watch/list", json=body).status_code == 403
        assert home.ews("watch", "add", "843840", "--reason", "x", token=token)[0] == 2
        assert home.ews("watch", "compute", token=token)[0] == 2
        assert home.ews("watch", "table", "--limit", "1", token=token)[0] == 0
        assert '<form class="ask" method="post"' not in home.browser(name).get("/watch/list").text
    assert home.store.ruleset_at(LATER) is not None


def test_a_wrong_question_is_refused_in_words(home: Home) -> None:
    asks = home.api(None)
    for path in ("?sort=beauty", "?month=x", "?color=red", "?min_score=2", "/changed?since=x"):
        assert asks.get(f"/api/v1/watch{path}").status_code == 400, path
    assert asks.get("/api/v1/watch/items/999999").status_code == 404
    assert asks.get("/api/v1/watch?item=nosuch").status_code == 404
    assert home.ews("watch", "table", "--sort", "beauty")[0] == 2
    assert home.ews("watch", "item", "nosuch")[0] == 1
    code, said = home.ews(
        "watch", "compute", "--month", "2019-01", "--as-of", "2019-02-20", "--json"
    )
    assert (code, said.strip()) == (1, "[]")


def test_the_history_is_drawn_with_its_words_and_gaps() -> None:
    points = [MonthPoint("2024-01", 0.5, 0.8, None, 1.0), MonthPoint("2024-02", None, 0.3, None, 1.0),
              MonthPoint("2024-03", 0.75, 0.8, None, 1.0)]  # fmt: skip
    drawn = draw_history(points, "en")
    assert drawn.count("<circle") == 2
    assert "2024-01 0.50; 2024-03 0.75" in drawn
    assert draw_history(points[:1], "ko") == ""


def test_a_month_that_is_none_is_refused_in_the_readers_language(home: Home) -> None:
    client = home.api(None)
    for path in ("/watch", "/watch/changed", "/watch/blind-spots"):
        page = client.get(path, params={"month": "rubbish"})
        assert (page.status_code, "달이 아닙니다" in page.text) == (400, True), path
        page = client.get(path, params={"month": "rubbish", "lang": "en"})
        assert "is no month" in page.text
    answer = client.get("/api/v1/watch", params={"month": "0001-01"}).json()
    assert (answer["month"], answer["lines"]) == ("0001-01", [])
