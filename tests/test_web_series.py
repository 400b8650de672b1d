"""Series on the pages and in the API, and the same figures on all three faces."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app as cli
from ews.config import load_settings
from ews.reports import Viewer
from ews.storage import Store
from ews.web import create_app
from ews.web.series_drawing import Plot, compact
from tests.series_home import EVENT, GRAPHITE, HHI, MADE_UP, MISSING, NOW, PRICE, make_series_home
from tests.test_web_pages import Balanced

AS_OF = "2024-01-03T02:00+00:00"
PAGES = ["/series", "/series?detected=1", "/series?provider=nobody",
         f"/series/{GRAPHITE}", f"/series/{HHI}", f"/series/{MADE_UP}", "/series/budget",
         "/help/series"]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_series_home(folder)
    return folder


@pytest.fixture(scope="module")
def client(home: Path, store: Store) -> TestClient:
    return TestClient(create_app(load_settings(home), store, clock=lambda: NOW))


def test_pages_answer_in_both_languages_with_well_formed_markup(client: TestClient) -> None:
    for path in PAGES:
        for lang in ("ko", "en"):
            answer = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
            assert answer.status_code == 200, (path, answer.text[:300])
            assert len(re.findall(r"<h1[ >]", answer.text)) == 1, path
            parser = Balanced()
            parser.feed(answer.text)
            assert (parser.faults, parser.open) == ([], []), path
            assert "<script" not in answer.text
            assert "style=" not in answer.text
            bare = re.sub(r"<label>.*?</label>", "", answer.text, flags=re.S)
            assert not re.findall(r"<(?:input(?! type=\"hidden\")|select)", bare), path


def test_the_three_faces_give_the_same_figures(client: TestClient, home: Path) -> None:
    words = ["series", "show", GRAPHITE, "--as-of", AS_OF, "--periods", "60", "--json",
             "--home", str(home)]  # fmt: skip
    typed = json.loads(CliRunner().invoke(cli, words).output)
    asked = {"as_of": AS_OF}
    read = client.get(f"/api/v1/series/{GRAPHITE}", params=asked).json()
    assert typed == read
    html = client.get(f"/series/{GRAPHITE}", params={**asked, "lang": "en"}).text
    alarm = read["detections"][0]
    assert f"{alarm['p']:.2g}" in html
    assert f"{read['points'][-1]['value']:,.0f}" in html
    assert f"{read['budget']['per_year']:.3f} a year" in html
    budget = client.get("/api/v1/series/budget", params=asked).json()
    words = ["series", "budget", "--as-of", AS_OF, "--limit", "50", "--json", "--home", str(home)]
    assert json.loads(CliRunner().invoke(cli, words).output) == budget
    page = client.get("/series/budget", params={**asked, "lang": "en"}).text
    assert f"{budget['service']['expected']:.2f}" in page


def test_the_picture_has_a_gap_the_alarm_the_event_and_the_first_figures(
    client: TestClient,
) -> None:
    html = client.get(f"/series/{GRAPHITE}?lang=en").text
    picture = html[html.index('<svg class="series"') : html.index("</svg>")]
    assert picture.count('class="value" d=') == 2 + 1  # two stretches about a gap, and the key
    assert picture.count('class="first" d=') == 2 + 1
    marked = picture[picture.index('<g class="alarm">') : picture.index("</g></g>")]
    assert marked.count("<circle") == 1  # the month that alarmed, whichever detectors saw it
    assert '<g class="event">' in picture
    assert "seasonal" in picture
    assert f"{MISSING:%Y}" in picture
    assert EVENT in html
    made_up = client.get(f"/series/{MADE_UP}?lang=en").text
    assert "SYNTHETIC DATA" in made_up[made_up.index('<svg class="series"') :]


def test_a_page_of_then_shows_nothing_that_came_later(client: TestClient) -> None:
    html = client.get(f"/series/{GRAPHITE}?as_of=2023-12-01&lang=en").text
    assert "2023-11-01" not in html
    assert EVENT not in html
    assert client.get(f"/series/{GRAPHITE}?as_of=2031-01-01").status_code == 400


def test_what_is_not_there_is_said_plainly(client: TestClient) -> None:
    assert client.get("/series/a/b/c/d").status_code == 404
    assert client.get("/api/v1/series/a/b/c/d").status_code == 404
    unknown = client.get("/series?item=nosuchgood")
    assert unknown.status_code == 404
    assert "nosuchgood" in unknown.text
    assert client.get("/series?colour=red").status_code == 400
    assert client.get("/api/v1/series?sort=colour").status_code == 400
    assert client.get("/api/v1/series?limit=100000").status_code == 422


def test_pages_of_the_list_keep_what_was_asked(client: TestClient) -> None:
    first = client.get("/api/v1/series?limit=1&provider=customs").json()
    second = client.get("/api/v1/series?limit=1&offset=1&provider=customs").json()
    assert first["count"] == second["count"] == 2
    assert first["series"][0]["name"] != second["series"][0]["name"]
    html = client.get("/series?provider=customs&sort=newest").text
    assert "<option selected>customs</option>" in html


def test_sheets_are_safe_for_a_spreadsheet_and_say_units(client: TestClient) -> None:
    for path in ("/api/v1/series.csv", "/api/v1/series/budget.csv",
                 f"/api/v1/series/{GRAPHITE}/periods.csv",
                 f"/api/v1/series/{GRAPHITE}/vintages.csv"):  # fmt: skip
        answer = client.get(path, params={"lang": "en"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/csv")
        assert not re.search(r"(?m)^[=+@]", answer.text)
    rows = client.get("/api/v1/series.csv?lang=ko").text
    assert "kg" in rows
    assert rows.startswith("\ufeff계열,")


def test_everybody_reads_series_and_only_analysts_run_the_detectors(
    client: TestClient, home: Path, store: Store
) -> None:
    dry = f"/api/v1/series/{PRICE}/dry-run?since=2023-12-01"
    assert client.get(dry).status_code == 403  # an official
    for viewer, code in ((Viewer("firm", "Acme"), 403), (Viewer("analyst"), 200)):
        site = create_app(load_settings(home), store, viewer=viewer, clock=lambda: NOW)
        asked = TestClient(site)
        assert asked.get(f"/api/v1/series?item={PRICE.rpartition('/')[2]}").json()["count"] == 1
        assert asked.get(dry).status_code == code


def test_figures_are_written_in_the_readers_own_large_numbers() -> None:
    assert compact(1_060_000, "ko") == "106만"
    assert compact(-2_300_000_000, "en") == "-2.3B"
    assert compact(0.0, "ko") == "0"
    assert Plot(NOW.date(), 10, 0.0, 4.0).y(9.0) == Plot(NOW.date(), 10, 0.0, 4.0).y(4.0)


def test_odd_input_is_refused_in_the_readers_language_and_breaks_nothing(
    client: TestClient,
) -> None:
    far = "9" * 30
    for path in (f"/series?offset={far}", "/series?offset=²", "/series?offset=-3"):
        assert client.get(path).status_code == 200, path
    assert client.get(f"/api/v1/series?offset={far}").status_code == 422
    assert client.get("/api/v1/series/budget?limit=-1").status_code == 422
    assert len(client.get("/api/v1/series/budget?limit=1").json()["items"]) == 1
    for asked, ko in (("rubbish", "날짜나 시각이 아닙니다"), ("2031-01-01", "아직 오지 않았습니다"),
                      ("0001-01-01", "1900년보다 앞"),
                      ("0001-01-01T00:00+09:00", "날짜나 시각이 아닙니다")):  # fmt: skip
        path = f"/series/{GRAPHITE}"
        page = client.get(path, params={"as_of": asked})
        assert (page.status_code, ko in page.text) == (400, True), asked
        assert client.get(f"/api/v1{path}", params={"as_of": asked}).status_code == 400
    assert "계열은" in client.get("/series/a/%00/요소/d").text


def test_the_first_lines_say_why_how_sure_at_what_price_and_whom_to_tell(
    client: TestClient,
) -> None:
    answers = {
        "ko": ("왜 알렸나", "예상", "얼마나 확실한가", "받아들이는 오경보", "누구에게"),
        "en": ("Why", "expected", "once in", "false alarms accepted a year", "Whom to tell"),
    }
    for lang, words in answers.items():
        text = client.get(f"/series/{GRAPHITE}?lang={lang}").text
        first = text[: text.index("as_of")]
        assert [word for word in words if word not in first] == []
    assert "No alarm" in client.get(f"/series/{PRICE}?lang=en").text
    assert "Whom to tell" not in client.get(f"/series/{PRICE}?lang=en").text


def test_a_sheet_holds_every_digit_of_a_published_figure(client: TestClient) -> None:
    listed = client.get(f"/api/v1/series/{GRAPHITE}").json()["vintages"]
    lines = client.get(f"/api/v1/series/{GRAPHITE}/vintages.csv?lang=en").text.splitlines()[1:]
    assert [float(line.split(",")[2]) for line in lines] == [one["value"] for one in listed]
    assert not any("e+" in line for line in lines)
