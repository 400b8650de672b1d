"""Learning and drift by command, API and page: the same answers, for analysts; ratios for officials."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import time_machine

from ews.model import Act, ActKind, Suggestion
from ews.tuning.learning_teaching import gather
from tests.people_home import LATER, Home, cheap_passwords, open_home, parsed_once
from tests.test_web_pages import Balanced
from tests.test_web_tuning import fields

PAGES = ("/learning", "/learning/ratios", "/learning/drift")
API = ("/api/v1/learning", "/api/v1/learning/ratios", "/api/v1/learning/drift",
       "/api/v1/learning/examples.jsonl")  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One alert that an analyst called an opinion, and a report of a missed one."""
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        for found in open_home(tmp_path_factory.mktemp("learning")):
            acts = [
                Act("act-1", ActKind.FALSE_ALARM, "분석가", LATER, "cli", found.first.id, "a word",
                    {"reason": "old_news"}),
                Act("act-2", ActKind.MISSED, "김공무", LATER, "cli", None, "<b>nothing</b> came",
                    {"item": "urea"}),
            ]  # fmt: skip
            for act in acts:
                found.store.save_act(act)
            gather(found.store, LATER)
            yield found


def test_learning_is_for_analysts_and_ratios_for_officials_too(home: Home) -> None:
    for name, open_to in ((None, ()), ("표본인", ()), ("김공무", ("ratios",)), ("분석가", ("",))):
        asks = home.api(home.tokens[name] if name else None)
        for path in (*PAGES, *API):
            may = "" in open_to or any(path.endswith(one) for one in open_to)
            assert asks.get(path).status_code == (200 if may else 403), (name, path)
    assert home.ews("learn", "list", token=home.tokens["김공무"])[0] == 2
    assert home.ews("learn", "ratios", token=home.tokens["김공무"])[0] == 0
    assert home.ews("drift", token=home.tokens["표본인"])[0] == 2


def test_command_api_and_page_give_the_same_answers(home: Home) -> None:
    asks = home.api(home.tokens["분석가"])
    for words, path, code in (
        (("learn", "list"), "", 0), (("learn", "ratios"), "/ratios", 0), (("drift",), "/drift", 0),
    ):  # fmt: skip
        exit_code, printed = home.ews(*words, "--json")
        assert exit_code == code, printed
        assert json.loads(printed) == asks.get(f"/api/v1/learning{path}").json()
    html = home.browser("분석가").get("/learning?lang=en").text
    counts = json.loads(home.ews("learn", "list", "--state", "all", "--json")[1])
    assert f"waiting {counts['waiting']}, accepted {counts['accepted']}" in html
    assert asks.get("/api/v1/learning/ratios").json()["wrong"] == 1


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_pages_are_whole_and_quote_nothing_as_markup(home: Home, path: str, lang: str) -> None:
    answer = home.browser("분석가").get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    parser = Balanced()
    parser.feed(answer.text)
    assert answer.text.count("<h1") == 1
    assert "<b>nothing" not in answer.text
    assert "style=" not in answer.text


def test_a_wrong_question_is_refused_in_words(home: Home) -> None:
    asks = home.api(home.tokens["분석가"])
    assert asks.get("/api/v1/learning?state=maybe").status_code == 400
    assert asks.get("/api/v1/learning/drift?since=2021-10-10&until=2021-10-11").status_code == 400
    assert asks.post("/api/v1/learning/examples/exa-none/accept", json={}).status_code == 404
    assert home.ews("learn", "list", "--state", "maybe")[0] == 2
    assert home.ews("learn", "accept", "exa-none", "--by", "분석가")[0] == 1


def suggested(home: Home, id: str, value: str) -> Suggestion:
    """As `suggest` keeps one, of a report that was missed by a little."""
    facts = {"subject": f"missed:{id}", "base": "3", "rule": "caution-item", "measure": "severity",
             "value": value, "needed": "1.35", "event": "evt-1", "stage": "2", "drops_wrong": "0",
             "drops_right": "0", "drops_unjudged": "0", "gains": "", "per_day_before": "1.00",
             "per_day_after": "1.10"}  # fmt: skip
    changes = {"rules.caution-item.when.severity.raise_at": value}
    one = Suggestion(id, LATER, changes, "missed", facts, ("act-2",))
    home.store.save_suggestion(one)
    return one


def test_a_suggestion_is_shown_rejected_accepted_once_and_met_by_a_conflict(home: Home) -> None:
    assert home.ews("learn", "suggestions", "--stored")[0] == 1
    for id, value in (("sug-a1", "1.3"), ("sug-b2", "1.25"), ("sug-c3", "1.2")):
        suggested(home, id, value)
    asks, api = home.browser("분석가"), home.api(home.tokens["분석가"])
    html = asks.get("/learning?lang=en").text
    assert "1.3 &lt; 1.35" in html
    assert "/tuning?base=3&amp;rule=caution-item" in html
    assert home.ews("learn", "suggestions", "--stored")[0] == 0
    path = "/api/v1/learning/suggestions"
    assert api.post(f"{path}/sug-c3/reject", json={"reason": ""}).status_code == 422
    assert api.post(f"{path}/sug-c3/reject", json={"reason": "no"}).status_code == 200
    form = fields(asks.get("/learning").text, "/learning/suggestion") | {"id": "sug-a1"}
    assert asks.post("/learning/suggestion", data={**form, "do": "accept"}).status_code == 303
    newest = home.store.ruleset()
    assert newest is not None
    assert (newest.version, newest.by, newest.name) == (4, "분석가", "suggestion sug-a1")
    assert api.post(f"{path}/sug-b2/accept", json={}).status_code == 409
    assert api.post(f"{path}/sug-c3/accept", json={}).status_code == 409
    assert home.ews("learn", "accept", "sug-b2", "--by", "김공무")[0] == 2
    states = {one.id: one.state.value for one in home.store.suggestions()}
    assert states == {"sug-a1": "accepted", "sug-b2": "open", "sug-c3": "rejected"}


def test_an_analyst_decides_by_the_page_under_their_name_and_exports(home: Home) -> None:
    asks = home.browser("분석가")
    example = next(one for one in home.store.examples() if one.source == "act-1")
    path = f"/api/v1/learning/examples/{example.id}/accept"
    assert home.api(None).post(path, json={}).status_code == 401
    assert home.api(home.tokens["김공무"]).post(path, json={}).status_code == 403
    html = asks.get("/learning").text
    assert f'value="{example.id}"' in html
    form = fields(html, "/learning/example") | {"id": example.id}
    assert asks.post("/learning/example", data={**form, "form": "x"}).status_code == 403
    assert asks.post("/learning/example", data={**form, "do": "reject"}).status_code == 409
    sent = {**form, "do": "accept", "type1": "price_shock", "relevant": "no"}
    assert asks.post("/learning/example", data=sent).status_code == 303
    assert asks.post("/learning/example", data=sent).status_code == 409
    found = home.store.example(example.id)
    assert found is not None
    assert (found.decided_by, found.labels, found.relevant) == ("분석가", ("price_shock",), False)
    code, lines = home.ews("learn", "export")
    row = json.loads(lines)
    assert (code, row["labels"]) == (0, ["price_shock"])
    assert json.loads(home.ews("learn", "export", "--relevance")[1])["relevant"] == 0.0
    assert lines == home.api(home.tokens["분석가"]).get("/api/v1/learning/examples.jsonl").text
    assert not re.search("title|text", lines)
    assert "price" in home.ews("learn", "show", example.id, "--lang", "en")[1].casefold()
    assert asks.post("/learning/gather", data=form).status_code == 303
    assert home.ews("learn", "missed", "--lang", "en")[0] == 0
