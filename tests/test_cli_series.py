"""`ews series` as a person types it: answers, exit codes, sheets, and who may ask what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ews.cli import app
from ews.reports import add_viewer
from ews.storage import Store
from tests.series_home import GRAPHITE, HHI, PRICE, make_series_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_series_home(folder)
    store = Store.open(folder)
    for role, owner in (("official", None), ("firm", "Acme"), ("analyst", None)):
        add_viewer(store, f"token-{role}", role, owner, role, datetime(2024, 1, 1, tzinfo=UTC))
    store.close()
    return folder


def ews(*words: str, home: Path, role: str = "") -> Result:
    who = ["--as", f"token-{role}"] if role else []
    return CliRunner().invoke(
        app, [*who, "series", *words, "--home", str(home)], env={"COLUMNS": "220"}
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["list", "흑연", "중국"], 0),
        (["list", "--item", "nosuchgood"], 1),
        (["list", "--provider", "nobody"], 1),
        (["list", "--sort", "colour"], 2),
        (["list", "--limit", "0"], 2),
        (["show", GRAPHITE], 0),
        (["show", HHI, "--vintages"], 0),
        (["show", "customs/import-kg/CN-KR/999999"], 1),
        (["show", "graphite"], 2),
        (["show", GRAPHITE, "--as-of", "2010-01-01"], 1),
        (["show", GRAPHITE, "--as-of", "yesterday"], 2),
        (["budget"], 0),
        (["budget", "nosuchgood"], 1),
        (["detect", GRAPHITE, "--from", "2023-12-01", "--to", "2024-01-03"], 0),
        (["detect", "a/b/c/d"], 1),
    ],
)
def test_exit_codes(home: Path, words: list[str], code: int) -> None:
    found = ews(*words, home=home)
    assert found.exit_code == code, found.output


def test_the_surge_is_shown_with_what_was_expected_and_its_budget(home: Path) -> None:
    said = ews("show", GRAPHITE, "--as-of", "2024-01-03", "--lang", "en", home=home).output
    assert "2023-11-01" in said
    assert "Alarms" in said
    assert "evt-graphite00000001" in said
    assert "expected a year" in said
    korean = ews("show", GRAPHITE, "--as-of", "2024-01-03", home=home).output
    assert "오경보 예산" in korean


def test_sheets_are_written_and_their_lines_are_the_values(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    words = ["show", GRAPHITE, "--vintages", "--csv", str(file), "--lang", "en"]
    assert ews(*words, home=home).exit_code == 0
    lines = file.read_text("utf-8-sig").splitlines()
    store = Store.open(home)
    assert len(lines) - 1 == len(store.vintages(datetime(2030, 1, 1, tzinfo=UTC), series=GRAPHITE))
    store.close()
    assert lines[0].startswith("series,period,value,unit,known_at,basis,vintage")
    for words in (["list"], ["budget", "--as-of", "2024-01-03"], ["show", GRAPHITE]):
        sheet = tmp_path / f"{words[0]}.csv"
        assert ews(*words, "--csv", str(sheet), home=home).exit_code == 0
        assert len(sheet.read_text("utf-8-sig").splitlines()) > 1


def test_everybody_reads_series_and_only_analysts_try_detectors(home: Path) -> None:
    for role in ("official", "firm", "analyst"):
        assert ews("list", home=home, role=role).exit_code == 0
        assert ews("budget", home=home, role=role).exit_code == 0
    dry = ["detect", PRICE, "--from", "2023-12-01", "--to", "2024-01-03"]
    assert ews(*dry, home=home, role="analyst").exit_code == 0
    for role in ("official", "firm"):
        assert ews(*dry, home=home, role=role).exit_code == 2
    for words in (["synthetic", "--items", "2"], ["load", __file__]):
        assert ews(*words, home=home, role="analyst").exit_code == 2


def test_made_up_trade_fills_a_home_of_its_own_and_no_real_one(home: Path, tmp_path: Path) -> None:
    assert ews("synthetic", "--items", "2", "--months", "24", home=tmp_path).exit_code == 0
    listed = json.loads(ews("list", "--json", home=tmp_path).output)
    assert listed["count"] > 0
    assert all(one["synthetic"] for one in listed["series"])
    refused = ews("synthetic", "--items", "2", home=home)
    assert refused.exit_code == 2
    assert ews("synthetic", "--items", "0", home=tmp_path).exit_code == 2


def test_a_series_file_is_loaded_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    head = "series,observed_at,available_at,value,unit,basis\n"
    row = f"{PRICE},2023-01-01,2023-02-05T00:00:00Z,{{}},USD/t,calendar\n"
    good.write_text(head + row.format(440), "utf-8")
    bad = tmp_path / "bad.csv"
    bad.write_text(head + row.format("much"), "utf-8")
    refused = ews("load", str(bad), home=tmp_path / "home")
    assert refused.exit_code == 2
    told = ews("load", str(good), "--lang", "en", home=tmp_path / "home")
    assert told.exit_code == 0
    assert "1 new values" in told.output
