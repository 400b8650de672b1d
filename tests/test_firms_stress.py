"""The stress test on its faces: one set of numbers, the firm's own alone, and what is missing said."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app as cli
from ews.config import load_settings
from ews.reports.stress import stress_of
from ews.storage import Store
from ews.web import create_app
from graph.firms import sample_firms
from tests import firms_home
from tests.faces_home import NOW
from tests.firms_home import B_FILES, FIGURES, TEXTS, A, B

FILES = {
    "bom.csv": "parent,part,quantity,supplier,country,essential,lead_days,price_usd\n"
    "BUS,MOTOR,1,M-Works,CN,yes,9,100\nTRUCK,MOTOR,1,M-Works,CN,yes,9,100\n"
    "BUS,SEAT,1,Seats,KR,yes,0,100\nTRUCK,AXLE,1,Axles,JP,yes,4,100\n",
    "stocks.csv": "part,days\nMOTOR,20\nAXLE,6\n",
}  # fmt: skip


@dataclass
class Home:
    folder: Path
    store: Store
    token: str
    app: FastAPI

    def command(self, *words: str, asks: bool = True) -> str:
        as_firm = ["--as", self.token] if asks else []
        words = (*as_firm, "firms", "stress", *words)
        result = CliRunner().invoke(cli, list(words), env={"EWS_HOME": str(self.folder)})
        assert result.exit_code in {0, 1, 2}, result.output
        return f"{result.exit_code}\n{result.stdout}{result.stderr}".replace(
            str(self.folder), "HOME"
        )

    def get(self, path: str, token: str | None = None, **query: str) -> tuple[int, str]:
        asks = TestClient(self.app, cookies={"ews_viewer": token} if token else {})
        if token and path.startswith("/api/"):
            asks = TestClient(self.app, headers={"Authorization": f"Bearer {token}"})
        answer = asks.get(path, params=query)
        return answer.status_code, answer.text


def home(folder: Path, files: Path, *, with_b: bool) -> Home:
    store = Store.open(folder)
    for owner, given in ((A, FILES), *(((B, B_FILES),) if with_b else ())):
        for name, text in given.items():
            (files / name).write_text(text, "utf-8")
            words = ["firms", "import", str(files / name), "--owner", owner, "--home", str(folder)]
            assert CliRunner().invoke(cli, words).exit_code == 0
    app = create_app(load_settings(folder), store, clock=lambda: NOW)
    return Home(folder, store, firms_home.token(folder, "firm", A), app)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Home]]:
    files = tmp_path_factory.mktemp("files")
    made = [home(tmp_path_factory.mktemp(str(b)), files, with_b=b) for b in (True, False)]
    yield made[0], made[1]
    for one in made:
        one.store.close()


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_command_api_page_and_sheet_give_the_same_numbers(
    homes: tuple[Home, Home], tmp_path: Path
) -> None:
    """The numbers are those worked by hand in test_graph_stress."""
    home = homes[0]
    by_command = json.loads(home.command("--days", "60", "--json").partition("\n")[2])
    status, text = home.get("/api/v1/firms/stress", home.token, days="60")
    assert status == 200
    assert json.loads(text) == {**by_command, "asked": A}
    worst = {s["what"]["code"]: s for s in by_command["sources"] if s["kind"] == "supplier"}
    assert {code: s["survive_days"] for code, s in worst.items()} == {
        "m-works": 30, "seats": 1, "axles": 11,
    }  # fmt: skip
    assert worst["m-works"]["lost_days"] == pytest.approx(30)
    assert worst["axles"]["all_lost_days"] == pytest.approx(27)
    sheet = home.get("/api/v1/firms/stress.csv", home.token, days="60")[1]
    rows = list(csv.DictReader(io.StringIO(sheet.removeprefix("\ufeff"))))
    assert [float(row["lost_days"]) for row in rows] == pytest.approx(
        [s["lost_days"] for s in by_command["sources"]], abs=1e-3
    )
    home.command("--days", "60", "--csv", str(tmp_path / "s.csv"))
    assert (tmp_path / "s.csv").read_text("utf-8") == sheet.replace("\r\n", "\n")
    assert (tmp_path / "s.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    status, page = home.get("/firms/stress", home.token, days="60")
    plain = re.sub(r"<[^>]+>|\s+", " ", unescape(page))
    assert status == 200
    for source in by_command["sources"]:
        assert f"{source['lost_days']:.1f}일분" in plain
        assert f"{source['survive_days']:.0f}일" in plain
    assert "style=" not in page
    home.command("--days", "60", "--html", str(tmp_path / "s.html"))
    alone = re.sub(r"<[^>]+>|\s+", " ", unescape((tmp_path / "s.html").read_text("utf-8")))
    assert "27.0일분" in plain and "27.0일분" in alone  # noqa: PT018


def test_what_it_says_stands_in_korean_and_in_english(homes: tuple[Home, Home]) -> None:
    home = homes[0]
    korean, english = home.command("--days", "60"), home.command("--days", "60", "--lang", "en")
    assert "재고로 버티는 일수" in korean and "M-Works" in korean  # noqa: PT018
    assert "survives" in english and not re.search("[가-힣]", english.replace(A, ""))  # noqa: PT018
    page = home.get("/firms/stress", home.token, lang="en")[1]
    told = re.sub(r"<[^>]+>", "", page.partition("<main")[2].partition("</main>")[0])
    assert not re.search("[가-힣]", told.replace(A, ""))


def _plain(answer: tuple[int, str]) -> tuple[int, str]:
    """What was asked stands as it was typed, also in an address."""
    return answer[0], unescape(unquote_plus(answer[1]))


def canaries(text: str) -> list[str]:
    return [c for c in (*TEXTS, *FIGURES) if c.casefold() in text.casefold()]


@pytest.mark.parametrize("asked", [B, "CANARYB Second", "카나리비산업/canaryb-second"])
def test_the_test_of_another_firm_is_that_of_a_firm_that_is_not_there(
    homes: tuple[Home, Home], asked: str
) -> None:
    nobody = "no-such-name-at-all"
    for path in ("/api/v1/firms/stress", "/api/v1/firms/stress.csv", "/firms/stress"):
        for token in (0, 1):
            one, other, none = (
                _plain(home.get(path, home.token if token else None, firm=name))
                for home, name in ((homes[0], asked), (homes[1], asked), (homes[0], nobody))
            )
            assert one == other
            assert one[0] == 404
            assert one == (none[0], none[1].replace(nobody, asked))
    said = homes[0].command("--firm", asked)
    assert said == homes[1].command("--firm", asked) == homes[0].command("--firm", nobody)
    assert said.startswith("1\n")
    assert not canaries(said)


def test_the_own_test_holds_nothing_of_another_firm(homes: tuple[Home, Home]) -> None:
    """And does, when that other firm asks: else the canaries would prove nothing."""
    for words in (["--json"], []):
        said = homes[0].command(*words)
        assert said == homes[1].command(*words)
        assert not canaries(said)
    for path in ("/firms/stress", "/api/v1/firms/stress.csv"):
        one, other = (home.get(path, home.token) for home in homes)
        assert one == other
        assert not canaries(one[1])
    token = firms_home.token(homes[0].folder, "firm", B)
    own = homes[0].get("/api/v1/firms/stress", token)[1]
    assert {B, "canaryb", "313.37"} <= set(canaries(own))


def test_an_operator_says_which_firm_when_there_are_several(homes: tuple[Home, Home]) -> None:
    assert "--firm NAME" in homes[0].command(asks=False)
    assert "M-Works" in homes[0].command("--firm", A, asks=False)
    assert "M-Works" in homes[1].command(asks=False)  # the only owner there is


def test_wrong_numbers_are_refused_on_every_face(homes: tuple[Home, Home]) -> None:
    home = homes[0]
    assert home.command("--days", "0").startswith("2\n")
    for query in ({"days": "0"}, {"days": "x"}, {"line": "-1"}, {"days": "nan"}):
        assert home.get("/api/v1/firms/stress", home.token, **query)[0] == 400
        assert home.get("/firms/stress", home.token, **query)[0] == 400


def test_the_exposure_page_of_a_firm_leads_to_its_stress_test(homes: tuple[Home, Home]) -> None:
    folder = homes[0].folder
    token = firms_home.token(folder, "firm", B)
    page = homes[0].get("/exposure", token, firm=B)[1]
    assert "/firms/stress?firm=" in page


# --------------------------------------------------------------------------- odd files


def row(shape: str, **cells: object) -> dict[str, object]:
    empty = {"firm": "a", "name": "A", "owner": "A", "shape": shape}
    return {**empty, **cells}


def missing(*rows: dict[str, object]) -> dict[str, str]:
    report = stress_of(rows, None, now=NOW, days=30, line=1.0)
    return {note.code: note.en for note in report.missing}


def test_stocks_alone_are_no_test_and_say_what_to_import() -> None:
    report = stress_of([row("stocks", days=3.0, item="urea")], None, now=NOW, days=None, line=1.0)
    assert report.sources == ()
    assert "import links" in report.missing[0].en


def test_what_rows_leave_out_is_said_with_what_was_taken_instead() -> None:
    bare = row("links", item="urea", country="CN", share=None, supplier="")
    found = missing(bare)
    assert set(found) == {"bom", "stock", "share", "lead", "essential", "supplier"}
    assert "taken as 0 days" in found["stock"]
    full = row("links", item="urea", country="CN", share=1.0, supplier="W", lead_days=3.0,
               essential=True, stock_days=4.0, spend=1.0)  # fmt: skip
    assert set(missing(full)) == {"bom"}
    part = row("bom", parent="P", part="Q", quantity=1.0)
    assert {"stock", "lead", "way", "essential", "supplier", "country"} == set(missing(part))


def test_each_figure_has_its_basis() -> None:
    bare = row("links", item="urea", country="CN", share=0.7, supplier="W")
    full = {**bare, "lead_days": 3.0, "essential": True, "stock_days": 4.0}
    for given, basis in ((bare, "assumed"), (full, "stated")):
        report = stress_of([given], None, now=NOW, days=30, line=1.0)
        one = next(s for s in report.sources if s.kind == "supplier")
        assert (one.stock_basis, one.lead_basis, one.need_basis) == (basis,) * 3
        assert (one.share_basis, one.recover_basis) == ("stated", "asked")
    assumed = stress_of([full], None, now=NOW, days=None, line=1.0)
    assert {s.recover_basis for s in assumed.sources} == {"assumed"}


def test_an_invented_firm_is_marked_synthetic() -> None:
    rows = [{**one.to_row(), "owner": "x", "shape": "links"} for one in sample_firms()]
    report = stress_of(
        [r for r in rows if "운수" in str(r["name"])], None, now=NOW, days=None, line=1.0
    )
    assert report.synthetic
    assert all(s.synthetic for s in report.sources)


def test_names_that_would_run_as_formulas_are_quoted_in_the_sheet() -> None:
    from ews.reports.stress_sheet import stress_sheet

    bad = row("links", item="urea", country="CN", share=1.0, supplier='=HYPERLINK("http://x")')
    text = stress_sheet(stress_of([bad], None, now=NOW, days=30, line=1.0), "ko")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert any(r["name"].startswith("'=HYPERLINK") for r in rows)
    assert not any(cell.startswith("=") for r in rows for cell in r.values())


def test_the_same_company_spelt_two_ways_is_suggested_with_its_confidence() -> None:
    rows = [row("links", item="urea", country="CN", share=0.6, supplier="LG화학"),
            row("links", item="urea", country="KR", share=0.4, supplier="LG Chem, Ltd.")]  # fmt: skip
    report = stress_of(rows, None, now=NOW, days=30, line=1.0)
    one = report.together[0]
    assert (set(one.names), one.same) == ({"LG화학", "LG Chem, Ltd."}, True)
    assert one.share == pytest.approx(1.0)
    assert 0.75 <= one.confidence < 1
    assert {known.company.code for known in report.known} == {"lg-chem"}
    company = next(s for s in report.sources if s.kind == "company")
    assert (company.share_basis, company.confidence) == ("inferred", one.confidence)
