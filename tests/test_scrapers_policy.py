"""Policy notices: one document is told once, refusals are read, keyed sources are off and say why."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ews.model import Article, FetchOutcome
from scrapers.catalog import load_source, load_sources
from scrapers.collect import collect
from scrapers.errors import SourceError
from scrapers.golden import SAMPLE_NOW, read_sample, sample_file
from scrapers.http import Client, Reply
from scrapers.kinds import parse
from scrapers.onward import next_listed
from scrapers.worker_wire import Nonsense, answer, believed

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
KEYED = (
    "kotra_market_news", "kotra_flash_news", "eping_notifications", "opensanctions_targets",
    "reliefweb_disasters", "reliefweb_reports", "gta_interventions",
)  # fmt: skip
MINE = tuple(
    source.name
    for source in load_sources()
    if source.kind in {"list", "episodes"} or "key" in dict(source.options.get("article") or {})  # type: ignore[call-overload]
)


class Served(Client):
    """A client that serves stored bodies by address and remembers what was asked."""

    def __init__(self, bodies: dict[str, bytes], environ: dict[str, str] | None = None) -> None:
        super().__init__("tests@example.org", environ=environ)
        self.bodies, self.asked = bodies, list[str]()

    def get(self, url: str, **_: object) -> Reply:  # type: ignore[override]
        self.asked.append(url)
        return Reply(200, {}, next(b for part, b in self.bodies.items() if part in url), url)


def test_a_document_on_public_inspection_is_not_news_again_when_published() -> None:
    early = {one.id for one in read_sample(load_source("federal_register_inspection")).signals}
    late = {one.id for one in read_sample(load_source("federal_register_bis")).signals}
    assert len(early & late) == 1


def test_documents_of_other_agencies_on_public_inspection_are_left_out() -> None:
    titles = [
        one.title
        for one in read_sample(load_source("federal_register_inspection")).signals
        if isinstance(one, Article)
    ]
    assert len(titles) == 2
    assert not any("Fish" in title for title in titles)


def test_a_correction_is_called_one() -> None:
    titles = [
        getattr(s, "title", "") for s in read_sample(load_source("federal_register_bis")).signals
    ]
    assert "US export control rule (correction): Sample Additions to the Entity List" in titles


def test_pages_are_followed_to_the_last_and_never_to_another_host() -> None:
    source = load_source("federal_register_ita")
    second = "https://www.federalregister.gov/api/v1/documents.json?page=2"
    page = json.loads(sample_file(source).read_text("utf-8"))
    one = json.dumps({**page, "next_page_url": second}).encode()
    other = json.dumps(page).replace("2026-90012", "2026-90099").encode()
    client = Served({"page=2": other, "documents.json": one})
    got = collect(source, None, NOW, client)
    assert (got.fetch.outcome, got.fetch.rows, len(got.signals)) == (FetchOutcome.NEW, 2, 2)
    assert client.asked[1] == second
    with pytest.raises(SourceError, match="not to its own host"):
        next_listed(source, b'{"next_page_url": "https://evil.example/x"}', source.url)


@pytest.mark.parametrize("name", KEYED)
def test_a_keyed_source_is_off_and_says_which_key_it_needs(name: str) -> None:
    source = load_source(name)
    assert not source.enabled
    got = collect(source, None, NOW, Served({}))
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert got.fetch.permanent
    assert str(source.key_env) in (got.fetch.error or "")


@pytest.mark.parametrize("name", ["kotra_market_news", "kotra_flash_news"])
@pytest.mark.parametrize(
    ("code", "words", "permanent"),
    [("22", "calls are used up", False), ("30", "not registered", True), ("31", "expired", True)],
)
def test_a_refusal_that_comes_with_http_200_is_read(
    name: str, code: str, words: str, permanent: bool
) -> None:
    source = load_source(name)
    body = (
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
        f"<returnReasonCode>{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
    )
    client = Served({"apis.data.go.kr": body.encode()}, {"DATA_GO_KR_KEY": "k3y/+="})
    got = collect(source, None, NOW, client)
    assert words in (got.fetch.error or "")
    assert got.fetch.permanent is permanent
    assert "k3y" not in (got.fetch.error or "")
    assert not any("k3y" in raw.url for raw in got.raws)


def test_an_unknown_shape_names_the_missing_field() -> None:
    for name, body in (
        ("eping_notifications", b'{"rows": []}'),
        ("eping_notifications", b'{"items": [{"titel": "x"}]}'),
        ("reliefweb_reports", b'{"data": [{"id": "1", "felder": {}}]}'),
        ("kotra_market_news", b"<response><body><itemList><item><x/></item></itemList></body></response>"),
        ("csl_screening", b"name,list\nA,B\n"),
    ):  # fmt: skip
        with pytest.raises(SourceError, match="the format has changed") as caught:
            parse(load_source(name), body, NOW)
        assert "'" in caught.value.message


def test_the_entity_list_is_told_apart_and_the_sdn_list_is_left_to_ofac() -> None:
    titles = [getattr(s, "title", "") for s in read_sample(load_source("csl_screening")).signals]
    assert any("puts on its export control list (BIS Entity List)" in title for title in titles)
    assert not any("SDN" in title for title in titles)


def test_one_government_is_one_voice() -> None:
    groups = {
        source.independence
        for source in load_sources()
        if source.name.startswith(("federal_register", "ofac", "csl"))
    }
    assert groups == {"us-government"}


def test_a_worker_may_tell_what_these_sources_say() -> None:
    for name in MINE:
        source = load_source(name)
        parsed = read_sample(source)
        heard = believed(source, SAMPLE_NOW, answer(parsed))
        assert [asdict(one) for one in heard.signals] == [asdict(one) for one in parsed.signals], (
            name
        )
        assert heard.memory == parsed.memory


def test_a_worker_tells_what_is_not_believed() -> None:
    source = load_source("ofac_sdn")
    parsed = replace(read_sample(source), refused="suspicious: half of it is gone")
    assert believed(source, SAMPLE_NOW, answer(parsed)).refused == parsed.refused


def test_a_worker_may_not_take_the_id_of_another_sources_text() -> None:
    taken = Article.make_id("bbc_world", "https://bbc.example/1", "A title")
    for name in ("gdacs", "wto_news"):
        source = load_source(name)
        parsed = read_sample(source)
        first = next(one for one in parsed.signals if isinstance(one, Article))
        forged = replace(parsed, signals=[replace(first, id=taken)])
        with pytest.raises(Nonsense, match="an id that is not its text's"):
            believed(source, SAMPLE_NOW, answer(forged))
    unkeyed = load_source("wto_news")
    first = next(one for one in read_sample(unkeyed).signals if isinstance(one, Article))
    forged = replace(read_sample(unkeyed), signals=[replace(first, id="art-k-" + "0" * 16)])
    with pytest.raises(Nonsense):
        believed(unkeyed, SAMPLE_NOW, answer(forged))


def test_korean_sources_speak_korean() -> None:
    for name in ("kotra_market_news", "kotra_flash_news"):
        signals = read_sample(load_source(name)).signals
        assert signals, name
        for one in signals:
            assert isinstance(one, Article)
            assert one.lang == "ko"
            assert any("가" <= letter <= "힣" for letter in one.title)


def test_interventions_are_asked_for_in_json_with_the_key_in_a_header(
    httpserver: HTTPServer,
) -> None:
    source = load_source("gta_interventions")
    asked: list[Request] = []

    def reply(request: Request) -> Response:
        asked.append(request)
        return Response(sample_file(source).read_bytes(), content_type="application/json")

    httpserver.expect_request("/api/v1/data/", method="POST").respond_with_handler(reply)
    client = Client("t@example.org", environ={"GTA_API_KEY": "k3y"}, allow_loopback=True)
    here = replace(source, url=httpserver.url_for("/api/v1/data/"))
    got = collect(here, None, NOW, client)
    assert (got.fetch.outcome, len(got.signals)) == (FetchOutcome.NEW, 2)
    assert asked[0].headers["Authorization"] == "APIKey k3y"
    assert asked[0].headers["Content-Type"] == "application/json"
    body = json.loads(asked[0].get_data())
    assert body["request_data"] == {"affected": [410], "submission_period": ["2026-11-11", None]}
