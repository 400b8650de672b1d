"""The tuning page and its API: for whom, what they say, what is saved, and two analysts at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from ews.tuning.rule_tests import own_file
from tests.test_web_pages import Balanced
from tests.tuning_home import LATER, TuningHome, open_tuning_home

RAISE = "rules.caution-dependent.when.probability.raise_at"
CLEAR = "rules.caution-dependent.when.probability.clear_at"
OTHER = "rules.caution-item.when.severity.raise_at"
ASKED = f"/tuning?rule=caution-dependent&{RAISE}=0.7"
PAGES = ("/tuning", ASKED, "/tuning/answer", "/tuning/proposal", "/tuning/history")
API = ("", "/preview", "/propose?most=1", "/history", "/planned", "/diff?before=1&after=1")


@pytest.fixture
def played(tuning_home: TuningHome) -> TuningHome:
    """Read only: what a test saves belongs to `saving`."""
    return tuning_home


@pytest.fixture
def saving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TuningHome]:
    """Nothing was collected there: saving needs rules and people only."""
    yield from open_tuning_home(tmp_path_factory.mktemp("saving"), empty=True)


def fields(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with that action."""
    found = re.search(rf'<form[^>]*action="{re.escape(action)}[^"]*".*?</form>', html, re.S)
    assert found, action
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0])
    return {unescape(name): unescape(value) for name, value in pairs}


def saved(browser: TestClient, query: str, **typed: str) -> int:
    """Save what that query changes, as the form does; the status of the answer."""
    form = fields(browser.get(query).text, "/tuning/save")
    answer = browser.post("/tuning/save", data=form | {"reason": "fewer"} | typed)
    return answer.status_code


# --------------------------------------------------------------------------- for whom


@pytest.mark.parametrize("name", [None, "공무원", "기업인"])
def test_strangers_officials_and_firms_see_neither_page_nor_api_nor_link(
    played: TuningHome, name: str | None
) -> None:
    browser = played.browser(name)
    for path in (*PAGES, *(f"/api/v1/tuning{one}" for one in API)):
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert not re.search('class="knobs"|knob|"rulesets"|"version"', answer.text), path
    assert "/tuning" not in browser.get("/").text
    for path in ("/tuning/save", "/tuning/undo"):
        assert browser.post(path, data={"reason": "x"}).status_code == 403
    assert played.store.ruleset().version == 1  # type: ignore[union-attr]


def test_a_cookie_alone_saves_nothing_by_the_api(played: TuningHome) -> None:
    browser = played.browser("분석가")
    body = {"changes": {RAISE: "0.7"}, "reason": "fewer"}
    assert browser.get("/api/v1/tuning").status_code == 200
    assert browser.post("/api/v1/tuning/save", json=body).status_code == 401
    assert browser.post("/tuning/save", data={RAISE: "0.7", "reason": "x"}).status_code == 403


# --------------------------------------------------------------------------- what it says


def test_every_page_is_whole_in_both_languages(played: TuningHome) -> None:
    browser = played.browser("분석가")
    for path in PAGES:
        for lang in ("ko", "en"):
            answer = browser.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
            assert answer.status_code == 200, (path, answer.text[:300])
            parser = Balanced()
            parser.feed(answer.text)
            assert (parser.faults, parser.open) == ([], []), (path, lang)
            assert not re.search(
                r'<script(?! src="/static/tuning.js" defer></script>)', answer.text
            )
            assert " style=" not in answer.text
            assert "&lt;b&gt;of&lt;/b&gt;" in answer.text or "<b>of" not in answer.text
    html = browser.get(f"{ASKED}&lang=ko").text
    assert "확률이 0.70 이상이면 올리고 0.35 밑으로 내려가면 놓습니다" in html


def test_every_field_and_every_drawing_has_a_name_for_those_who_cannot_see_it(
    played: TuningHome,
) -> None:
    html = played.browser("분석가").get(f"{ASKED}&lang=en").text
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for field in re.findall(r'<(?:input|select)(?![^>]*type="hidden")[^>]*>', html):
        start = html.index(field)
        assert html.rfind("<label", 0, start) > html.rfind("</label>", 0, start), field
    drawings = re.findall(r'<svg class="curve[^>]*>', html)
    assert len(drawings) == 2
    assert all('role="img"' in one and "aria-label=" in one for one in drawings)
    assert html.count("<table") >= 4  # each drawing has a table twin, besides alerts and diff


def test_page_and_api_say_the_same_numbers(played: TuningHome) -> None:
    html = played.browser("분석가").get(f"{ASKED}&budget.산업과=1").text
    said = played.api("분석가").get(
        "/api/v1/tuning/preview", params={"set": [f"{RAISE}=0.7", "budget.산업과=1"]}
    )
    assert said.status_code == 200, said.text
    found = said.json()
    before, after = found["alerts_before"], found["alerts_after"]
    assert before["caution"] > after["caution"]
    assert f'id="per-day">{after["per_day"]:.2f}<' in html
    assert f'id="caution-per-day">{after["caution_per_day"]:.2f}<' in html
    for row in found["receivers"]:
        told = [row[side]["told_per_day"] for side in ("before", "after")]
        assert row["receiver"] in html
        shown = f"{told[0]:.2f} → <strong>{told[1]:.2f}</strong>"
        assert (shown if told[0] != told[1] else f"{told[1]:.2f}") in html
    assert {row["key"] for row in found["diff"]} == {RAISE, "budgets.산업과"}
    for row in found["alerts"]:
        assert row["link"] in html
    assert [e["state"] for e in found["episodes"]] == ["kept"]
    assert found["curve"]["after"]["recall"] == 1.0


def test_the_part_that_a_script_asks_for_is_the_answer_of_the_page(played: TuningHome) -> None:
    browser = played.browser("분석가")
    whole, part = (browser.get(ASKED.replace("/tuning", path)).text
                   for path in ("/tuning", "/tuning/answer"))  # fmt: skip

    def seen(html: str) -> str:
        return re.sub(r'name="key" value="[^"]*"', "", html)

    assert seen(part).strip() in seen(whole)
    dragging = browser.get(ASKED.replace("/tuning", "/tuning/answer") + "&curve=0&loads=0").text
    assert re.findall('data-waits="([a-z]+)"', dragging) == ["curve", "loads"]
    assert 'id="receivers"' not in dragging
    assert '<svg class="curve tuned"' not in dragging


def test_fields_that_say_what_the_rules_say_already_are_no_change(played: TuningHome) -> None:
    browser = played.browser("분석가")
    html = browser.get("/tuning?rule=caution-dependent").text
    form = re.search(r'<form class="knobs".*?</form>', html, re.S)
    assert form
    typed = re.findall(r'<input type="number" name="([^"]+)" value="([^"]*)"', form[0])
    chosen = re.findall(r'<select name="(rules[^"]+)"><option value="1" selected', form[0])
    query = dict(typed) | dict.fromkeys(chosen, "1")
    again = browser.get("/tuning", params=query | {"rule": "caution-dependent"})
    assert again.status_code == 200
    assert 'id="diff"' not in again.text
    switched = browser.get("/tuning", params=query | dict.fromkeys(chosen, "0"))
    assert switched.text.count("<code>rules.caution-dependent.when.named.") == 2


def test_a_change_of_another_rule_is_kept_when_one_picks_a_rule(played: TuningHome) -> None:
    html = played.browser("분석가").get(f"{ASKED}&pick=watch-item").text
    assert f'<input type="hidden" name="{RAISE}" value="0.7">' in html
    assert 'name="rules.watch-item.when.severity.raise_at"' in html


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("nonsense=1", 400, "nonsense"),
        ("from=yesterday", 400, "yesterday"),
        (f"{RAISE}=much", 400, "much"),
        (f"{RAISE}=0.7&{CLEAR}=0.9", 400, "flap"),
        ("budget.nobody=3", 400, "nobody"),
        ("sensitivity.types.no_such=0.5", 400, "no_such"),
        ("base=99", 400, "99"),
        ("base=x", 400, "x"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_beside_the_form(
    played: TuningHome, query: str, status: int, words: str
) -> None:
    answer = played.browser("분석가").get(f"/tuning?{query}")
    assert answer.status_code == status, answer.text[:500]
    assert words in answer.text
    assert "Traceback" not in answer.text


def test_a_store_without_events_says_so_and_what_to_do(saving: TuningHome) -> None:
    html = saving.browser("분석가").get("/tuning").text
    assert 'id="nothing"' in html
    assert "ews replay" in html


# --------------------------------------------------------------------------- proposals


def test_a_proposal_can_be_taken_into_the_form(played: TuningHome) -> None:
    browser = played.browser("분석가")
    html = browser.get("/tuning/proposal?most=0.15&stage=caution").text
    taken = re.search(r'id="take" href="([^"]+)"', html)
    assert taken, html[-3000:]
    page = browser.get(unescape(taken[1])).text
    assert 'id="diff"' in page
    api = played.api("분석가").get("/api/v1/tuning/propose?most=50&stage=주의").json()
    assert (api["met"], api["target"]["most_per_day"]) == (True, 50)
    wrong = browser.get("/tuning/proposal?most=few")
    assert (wrong.status_code, 'id="wrong"' in wrong.text) == (400, True)


# --------------------------------------------------------------------------- saving


def test_a_change_is_saved_with_name_and_reason_and_undone(saving: TuningHome) -> None:
    browser = saving.browser("분석가")
    assert saved(browser, ASKED, name="calmer", reason="too many") == 303
    version = saving.store.ruleset()
    assert version is not None
    assert (version.version, version.name, version.by, version.reason) == (
        2, "calmer", "분석가", "too many",
    )  # fmt: skip
    html = browser.get("/tuning/history?did=saved&version=2").text
    assert "calmer" in html
    assert f"<code>{RAISE}</code>" in html
    form = fields(html, "/tuning/undo")
    undone = browser.post("/tuning/undo", data=form | {"reason": "no"})
    assert undone.status_code == 303
    again = browser.post("/tuning/undo", data=form | {"reason": "no"})
    assert (again.status_code, again.headers["location"]) == (303, undone.headers["location"])
    assert [one.version for one in saving.store.rulesets()] == [1, 2, 3]
    assert saving.store.rulesets()[2].rules == saving.store.rulesets()[0].rules


def test_a_change_is_planned_for_later_and_undone(saving: TuningHome) -> None:
    browser = saving.browser("분석가")
    assert saved(browser, ASKED, at="2023-11-01T09:00") == 409  # past
    assert saved(browser, ASKED, at="2023-11-05T09:00") == 303
    plan = saving.store.ruleset()
    assert plan is not None
    assert plan.in_force_at is not None
    assert plan.in_force_at.isoformat().startswith("2023-11-05T00:00")  # 09:00 in Korea
    html = browser.get("/tuning/history?lang=en").text
    assert 'class="version planned"' in html
    assert "2023-11-05 09:00 KST" in html
    api = saving.api("분석가")
    assert [v["version"] for v in api.get("/api/v1/tuning/planned").json()["versions"]] == [2]
    form = fields(html, "/tuning/undo")
    assert browser.post("/tuning/undo", data=form | {"reason": "no"}).status_code == 303
    assert api.get("/api/v1/tuning/planned").json()["count"] == 0


def test_a_reason_is_needed_and_what_was_typed_stays(saving: TuningHome) -> None:
    browser = saving.browser("분석가")
    form = fields(browser.get(ASKED).text, "/tuning/save")
    answer = browser.post("/tuning/save", data=form | {"reason": " ", "name": "calmer & calm"})
    assert answer.status_code == 409
    assert 'id="refused"' in answer.text
    assert 'value="calmer &amp; calm"' in answer.text
    assert f"<code>{RAISE}</code>" in answer.text


def test_failing_rule_tests_are_shown_and_refuse_the_save(saving: TuningHome) -> None:
    own_file(saving.folder).write_text(
        '[[case]]\nname = "요소는 꼭"\nprobability = 0.6\nrelevance = 0.3\nseverity = 1.0\n'
        'sources = 1\nshare = 0.8\nexpect = "주의"\n',
        "utf-8",
    )
    browser = saving.browser("분석가")
    html = browser.get(ASKED).text
    assert "요소는 꼭" in html
    assert saved(browser, ASKED) == 409
    assert saving.store.ruleset().version == 1  # type: ignore[union-attr]
    body = {"changes": {RAISE: "0.7"}, "reason": "fewer"}
    answer = saving.api("분석가").post("/api/v1/tuning/save", json=body)
    assert answer.status_code == 409
    assert "요소는 꼭" in answer.json()["detail"]
    assert saved(browser, ASKED, force="1", reason="known") == 303
    assert "요소는 꼭" in saving.store.ruleset().reason  # type: ignore[union-attr]


def test_two_analysts_at_once_are_told_who_saved_what_and_keep_what_they_typed(
    saving: TuningHome,
) -> None:
    one, two = saving.browser("분석가"), saving.browser("다른분석가")
    both = f"{ASKED}&{OTHER}=1.5"
    mine = fields(two.get(both).text, "/tuning/save")
    assert saved(one, ASKED.replace("=0.7", "=0.65"), name="theirs", reason="my week") == 303
    answer = two.post("/tuning/save", data=mine | {"reason": "quiet <nights>", "name": "mine"})
    assert answer.status_code == 409
    html = answer.text
    assert 'id="conflict"' in html
    for words in ("분석가", "my week", "theirs", "0.65", "0.7", "quiet &lt;nights&gt;"):
        assert words in html, words
    clash = re.search(rf"<code>{re.escape(RAISE)}</code>.*?</tr>", html, re.S)
    assert clash
    assert "<strong>!" in clash[0]
    links = {name: unescape(re.search(rf'href="([^"]+)" id="{name}"', html)[1])  # type: ignore[index]
             for name in ("apart", "mine", "newest")}  # fmt: skip
    asked = {name: parse_qs(urlsplit(link).query) for name, link in links.items()}
    assert all(one["base"] == ["2"] and one["reason"] == ["quiet <nights>"]
               for one in asked.values())  # fmt: skip
    assert (RAISE in asked["apart"], OTHER in asked["apart"]) == (False, True)
    assert (RAISE in asked["mine"], OTHER in asked["newest"]) == (True, False)
    assert saved(two, links["apart"], reason="quiet") == 303
    newest = saving.store.ruleset()
    assert newest is not None
    when = newest.rules["rules"]["caution-dependent"]["when"]  # type: ignore[index]
    assert when["probability"]["raise_at"] == 0.65
    assert newest.by == "다른분석가"


def test_the_api_saves_once_for_a_key_and_says_who_was_first(saving: TuningHome) -> None:
    api = saving.api("분석가")
    body = {"base_version": 1, "changes": {RAISE: "0.7"}, "reason": "fewer", "name": "calm"}
    first = api.post("/api/v1/tuning/save", json=body, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 200, first.text
    assert (first.json()["version"], first.json()["by"]) == (2, "분석가")
    late = saving.api("다른분석가").post(
        "/api/v1/tuning/save", json=body | {"changes": {OTHER: "1.5"}}
    )
    assert late.status_code == 409
    assert "분석가" in late.json()["detail"]
    rebased = saving.api("다른분석가").post(
        "/api/v1/tuning/save", json=body | {"changes": {OTHER: "1.5"}, "rebase": True}
    )
    assert rebased.json()["version"] == 3
    diff = api.get("/api/v1/tuning/diff?before=1&after=3").json()["diff"]
    assert {row["key"] for row in diff} == {RAISE, OTHER}
    assert api.post("/api/v1/tuning/undo", json={"reason": "no"}).json()["version"] == 4
    naive = body | {"at": "2023-12-01T00:00:00", "base_version": 4}
    assert api.post("/api/v1/tuning/save", json=naive).status_code == 422
    unknown = api.post("/api/v1/tuning/save", json={"reason": "x", "changes": {"no.such": "1"}})
    assert unknown.status_code == 400
    assert LATER.isoformat()[:10] in first.json()["saved_at"]


def test_a_request_that_is_sent_again_is_answered_as_before_and_does_nothing(
    saving: TuningHome,
) -> None:
    api, keyed = saving.api("분석가"), {"headers": {"Idempotency-Key": "lost answer"}}
    undone = {"headers": {"Idempotency-Key": "undo"}}
    body = {"base_version": 1, "changes": {RAISE: "0.7"}, "reason": "fewer"}
    first, again = (api.post("/api/v1/tuning/save", json=body, **keyed) for _ in range(2))  # type: ignore[arg-type]
    assert (again.status_code, again.json()) == (200, first.json())
    other = api.post("/api/v1/tuning/save", json=body | {"reason": "another"}, **keyed)  # type: ignore[arg-type]
    assert other.status_code == 409
    api.post("/api/v1/tuning/save", json=body | {"base_version": 2, "changes": {OTHER: "1.5"}})
    back = [api.post("/api/v1/tuning/undo", json={"reason": "no"}, **undone) for _ in range(2)]  # type: ignore[arg-type]
    assert [one.json()["version"] for one in back] == [4, 4]
    assert api.post("/api/v1/tuning/undo", json={"reason": "no"}, **keyed).status_code == 409  # type: ignore[arg-type]


def test_a_rule_is_made_to_wait_for_a_second_source_on_the_page(saving: TuningHome) -> None:
    browser, key = saving.browser("분석가"), "rules.caution-item.when.corroborated"
    html = browser.get("/tuning?rule=caution-item&lang=en").text
    assert re.search(rf'<select name="{re.escape(key)}.raise_at">.*?value="0" selected', html)
    assert saved(browser, f"/tuning?rule=caution-item&{key}.raise_at=1") == 303
    newest = saving.store.ruleset()
    assert newest is not None
    when = newest.rules["rules"]["caution-item"]["when"]  # type: ignore[index]
    assert when["corroborated"] == {"raise_at": 1.0, "clear_at": 1.0}
    off = f"/tuning?rule=caution-item&{key}.raise_at=0"
    assert saved(browser, off) == 303
    assert saving.store.ruleset().rules == saving.store.ruleset(1).rules  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_number_to_compare_is_refused_with_the_form_as_it_was(
    saving: TuningHome, text: str
) -> None:
    browser = saving.browser("분석가")
    answer = browser.get("/tuning", params={"rule": "caution-dependent", RAISE: text})
    assert (answer.status_code, RAISE in answer.text) == (400, True)


def test_numbers_and_times_beyond_all_bounds_are_refused(saving: TuningHome) -> None:
    api, browser = saving.api("분석가"), saving.browser("분석가")
    huge = "9" * 30
    for path in ("/preview?to=9999-12-31", "/preview?from=0001-01-01", f"?version={huge}",
                 f"/diff?before={huge}&after=1", f"/preview?base={huge}"):  # fmt: skip
        assert api.get(f"/api/v1/tuning{path}").status_code == 400, path
    body = {"changes": {RAISE: "0.7"}, "reason": "fewer"}
    for more in ({"base_version": int(huge)}, {"at": "9999-12-31T23:59:59-12:00"}):
        answer = api.post("/api/v1/tuning/save", json=body | more)
        assert answer.status_code in (400, 422), more
    assert saved(browser, ASKED, at="9999-12-31T23:59:59-12:00") == 409
    assert saved(browser, ASKED, at="0001-01-01T00:00") == 409
