"""KOMIS: asked with a form, which goes through the guarded client; off until its owner agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ews.model import FetchOutcome, Observation
from scrapers import Client, load_source, scrape
from scrapers.conditional import fill_url, form_fields
from scrapers.errors import SourceError
from scrapers.golden import sample_file
from scrapers.kinds import parse

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SOURCE = load_source("komis_neodymium")
SAMPLE = sample_file(SOURCE).read_bytes()


@pytest.fixture(scope="module")
def web() -> Iterator[HTTPServer]:
    with HTTPServer() as server:
        yield server


@pytest.fixture
def client() -> Client:
    return Client("tests", allow_loopback=True, min_gap_s=0)


def here(web: HTTPServer, path: str) -> object:
    options = {**SOURCE.options, "min_gap_s": 0, "robots": "exempt"}
    return replace(SOURCE, url=web.url_for(path), options=options)


def test_the_form_is_posted_with_the_years_of_now(web: HTTPServer, client: Client) -> None:
    got: dict[str, str] = {}

    def answer(request: Request) -> Response:
        got.update(request.form.items(), method=request.method)
        return Response(SAMPLE, content_type="application/json")

    web.expect_request("/price").respond_with_handler(answer)
    fetched, signals = scrape(here(web, "/price"), None, NOW, client)  # type: ignore[arg-type]
    assert fetched.outcome is FetchOutcome.NEW, fetched.error
    assert (got["method"], got["srchStartDate"], got["srchEndDate"]) == ("POST", "2025", "2026")
    assert (got["srchMnrkndUnqCd"], got["srchPrcCrtr"], got["spcfct"]) == (
        "MNRL1001",
        "757",
        "99.5",
    )
    assert {s.series for s in signals if isinstance(s, Observation)} == {
        "komis/price-usd/fob-china/neodymium"
    }


def test_a_form_is_not_sent_on_to_another_address(web: HTTPServer, client: Client) -> None:
    web.expect_request("/moved").respond_with_data("", 302, {"Location": web.url_for("/price")})
    fetched, _ = scrape(here(web, "/moved"), None, NOW, client)  # type: ignore[arg-type]
    assert fetched.outcome is FetchOutcome.FAILED
    assert fetched.permanent
    assert "redirects a form" in (fetched.error or "")


def test_a_day_without_a_price_is_missing() -> None:
    values = [s for s in parse(SOURCE, SAMPLE, NOW).signals if isinstance(s, Observation)]
    assert [(s.observed_at.day, s.value) for s in values] == [(17, 81.5), (19, 82.31), (20, 83.13)]


def test_lists_of_different_length_are_refused() -> None:
    body = json.dumps({"data": {"xaxis": ["2026-11-17"], "series": [{"data": [1, 2]}]}}).encode()
    with pytest.raises(SourceError, match="1 dates and 2 values"):
        parse(SOURCE, body, NOW)
    with pytest.raises(SourceError, match=r"no list at 'data\.series\.0\.data'"):
        parse(SOURCE, b'{"data": {"xaxis": [], "series": []}}', NOW)
    with pytest.raises(SourceError, match="not JSON"):
        parse(SOURCE, b"<html>blocked</html>", NOW)


def test_a_source_without_a_form_is_asked_by_get() -> None:
    assert form_fields(load_source("gscpi"), NOW) is None
    assert not SOURCE.enabled


def test_the_year_and_the_number_of_a_month_can_stand_in_a_url() -> None:
    january = datetime(2026, 1, 31, tzinfo=UTC)
    assert fill_url("{y} {m} {y:-1} {m:-1} {y:-12}", january) == "2026 1 2025 12 2025"
