"""The pages and the API as a reader, and as an attacker's feed, would see them."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ews.config import load_settings
from ews.reports import Viewer, source_lines
from ews.storage import Store
from ews.web import create_app
from tests.faces_home import NOW, make_home

PAGES = ["/", "/series", "/series/budget", "/exposure", "/exposure?item=urea", "/exposure?country=CN", "/sources", "/rules",
         "/help", "/help/firm", "/help/analyst"]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder)
    return folder


@pytest.fixture(scope="module")
def client(home: Path, store: Store) -> TestClient:
    return TestClient(create_app(load_settings(home), store, clock=lambda: NOW))


def test_every_page_answers_in_both_languages_with_one_heading(client: TestClient) -> None:
    for path in [*PAGES, "/alerts/alr-urea0000000001"]:
        for lang in ("ko", "en"):
            joint = "&" if "?" in path else "?"
            answer = client.get(f"{path}{joint}lang={lang}")
            assert answer.status_code == 200, (path, lang, answer.text[:300])
            assert f'<html lang="{lang}">' in answer.text
            assert len(re.findall(r"<h1[ >]", answer.text)) == 1, path


def test_pages_carry_the_security_headers_and_load_nothing_from_elsewhere(
    client: TestClient,
) -> None:
    for path in [*PAGES, "/api/v1/health", "/static/site.css"]:
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    html = client.get("/alerts/alr-urea0000000001").text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"(?! rel=")', html)
    assert " style=" not in html
    assert " onclick" not in html


def test_text_from_a_feed_is_shown_and_never_markup(client: TestClient) -> None:
    for path in ("/", "/alerts/alr-urea0000000001", "/exposure?item=urea"):
        html = client.get(path).text
        assert "<script" not in html, path
        assert "javascript:" not in html, path
    assert "&lt;script&gt;" in client.get("/").text


def test_links_out_of_the_pages_are_web_links_that_follow_nobody(client: TestClient) -> None:
    html = client.get("/alerts/alr-urea0000000001").text
    assert re.search(r'<a href="https://example.org/urea" rel="noopener nofollow[^"]*"', html)


def test_the_path_is_drawn_from_country_to_ministry_with_weights(client: TestClient) -> None:
    html = client.get("/alerts/alr-urea0000000001?lang=en").text
    drawing = html[html.index('<svg class="paths"') : html.index("</svg>")]
    for kind in ("origin", "item", "use", "industry", "ministry"):
        assert f'class="box {kind}"' in drawing
    assert "97.6 %" in drawing
    assert ">unknown<" in drawing  # an unknown weight is drawn as unknown
    assert 'class="edge inferred"' in drawing


def test_an_unknown_page_says_so_in_words_and_an_unknown_api_path_as_a_problem(
    client: TestClient,
) -> None:
    assert "404" in client.get("/alerts/alr-nothing").text
    assert client.get("/nowhere").status_code == 404
    answer = client.get("/api/v1/alerts/alr-nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "/api/v1/alerts/alr-nothing"
    assert "ews alerts" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("exposure", 400),
        ("exposure?item=urea&country=CN", 400),
        ("exposure?item=nosuchthing", 404),
        ("exposure?firm=표본상사", 404),
        ("exposure?item=urea&as_of=yesterday", 400),
        ("alerts?stage=purple", 400),
        ("alerts?since=soon", 400),
        ("alerts?limit=0", 422),
        ("alerts?state=odd", 422),
        ("events/evt-none", 404),
    ],
)
def test_a_bad_question_is_a_problem_that_says_what_is_wrong(
    client: TestClient, query: str, status: int
) -> None:
    answer = client.get(f"/api/v1/{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


ACTS = (
    "/alerts/{alert_id}/",
    "/missed",
    "/silences",
    "/outbox/{notification_id}/",
    "/cases",
    "/tuning/save",
    "/tuning/undo",
    "/learning/",
    "/watch/list",
)  # what people do; the rest reads


def test_the_api_reads_only_but_for_what_people_do(client: TestClient) -> None:
    for path, methods in client.get("/api/v1/openapi.json").json()["paths"].items():
        acts = path.removeprefix("/api/v1").startswith(ACTS)
        assert set(methods) == {"get"} or (acts and set(methods) <= {"get", "post", "delete"}), path
    assert client.post("/api/v1/alerts").status_code == 405


def test_every_answer_of_the_api_has_a_model(client: TestClient) -> None:
    for path, methods in client.get("/api/v1/openapi.json").json()["paths"].items():
        for method in methods.values():
            content = method["responses"]["200"]["content"]
            if path.endswith(".csv"):
                assert list(content) == ["text/csv"], path
            elif path.endswith(".jsonl"):
                assert list(content) == ["application/jsonl"], path
            elif path.endswith("/dossier"):
                assert set(content) == {"text/markdown", "application/pdf"}, path
            else:
                assert "$ref" in content["application/json"]["schema"], path


def test_the_alert_list_filters_by_stage_and_item(client: TestClient) -> None:
    assert client.get("/api/v1/alerts?stage=주의&item=urea").json()["count"] == 1
    assert client.get("/api/v1/alerts?stage=경계").json()["count"] == 0
    assert client.get("/api/v1/alerts?item=gallium").json()["count"] == 0
    assert client.get("/api/v1/alerts?since=2021-10-13").json()["count"] == 0


def test_an_item_is_asked_by_code_name_or_hs_as_on_the_command_line(client: TestClient) -> None:
    for asked in ("urea", "Urea", "요소", "310210", "3102.10"):
        assert client.get("/api/v1/alerts", params={"item": asked}).json()["count"] == 1, asked
        assert "alr-urea" in client.get("/", params={"item": asked}).text, asked
    for asked in ("nosuchitem", "999999"):
        answer = client.get("/api/v1/alerts", params={"item": asked})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/", params={"item": asked}).status_code == 404


def test_page_and_health_count_the_blind_alike_and_none_that_is_off(
    client: TestClient, store: Store
) -> None:
    lines = {line.name: line for line in source_lines(store, NOW)}
    blind = client.get("/api/v1/health").json()["blind_sources"]
    assert client.get("/api/v1/sources").json()["blind"] == len(blind)
    assert f"{len(blind)} source(s) are blind" in client.get("/?lang=en").text
    assert all(lines[name].state != "off" for name in blind)


def test_a_failed_source_reads_as_blind_not_as_calm(client: TestClient) -> None:
    found = client.get("/api/v1/sources").json()
    one = next(s for s in found["sources"] if s["name"] == "yonhap_economy")
    assert (one["state"], one["blind"], one["last_outcome"]) == ("failing", True, "failed")
    assert client.get("/api/v1/health").json()["status"] == "blind"
    assert "HTTP 503" in client.get("/sources").text


def test_a_firm_sees_its_own_rows_and_nobody_elses(home: Path, store: Store) -> None:
    def asked(viewer: Viewer, path: str) -> str:
        app = create_app(load_settings(home), store, viewer=viewer, clock=lambda: NOW)
        return TestClient(app).get(path).text

    own, other = Viewer("firm", "표본상사"), Viewer("firm", "남의회사")
    for path in ("/api/v1/alerts/alr-urea0000000001/explain", "/api/v1/exposure?item=urea"):
        assert '"firm":"표본상사"' in asked(own, path)
        assert "표본상사" not in asked(other, path)
        assert "표본상사" not in asked(Viewer(), path)
    assert '"share_at_risk":0.9' in asked(own, "/api/v1/exposure?firm=표본상사")
    assert '"status":404' in asked(other, "/api/v1/exposure?firm=표본상사")


def test_a_channel_address_never_reaches_a_page(client: TestClient) -> None:
    for path in ("/alerts/alr-urea0000000001", "/api/v1/alerts/alr-urea0000000001/explain"):
        assert "C-PRIVATE" not in client.get(path).text


def test_a_fault_of_ours_shows_no_inside_and_keeps_the_headers(home: Path, store: Store) -> None:
    def broken_clock() -> datetime:
        raise KeyError("secret inside")

    app = create_app(load_settings(home), store, clock=broken_clock)
    client = TestClient(app, raise_server_exceptions=False)
    for path in ("/sources", "/api/v1/sources"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert "secret inside" not in answer.text
        assert "Content-Security-Policy" in answer.headers


def test_a_page_elsewhere_cannot_reach_us_by_a_name_of_its_own(home: Path, store: Store) -> None:
    app = create_app(load_settings(home), store, hosts=("127.0.0.1",), clock=lambda: NOW)
    assert TestClient(app, base_url="http://127.0.0.1:8765").get("/").status_code == 200
    assert TestClient(app, base_url="http://rebound.example").get("/").status_code == 400


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = frozenset({"meta", "link", "br", "input", "hr", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def test_the_markup_is_well_formed(client: TestClient) -> None:
    for path in [*PAGES, "/alerts/alr-urea0000000001", "/nowhere"]:
        parser = Balanced()
        parser.feed(client.get(path).text)
        assert (parser.faults, parser.open) == ([], []), path


def test_every_table_has_header_cells_and_every_input_a_label(client: TestClient) -> None:
    for path in [*PAGES, "/alerts/alr-urea0000000001"]:
        html = client.get(path).text
        for table in re.findall(r"<table>.*?</table>", html, re.S):
            assert "<th scope=" in table or "<th>" in table, path
        bare = re.sub(r"<label>.*?</label>", "", html, flags=re.S)
        assert not re.findall(r"<(?:input(?! type=\"hidden\")|select)", bare), path
