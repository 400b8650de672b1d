"""The outlook on every face: the same numbers, sheets and files that stand alone, clear refusals."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app
from ews.config import load_settings
from ews.model import Shock
from ews.reports import OPEN, OPERATOR, NotFound, Viewer, exposure_report
from ews.reports.outlook import WhatIf, outlook_report, target_of, what_if_report
from ews.reports.sheet import outlook_sheet, sheet
from ews.reports.sheet_rows import COLUMNS, SECTIONS
from ews.storage import Store
from ews.web import create_app
from ews.web.standalone import exposure_html, outlook_html
from tests.faces_home import NOW, make_home

EVENT = "evt-urea0000000001"
ASKED = {"kind": "origin", "name": "urea", "country": "CN", "percent": "80", "duration": "90"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The urea home, with the shock that its exposures came of."""
    folder = tmp_path_factory.mktemp("home")
    make_home(folder)
    store = Store.open(folder)
    event = store.event(EVENT)
    assert event is not None
    shock = Shock(EVENT, "origin", "origin:CN:urea", 0.8, 0.9, 90.0, event.first_seen, 4.0, "assumed: test")  # fmt: skip
    with store.begin() as tx:
        later = replace(event, revision=event.revision + 1)
        tx.save_events([later])
        tx.save_propagation(later, [shock], store.exposures(event_id=EVENT))
    store.close()
    return folder


@pytest.fixture(scope="module")
def client(home: Path, store: Store) -> TestClient:
    return TestClient(create_app(load_settings(home), store, viewer=OPEN, clock=lambda: NOW))


def test_command_api_and_page_tell_the_same_outlook(home: Path, store: Store) -> None:
    app_ = create_app(load_settings(home), store, viewer=OPERATOR, clock=lambda: NOW)
    client = TestClient(app_)  # an operator, as the command line of the machine is
    by_api = client.get(f"/api/v1/outlook/{EVENT}").json()
    told = CliRunner().invoke(app, ["exposure", "--event", EVENT, "--json", "--home", str(home)])
    by_command = json.loads(told.stdout)["outlook"]
    assert by_command == {**by_api, "as_of": by_command["as_of"]}
    page = client.get(f"/exposure?event={EVENT}&lang=en").text
    first = by_api["buyers"][0]
    assert first["who"]["en"] in page
    assert f"{first['loss']['mean']:.1f} ± {first['loss']['mean_error']:.1f}" in page


def test_a_truck_fleet_is_told_when_urea_stops(store: Store) -> None:
    found = outlook_report(store, EVENT, now=NOW)
    trucks = next(b for b in found.buyers if b.who.code == "industry:49301")
    assert [i.code for i in trucks.items] == ["urea"]
    assert {"motir", "mcee", "molit"} <= {m.code for m in trucks.ministries}
    assert trucks.shortage.p5 is not None
    assert sum(p.share for p in trucks.paths) + trucks.paths_rest == pytest.approx(1.0)
    assert trucks.paths[0].steps[0].basis == "stated"
    assert found.deciding[0].basis in {"assumed", "stated"}
    assert found.plans[0].stock_basis == "assumed"


def test_a_firm_is_in_its_owners_outlook_only(store: Store) -> None:
    rows = store.firm_links()
    owner = str(rows[0]["owner"])
    mine = outlook_report(store, EVENT, now=NOW, viewer=Viewer("firm", owner))
    assert [b for b in mine.buyers if b.kind == "firm"]
    for viewer in (OPEN, Viewer("firm", "somebody else"), Viewer("analyst")):
        other = outlook_report(store, EVENT, now=NOW, viewer=viewer)
        assert not [b for b in other.buyers if b.kind == "firm"]


def test_the_sheet_opens_in_a_spreadsheet_and_runs_no_formula(store: Store) -> None:
    report = exposure_report(store, "event", EVENT, now=NOW, with_outlook=True)
    text = sheet(report, "en")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert tuple(rows[0]) == tuple(COLUMNS)
    assert sum(row["section"] == "exposure" for row in rows) == len(report.exposures)
    nasty = replace(report.exposures[0], firm="=1+1")
    told = csv.DictReader(io.StringIO(sheet(replace(report, exposures=(nasty,)), "en")[1:]))
    assert [row["firm"] for row in told if row["section"] == "exposure"] == ["'=1+1"]


def test_the_sheet_holds_every_part_of_the_report(store: Store) -> None:
    report = exposure_report(store, "event", EVENT, now=NOW, with_outlook=True)
    found = report.outlook
    assert found is not None
    rows = list(csv.DictReader(io.StringIO(sheet(report, "en")[1:])))
    by: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by.setdefault(row["section"], []).append(row)
    assert set(by) <= set(SECTIONS)
    assert len(by["share"]) == len(report.shares)
    assert len(by["plan"]) == len(found.plans)
    assert len(by["deciding"]) == len(found.deciding)
    assert all(row["source"] and row["period"] for row in by["share"] if row["share"])
    (told,) = by["outlook"]
    assert told["seed"] == str(found.seed)
    assert told["day_0"] == str(found.start)
    assert told["horizon_days"] == str(found.horizon_days)
    for row, buyer in zip(by["buyer"], found.buyers, strict=False):
        none = buyer.shortage.p50 is None
        assert (row["first_short_p50"] == "none") == none
        assert row["first_short_p50_date"]


def test_a_sheet_of_a_quiet_question_is_no_bare_header_and_korean_for_koreans(
    store: Store,
) -> None:
    report = exposure_report(store, "item", "gallium", now=NOW, with_outlook=True)
    assert not report.exposures
    rows = list(csv.reader(io.StringIO(sheet(report, "ko")[1:])))
    assert rows[0] == list(COLUMNS.values())
    assert len(rows) > 1 + len(report.shares)
    assert {row[0] for row in rows[1:]} >= {"물음", "수입 비중", "국내 용도"}
    assert len({len(row) for row in rows}) == 1


def test_the_printable_page_needs_nothing_from_elsewhere(store: Store) -> None:
    report = exposure_report(store, "event", EVENT, now=NOW, with_outlook=True)
    for lang in ("ko", "en"):
        html = exposure_html(report, lang)
        assert "<script" not in html.replace("&lt;script", "")
        assert not re.findall(r'<(?:link|img|iframe)\b|src="|url\(http', html)
        assert "<details open>" in html  # printed, a closed one would lose its evidence
        assert "<details>" not in html
        assert html.count('<svg class="curve"') == min(3, len(report.outlook.buyers))  # type: ignore[union-attr]


def test_a_what_if_is_stored_nowhere(store: Store, client: TestClient) -> None:
    before = [store.events(), store.exposures(), store.alerts()]
    found = client.get("/api/v1/what-if", params=ASKED).json()
    assert found["hypothetical"] is True
    assert found["probability"] == 1.0
    assert found["buyers"]
    assert [store.events(), store.exposures(), store.alerts()] == before
    page = client.get("/what-if", params={**ASKED, "lang": "en"}).text
    assert "Nobody reported this" in page
    sheet_ = client.get("/api/v1/what-if.csv", params=ASKED)
    assert sheet_.headers["content-type"].startswith("text/csv")
    assert sheet_.content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"percent": "0"}, "percent"),
        ({"percent": "101"}, "percent"),
        ({"percent": "nan"}, "percent"),
        ({"percent": "half"}, "percent"),
        ({"duration": "0"}, "duration"),
        ({"duration": "1e9"}, "duration"),
        ({"lag": "-1"}, "lag"),
        ({"stock": "-3"}, "stock"),
    ],
)
def test_a_wrong_number_is_told_beside_the_form(
    client: TestClient, wrong: dict[str, str], said: str
) -> None:
    answer = client.get("/api/v1/what-if", params={**ASKED, **wrong})
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    page = client.get("/what-if", params={**ASKED, **wrong, "lang": "en"})
    assert page.status_code == 400
    assert said in page.text


def test_an_unknown_name_is_told_with_near_ones(client: TestClient) -> None:
    answer = client.get("/api/v1/what-if", params={**ASKED, "name": "ureaa"})
    assert answer.status_code == 404
    assert "urea" in answer.json()["detail"]
    with pytest.raises(NotFound):
        target_of("item", "no such thing")


def test_a_longer_and_harder_blow_is_no_milder(store: Store) -> None:
    def worst(magnitude: float, days: float) -> float:
        asked = WhatIf(("origin:CN:urea",), magnitude, days)
        found = what_if_report(store, asked, now=NOW, runs=64)
        return max((b.loss.mean for b in found.buyers), default=0.0)

    assert worst(0.4, 60) <= worst(0.8, 60) <= worst(0.8, 120)


def test_the_same_file_from_a_what_if(store: Store, tmp_path: Path, home: Path) -> None:
    out, page = tmp_path / "a.csv", tmp_path / "a.html"
    words = ["what-if", "--origin", "CN:urea", "--percent", "80", "--days", "90",
             "--csv", str(out), "--html", str(page), "--home", str(home), "--lang", "en"]  # fmt: skip
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert out.read_text("utf-8").count("\n") > 3
    assert "What if: Urea from China" in page.read_text("utf-8")
    found = what_if_report(store, WhatIf(("origin:CN:urea",), 0.8, 90), now=NOW, runs=64)
    told = list(csv.DictReader(io.StringIO(outlook_sheet(found, "en")[1:])))
    buyers = [row["code"] for row in told if row["section"] == "buyer"]
    assert buyers == [b.who.code for b in found.buyers] + [who.code for who in found.untouched]
    assert outlook_html(found, "ko").count('<svg class="curve"') == 3
