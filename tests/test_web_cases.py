"""/cases and its API: who may read and keep which cases, by page and by API, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import ews.web.case_plays as plays
from ews.model import Article, Mention, MentionKind, Phase, Tag, TaggedArticle
from ews.tuning.timeline_rows import Timeline
from graph import Network
from tests.faces_home import NOW
from tests.people_home import Home, cheap_passwords, open_home

STATE = ("김공무", "분석가", "운영자")  # people of the state, and the operator
ROW: dict[str, Any] = {
    "id": "2021-own", "name_ko": "요소 사례", "event_type": "export_restriction",
    "onset": "2021-10-12", "reference_time": "2021-10-12T02:00:00Z", "countries": ["CN"],
    "hs": ["310210"], "severity": 2, "expected_stage": "주의", "links": ["https://example.org/0"],
}  # fmt: skip
TYPED = {
    "id": "2021-typed", "name_ko": "<b>요소</b>", "event_type": "export_restriction",
    "onset": "2021-10-12", "reference_time": "2021-10-12T11:00", "countries": "cn", "items": "urea",
    "severity": "2", "expected_stage": "주의", "links": "https://example.org/urea",
    "queries": "urea&&check", "reaction_date": "2021-11-02", "reaction_who": "부처 회의",
    "reaction_source": "보도자료",
}  # fmt: skip


def reports(home: Home) -> None:
    """Two outlets tell of one thing, and the model of then has read both."""
    title = "China stops urea exports"
    mentions = (Mention(MentionKind.COUNTRY, "CN", 1.0, 0, 5, "China", in_title=True),
                Mention(MentionKind.ITEM, "urea", 1.0, 12, 16, "urea", in_title=True))  # fmt: skip
    with home.store.begin() as tx:
        for number, outlet in enumerate(("First Daily", "Second Daily")):
            url, at = f"https://example.org/{number}", NOW + timedelta(minutes=number)
            article = Article(f"art-{number}", "wire", outlet, url, title, "", "en", at, at,
                              independence=outlet)  # fmt: skip
            tx.save_articles([article])
            tx.save_tagged([TaggedArticle(
                article.id, "then.v1", (Tag("export_restriction", 0.97),), 0.98, Phase.ACTUAL, 2.4,
                mentions, relevance=0.9)], at)  # fmt: skip


class Unread:
    """A model that may not be asked: the tags of the store are enough."""

    version = "unread.v1"

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        raise AssertionError(f"{len(articles)} texts were read again")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch:
        cheap_passwords(patch)
        patch.setattr(plays, "load_classifier", lambda *_: Unread())
        patch.setattr(plays, "build_network", lambda: network)
        for made in open_home(tmp_path_factory.mktemp("cases")):
            reports(made)
            for name in made.tokens:
                made.browser(name)
            added = made.api(made.tokens["분석가"]).post("/api/v1/cases", json={"fields": ROW})
            assert added.status_code == 200, added.text
            yield made
            for client in (*made.clients.values(), *made.browsers.values()):
                client.close()


@pytest.fixture
def urea(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """urea_2021 costs seconds: the analyst's case, which the pipeline plays, stands for it."""
    real = plays.Plays._play

    def play(self: plays.Plays, name: str) -> Timeline:
        found = next(iter(self._kept.values()), None) or real(self, "2021-own")
        return replace(found, name=name, kind="crisis")

    monkeypatch.setattr(plays.Plays, "_play", play)
    return home


def form_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'name="(form|key|alert)" value="([^"]*)"', html))


def alerted(html: str) -> str:
    """The words of what was refused."""
    found = re.search(r'role="alert">(.*?)</div>', html, re.DOTALL)
    return re.sub(r"<[^>]*>", " ", found[1]) if found else ""


# --------------------------------------------------------------------------- reading


def test_everybody_reads_what_is_shipped_and_only_people_of_the_state_what_analysts_keep(
    home: Home,
) -> None:
    for name in (None, *home.tokens):
        client = home.api(home.tokens[name] if name else None)
        listed = {one["id"] for one in client.get("/api/v1/cases").json()["cases"]}
        own = name is not None and home.person(name).role != "firm"
        assert {"urea_2021", "graphite_2023", "quiet_2023w08"} <= listed
        assert ("2021-own" in listed) is own, name
        assert client.get("/api/v1/cases/urea_2021").json()["fields"]["severity"] == 3
        status = 200 if own else 404
        for path in ("/api/v1/cases/2021-own", "/cases/2021-own"):
            assert client.get(path).status_code == status, (name, path)
        assert ("2021-own" in client.get("/cases").text) is own


def test_pages_are_whole_in_both_languages(home: Home) -> None:
    client = home.browsers["분석가"]
    for lang, menu, kept in (("ko", "사례", "남긴 사람"), ("en", "Cases", "Kept by")):
        listed = client.get(f"/cases?lang={lang}").text
        link = "/cases" if lang == "ko" else "/cases?lang=en"
        assert f'<a href="{link}" aria-current="page">{menu}</a>' in listed
        for path in ("/cases", "/cases/urea_2021", "/cases/quiet_2023w08", "/cases/2021-own"):
            html = client.get(f"{path}?lang={lang}").text
            assert len(re.findall("<h1[ >]", html)) == 1, path
            assert " style=" not in html
            assert "<script" not in html
        assert kept in html


def test_an_unknown_case_is_named_with_those_there_are(home: Home) -> None:
    for path in ("/api/v1/cases/nope", "/api/v1/cases/nope/timeline"):
        answer = home.api(None).get(path)
        assert answer.status_code == 404
        assert "urea_2021" in answer.json()["detail"]
        assert "2021-own" not in answer.json()["detail"]
    page = home.api(None).get("/cases/nope")
    assert page.status_code == 404
    assert "사례가 없습니다" in page.text


def test_an_own_case_is_played_from_the_tags_of_the_store_and_says_so(home: Home) -> None:
    found = home.api(home.tokens["김공무"]).get("/api/v1/cases/2021-own/timeline").json()
    assert found["played"]["tags_of_then"] is True
    assert found["played"]["texts"] == 4
    assert found["played"]["models"] == ["lexicon.v1", "then.v1"]
    assert [one["url"] for one in found["known"]] == ["https://example.org/0"]
    raised = [one for one in found["steps"] if one["change"] == "raised"]
    assert [(one["type"], one["of_case"]) for one in raised] == [("export_restriction", True)]
    assert [one["receiver"] for one in raised[0]["told"]] == ["console"]
    said = {"ko": "다시 읽지 않았습니다", "en": "no text was read again"}
    for lang, words in said.items():  # it was played: the page shows it without asking again
        html = home.browsers["김공무"].get(f"/cases/2021-own?lang={lang}").text
        assert words in html
        assert '<svg class="curve moments"' in html
    assert home.api(None).get("/api/v1/cases/2021-own/timeline").status_code == 404


def test_who_was_told_is_for_people_of_the_state_under_a_name(urea: Home) -> None:
    for name in (None, *urea.tokens):
        client = urea.api(urea.tokens[name] if name else None)
        found = client.get("/api/v1/cases/urea_2021/timeline").json()
        told = {one["receiver"] for step in found["steps"] for one in step["told"]}
        html = client.get("/cases/urea_2021?play=1").text
        staff = name is not None and urea.person(name).role != "firm"
        assert told == ({"console"} if staff else set()), name
        assert bool(found["played"]["receivers"]) is staff
        assert any(one["told"] for one in found["reached"]) is staff
        assert ("알린 곳" in html) is staff
        assert ("console" in html) is staff


def test_a_window_with_too_much_to_play_while_a_reader_waits_is_for_the_command_line(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.api(home.tokens["분석가"]).post(
        "/api/v1/cases/2021-own", json={"fields": {"note": "길다"}}
    )
    monkeypatch.setattr(plays, "MOST", 1)
    answer = home.browsers["분석가"].get("/cases/2021-own?play=1")
    assert answer.status_code == 409
    assert "ews case run 2021-own" in answer.text


# --------------------------------------------------------------------------- keeping, by the API


def test_only_analysts_and_operators_keep_cases_by_the_api(home: Home) -> None:
    before = home.dump()
    acts = [("/api/v1/cases", {"fields": {**ROW, "id": "2021-other"}}),
            ("/api/v1/cases/2021-own", {"fields": {"severity": 1}}),
            ("/api/v1/cases/2021-own/withdraw", {})]  # fmt: skip
    for path, body in acts:
        assert home.api(None).post(path, json=body).status_code == 401
        assert home.browsers["분석가"].post(path, json=body).status_code == 401, "a cookie acted"
        for name in ("김공무", "표본인"):
            answer = home.api(home.tokens[name]).post(path, json=body)
            assert answer.status_code == 403, (name, path)
    assert home.dump() == before


def test_a_broken_body_is_refused_in_words_and_nothing_is_kept(home: Home) -> None:
    client, before = home.api(home.tokens["분석가"]), home.dump()
    bad = {**ROW, "id": "2021-bad", "severity": 9, "colour": "red"}
    for body, status, said in (
        ({"fields": bad}, 422, "severity: must be 0, 1, 2 or 3"),
        ({"fields": bad}, 422, "colour: no such field"),
        ({"fields": {"id": "2021-bad"}}, 422, "still missing"),
        ({"fields": "none"}, 422, "fields"),
        ({"field": {}}, 422, "field"),
        ({"fields": ROW}, 409, "already"),
        ({"fields": {**ROW, "id": "urea_2021"}}, 409, "shipped"),
        ({"from_alert": "alr-none", "from_missed": "act-none"}, 400, "not both"),
        ({"from_missed": "act-none"}, 404, "no report of a missed alert"),
    ):
        answer = client.post("/api/v1/cases", json=body)
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    typed = client.post("/api/v1/cases", content="{", headers={"Content-Type": "application/json"})
    assert typed.status_code == 400
    assert home.dump() == before


def test_a_case_is_kept_from_an_alert_changed_and_withdrawn_by_the_api(home: Home) -> None:
    client = home.api(home.tokens["운영자"])
    said = {key: ROW[key] for key in ("name_ko", "reference_time", "severity", "expected_stage")}
    made = client.post("/api/v1/cases", json={
        "from_alert": home.first.id, "fields": {**said, "id": "2021-alert"}}).json()  # fmt: skip
    assert made["added_by"] == "운영자"
    assert made["alert_id"] == home.first.id
    assert made["fields"]["countries"] == ["CN"]
    assert made["fields"]["hs"] == ["310210"]
    assert made["fields"]["matching_items"] == [{"link": "https://example.org/urea"}]
    path = "/api/v1/cases/2021-alert"
    edited = client.post(path, json={"fields": {"severity": 1, "note": "작았다"}}).json()
    assert (edited["fields"]["severity"], edited["fields"]["note"]) == (1, "작았다")
    assert client.post(f"{path}/withdraw", json={}).json()["withdrawn_at"]
    assert client.post(path, json={"fields": {"severity": 2}}).status_code == 404
    listed = client.get("/api/v1/cases", params={"withdrawn": True}).json()["cases"]
    assert "2021-alert" in {one["id"] for one in listed}
    assert "2021-alert" not in client.get("/api/v1/cases").text


# --------------------------------------------------------------------------- keeping, by the page


def test_the_alert_page_leads_analysts_to_a_form_that_its_alert_has_filled_in(home: Home) -> None:
    at = f"/cases?alert={home.first.id}"
    for name in ("김공무", "표본인"):
        client = home.browsers[name]
        assert at not in client.get(f"/alerts/{home.first.id}").text
        assert client.get(at).status_code == 403
        assert "casework" not in client.get("/cases").text
    client = home.browsers["분석가"]
    assert f'<a href="{at}#add">사례로 남기기</a>' in client.get(f"/alerts/{home.first.id}").text
    html = client.get(at).text
    assert form_of(html)["alert"] == home.first.id
    filled = dict(re.findall(r'name="(\w+)" type="[\w-]+" value="([^"]+)"', html))
    assert filled == {"onset": "2021-10-12", "countries": "CN", "items": "urea"}
    assert '<option value="export_restriction" selected>' in html
    assert "https://example.org/urea</textarea>" in html
    assert "javascript:" not in html
    assert client.get("/cases?alert=alr-none").status_code == 404


def test_a_form_is_kept_once_shown_and_withdrawn_with_one_button(home: Home) -> None:
    client = home.browsers["분석가"]
    sent = {**form_of(client.get(f"/cases?alert={home.first.id}").text), **TYPED}
    for _ in range(2):  # a second click keeps nothing more
        answer = client.post("/cases", data=sent)
        assert (answer.status_code, answer.headers["location"]) == (
            303, "/cases/2021-typed?did=added")  # fmt: skip
    case = home.store.case("2021-typed")
    assert case is not None
    assert (case.added_by, case.alert_id) == ("분석가", home.first.id)
    assert case.body["reference_time"] == "2021-10-12T11:00+09:00"
    assert case.body["historical_reaction"] == {
        "date": "2021-11-02", "who": "부처 회의", "source": "보도자료"}  # fmt: skip
    html = client.get("/cases/2021-typed?did=added").text
    assert "사례를 남겼습니다" in html
    assert "&lt;b&gt;요소&lt;/b&gt;" in html
    assert "<b>요소" not in html
    assert "철회하기" not in home.browsers["김공무"].get("/cases/2021-typed").text
    gone = client.post("/cases/2021-typed/withdraw", data=form_of(html))
    assert gone.headers["location"] == "/cases?did=withdrawn"
    assert "2021-typed" not in client.get("/cases").text
    assert client.get("/cases/2021-typed").status_code == 404


def test_what_is_wrong_is_said_by_field_in_the_readers_language_and_what_was_typed_stays(
    home: Home,
) -> None:
    client = home.browsers["분석가"]
    bad = {**TYPED, "id": "No Good", "severity": "", "reaction_source": ""}
    for lang, field, lacks in (
        ("ko", "사례 ID: 영문 소문자", "심각도: 빠졌습니다"),
        ("en", "ID of the case: must be", "Severity: is missing"),
    ):
        own = form_of(client.get(f"/cases?lang={lang}").text)
        answer = client.post(f"/cases?lang={lang}", data={**own, **bad})
        assert answer.status_code == 422
        assert field in alerted(answer.text)
        assert lacks in alerted(answer.text)
        assert '<details class="card" id="add" open>' in answer.text
        for text in ("No Good", "&lt;b&gt;요소&lt;/b&gt;", "2021-10-12T11:00", "부처 회의"):
            assert f'value="{text}"' in answer.text
        assert "urea&amp;&amp;check</textarea>" in answer.text
    taken = client.post("/cases", data={**own, **TYPED, "id": "2021-own"})
    assert taken.status_code == 409
    assert "이미 쓴 이름" in alerted(taken.text)
    assert 'value="부처 회의"' in taken.text
    assert home.store.case("No Good") is None


def test_a_form_that_is_not_of_the_readers_page_keeps_nothing(home: Home) -> None:
    before = home.dump()
    for name in ("김공무", "표본인", "분석가"):
        client = home.browsers[name]
        own = form_of(home.browsers[name].get(f"/alerts/{home.first.id}").text)
        other = form_of(home.browsers["운영자"].get("/cases").text)
        forged = {**TYPED, **(other if name == "분석가" else own), "id": "2021-forged"}
        assert client.post("/cases", data=forged).status_code == 403, name
        assert client.post("/cases/2021-own/withdraw", data=forged).status_code == 403, name
    assert home.api(None).post("/cases", data=TYPED).status_code == 403
    assert home.dump() == before
