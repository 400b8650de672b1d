"""A firm's files at the edges: nobody's rows, old stocks, rows that do not count, cells as given."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sqlite3 import connect

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app
from ews.cli.opening import firms_of
from ews.config import load_settings
from ews.reports import add_viewer, check_owner
from ews.reports.exposure import exposure_report
from ews.reports.outlook import WhatIf, target_of, what_if_report
from ews.reports.outlook_views import OutlookReport
from ews.reports.sheet_text import written
from ews.reports.standing import link_lines
from ews.reports.stress import stress_report
from ews.reports.stress_sheet import stress_sheet
from ews.reports.viewer import OPEN, OPERATOR, NotFound, Viewer
from ews.reports.words import word
from ews.storage import Store
from ews.web import create_app
from graph.cells import FirmCsvError
from graph.firm_files import read_firm_file
from graph.firms import FirmLink, StockLine, read_firms_csv

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINKS = (
    "firm,item,country,share,supplier\nAcme,urea,CN,0.9,Shandong Works\nAcme,urea,VN,0.1,Mekong\n"
)
DECLARED = ("declaration_no,hs,description,origin,supplier,usd\n"
            "1,3102100000,urea,AU,Perth Urea,769\n2,3102100000,urea,QA,Doha Urea,231\n")  # fmt: skip
BLANK = ["", " ", "\t \n", "\u200b\u200e"]


def run(home: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*words, "--home", str(home)])
    return result.exit_code, result.stdout, result.stderr


def taken(home: Path, name: str, text: str, owner: str = "Acme", *words: str) -> None:
    file = home / name
    file.write_text(text, "utf-8")
    code, _, err = run(home, "firms", "import", str(file), "--owner", owner, *words)
    assert code == 0, err


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


# --------------------------------------------------------------------------- nobody's rows


@pytest.mark.parametrize("owner", BLANK)
def test_an_owner_without_a_name_is_refused_wherever_rows_or_viewers_come_in(
    tmp_path: Path, store: Store, owner: str
) -> None:
    rows = [{"item": "urea", "firm": "Acme", "country": "CN", "share": 1}]
    (tmp_path / "links.csv").write_text(LINKS)
    (tmp_path / "links.json").write_text(json.dumps(rows))
    (tmp_path / "declared.csv").write_text(DECLARED)
    for name in ("links.csv", "links.json", "declared.csv"):
        code, _, err = run(tmp_path, "firms", "import", str(tmp_path / name), "--owner", owner)
        assert code == 2
        assert "--owner NAME" in err
    row = FirmLink("acme", "Acme", "urea", "CN", 1.0).to_row()
    for refused in (
        lambda: store.replace_firm_rows(owner, "links", [row], "", NOW),
        lambda: store.replace_firm_links(owner, [row]),
        lambda: store.add_viewer("vwr-1", "digest", "firm", owner, "", NOW),
        lambda: add_viewer(store, "token", "firm", owner, "", NOW),
        lambda: check_owner(store, owner),
        lambda: Viewer("firm", owner),
    ):
        with pytest.raises(ValueError, match="owner"):
            refused()
    code, *_ = run(tmp_path, "serve", "--owner", owner, "--port", "0")
    assert code == 2
    assert store.firm_rows() == store.firm_files() == store.viewers() == []


def test_no_address_takes_rows(tmp_path: Path, store: Store) -> None:
    made = create_app(load_settings(tmp_path), store)
    routers = [r.original_router for r in made.routes if hasattr(r, "original_router")]
    routes = [r for of in (made, *routers) for r in of.routes if isinstance(r, APIRoute)]
    assert len(routes) > 30
    changing = {one.path for one in routes if one.methods - {"GET", "HEAD"}}
    acts = re.compile(
        r"/sign-(in|out)|/sources/\{name\}|/people|/account|/silences|/outbox|/slack/\w+|/alerts/\{alert_id\}/act|"
        r"/api/v1/(missed|silences(/\{silence_id\})?|alerts/\{alert_id\}/[a-z-]+|"
        r"outbox/\{notification_id\}/resend|cases(/\{name\}(/withdraw)?)?|tuning/(save|undo)|"
        r"learning/(gather|suggest|(examples|suggestions)/\{id\}/(accept|reject)))"
        r"|/watch/list|/api/v1/watch/list(/\{item\}/remove)?|"
        r"/cases(/\{name\}/withdraw)?|/tuning/(save|undo)|/learning/\{what\}|/ledger/\{alert_id\}"
    )
    assert {path for path in changing if not acts.fullmatch(path)} == set()


def test_rows_that_an_older_version_took_of_nobody_are_shown_to_nobody(
    tmp_path: Path, store: Store
) -> None:
    link = FirmLink("firm-0/acme", "Acme", "urea", "CN", 1.0, supplier="Secret Works").to_row()
    with closing(connect(tmp_path / "ews.db")) as raw:
        raw.execute("INSERT INTO firm_rows (owner, shape, rank, firm, row) VALUES "
                    "('', 'links', 0, 'firm-0/acme', ?)", (json.dumps(link),))  # fmt: skip
        raw.execute("INSERT INTO firm_files (owner, shape, digest, rows, imported_at) VALUES "
                    "('', 'links', '', 1, 0)")  # fmt: skip
        raw.commit()
    for viewer in (OPEN, Viewer("official"), Viewer("analyst"), Viewer("firm", "Other")):
        with pytest.raises(NotFound):
            exposure_report(store, "firm", "Acme", now=NOW, viewer=viewer)
        for asked in ("Acme", None):
            with pytest.raises(NotFound):
                stress_report(store, asked, now=NOW, viewer=viewer)
    client = TestClient(create_app(load_settings(tmp_path), store))
    for path in ("/api/v1/exposure?firm=Acme", "/api/v1/firms/stress", "/exposure?firm=Acme"):
        assert "Secret" not in client.get(path).text
    assert exposure_report(store, "firm", "Acme", now=NOW, viewer=OPERATOR).links
    assert run(tmp_path, "firms", "remove", "--owner", "")[0] == 0
    assert store.firm_rows() == []


# --------------------------------------------------------------------------- stocks


def supposed(store: Store, viewer: Viewer) -> OutlookReport:
    blow = WhatIf(target_of("origin", "urea", "CN"), 0.8, 60)
    return what_if_report(store, blow, now=NOW, viewer=viewer, days=90, runs=16)


def give(store: Store, links: list[FirmLink], stocks: list[StockLine]) -> None:
    store.replace_firm_rows("Acme", "links", [x.to_row() for x in links], "", NOW)
    store.replace_firm_rows("Acme", "stocks", [x.to_row() for x in stocks], "", NOW)


def test_a_stated_stock_delays_what_a_firm_loses_and_is_called_its_own(store: Store) -> None:
    link = FirmLink("acme", "Acme", "urea", "CN", 0.9, "Shandong Works")
    lost: dict[float, float] = {}
    for days in (5.0, 40.0):
        give(store, [link], [StockLine("acme", "Acme", days, "urea", as_of=date(2026, 2, 20))])
        found = supposed(store, Viewer("firm", "Acme"))
        buyer = next(one for one in found.buyers if one.kind == "firm")
        lost[days] = buyer.loss.mean
        plan = next(one for one in found.plans if one.who.code == "firm:acme")
        assert (plan.stock_days, plan.stock_basis, plan.stock_as_of) == (days, "own", "2026-02-20")
        assert "own" in {one.basis for one in found.bases}
        other = supposed(store, Viewer("firm", "Other"))
        assert "own" not in {one.basis for one in other.bases}
    assert lost[5.0] > lost[40.0] + 20
    assert (word("own", "ko"), word("own", "en")) == ("기업 제공", "given by the firm")


def test_a_stock_of_over_a_year_ago_is_not_used_and_that_is_said(store: Store) -> None:
    link = FirmLink("acme", "Acme", "urea", "CN", 0.9, "Shandong Works")
    for age, used in ((365, True), (366, False)):
        day = NOW.date() - timedelta(days=age)
        give(store, [link], [StockLine("acme", "Acme", 7.0, "urea", as_of=day)])
        found = supposed(store, Viewer("firm", "Acme"))
        plan = next(one for one in found.plans if one.who.code == "firm:acme")
        assert (plan.stock_days == 7.0, plan.stock_basis == "own") == (used, used)
        told = [one.citation for one in found.deciding if "too old" in one.citation]
        assert bool(told) is not used
        assert all(f"{day}" in one for one in told)
        (taken_by_the_network,) = firms_of(store, NOW.date())
        assert (taken_by_the_network.stock_days == 7.0) is used
        tested = stress_report(store, "Acme", now=NOW, viewer=Viewer("firm", "Acme"))
        assert ("old-stocks" in {one.code for one in tested.missing}) is not used
        assert (tested.sources[0].stock_days == 7.0) is used


def test_an_import_names_stocks_of_days_to_come_and_tells_of_old_ones() -> None:
    text = "item,days,as_of\nurea,20,2026-03-02\ngallium,20,2026-03-03\nneon,5,2020-01-01\n"
    with pytest.raises(FirmCsvError) as caught:
        read_firm_file(text, owner="Acme", today=NOW.date())
    assert [(line, column) for line, column, _ in caught.value.errors] == [(3, "as_of")]
    kept = read_firm_file(text.replace("2026-03-03", ""), owner="Acme", today=NOW.date())
    assert kept.notes == ["1 stocks are of more than 365 days ago: not used"]
    declared = "declaration_no,hs,origin,date\n1,270900,SA,2026-03-02\n2,270900,SA,2026-03-03\n"
    with pytest.raises(FirmCsvError) as late:
        read_firm_file(declared, owner="Acme", today=NOW.date())
    assert [(line, column) for line, column, _ in late.value.errors] == [(3, "declared_on")]


def test_the_command_refuses_a_stock_of_a_day_to_come(tmp_path: Path) -> None:
    file = tmp_path / "stocks.csv"
    file.write_text(f"item,days,as_of\nurea,20,{datetime.now(UTC).date() + timedelta(days=400)}\n")
    code, _, err = run(tmp_path, "firms", "import", str(file), "--owner", "Acme")
    assert code == 2
    assert "stocks.csv:2: as_of" in err


# --------------------------------------------------------------------------- rows shown


def test_rows_that_do_not_count_are_marked_where_they_are_shown(
    tmp_path: Path, store: Store
) -> None:
    taken(tmp_path, "links.csv", LINKS)
    taken(tmp_path, "declared.csv", DECLARED)
    code, out, _ = run(tmp_path, "firms", "list", "--lang", "en")
    assert code == 0
    assert out.count("overridden by links") == 2
    assert run(tmp_path, "firms", "list", "--lang", "ko")[1].count("대체됨: links 우선") == 2
    rows = json.loads(run(tmp_path, "firms", "list", "--json")[1])
    counting = [row["share"] for row in rows if not row["overridden_by"]]
    assert sum(counting) == pytest.approx(1.0)
    told = run(tmp_path, "exposure", "--firm", "Acme", "--lang", "en")[1]
    assert told.count("overridden by links") == 2
    found = exposure_report(store, "firm", "Acme", now=NOW, viewer=OPERATOR)
    by = {one.supplier: one.overridden_by for one in found.links}
    assert by == {"Shandong Works": "", "Mekong": "", "Perth Urea": "links", "Doha Urea": "links"}
    run(tmp_path, "firms", "remove", "--owner", "Acme", "--shape", "links")
    assert "overridden" not in run(tmp_path, "firms", "list", "--lang", "en")[1]


def test_an_operator_is_told_whose_firm_it_is_where_several_owners_have_the_name(
    tmp_path: Path, store: Store
) -> None:
    taken(tmp_path, "links.csv", LINKS, "Acme")
    alone = exposure_report(store, "firm", "Acme", now=NOW, viewer=OPERATOR)
    assert [one.en for one in alone.about] == ["Acme"]
    taken(tmp_path, "links.csv", LINKS, "표본상사")
    both = exposure_report(store, "firm", "Acme", now=NOW, viewer=OPERATOR)
    assert [one.en for one in both.about] == ["Acme", "Acme (표본상사)"]
    own = exposure_report(store, "firm", "Acme", now=NOW, viewer=Viewer("firm", "표본상사"))
    assert [one.en for one in own.about] == ["Acme"]
    assert {one.owner for one in own.links} == {"표본상사"}


def test_lead_days_that_the_firm_stated_are_shown_in_place_of_those_at_sea(tmp_path: Path) -> None:
    stated = FirmLink("acme", "Acme", "urea", "CN", 0.5, lead_days=41.0)
    assumed = FirmLink("acme", "Acme", "urea", "VN", 0.5)
    one, other = link_lines([{**x.to_row(), "owner": "Acme"} for x in (stated, assumed)])
    assert (one.lead_days, one.lead_basis) == (41.0, "own")
    assert other.lead_basis == "assumed"
    assert other.lead_days is not None
    taken(tmp_path, "links.csv", "firm,item,country,share,lead_days\nAcme,urea,CN,1,41\n")
    assert "given by the firm" in run(tmp_path, "firms", "list", "--lang", "en")[1]


# --------------------------------------------------------------------------- cells


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "-2+3", "+-=x", "@SUM(A1)", "=1+1"])
def test_a_cell_is_kept_as_given_and_quoted_in_every_sheet(
    tmp_path: Path, cell: str, store: Store
) -> None:
    quoted = cell.replace('"', '""')
    text = f'firm,item,country,share,supplier\n"{quoted}",urea,CN,1,"{quoted}"\n'
    (link,) = read_firms_csv(text)
    assert (link.name, link.supplier) == (cell, cell)
    store.replace_firm_rows("Acme", "links", [link.to_row()], "", NOW)
    found = stress_report(store, cell, now=NOW, viewer=Viewer("firm", "Acme"))
    assert found.sources[0].names == (cell,)
    rows = list(csv.DictReader(io.StringIO(stress_sheet(found, "en")[1:])))
    (kept,) = json.loads(run(tmp_path, "firms", "list", "--json")[1])
    assert (kept["name"], kept["supplier"]) == (cell, cell)
    supplier = next(row for row in rows if row["kind"] == "supplier")
    assert supplier["name"] == f"'{cell}"
    for row in rows:
        for told in row.values():
            assert told[:1] not in {"=", "@", "\t", "\r"}
            assert told[:1] not in {"+", "-"} or float(told) is not None


def test_numbers_in_a_sheet_are_no_formulas() -> None:
    cells = ["-5", "+5", "-2.5e-3", -5, -0.25, "-5%", "\t=1", "\r=1", "\n=1", " =1", "＝1", "-"]
    row = next(csv.reader(io.StringIO(written([], [cells])[1:].split("\r\n", 1)[1])))
    assert row[:5] == ["-5", "+5", "-2.5e-3", "-5", "-0.25"]
    assert all(cell.startswith("'") for cell in row[5:])


def test_only_the_sheet_and_the_files_of_series_write_csv() -> None:
    """What another module wrote would not be quoted."""
    rooms = [
        Path(__file__).parents[1] / room for room in ("ews", "graph", "alerts", "nlp", "scrapers")
    ]
    writers = {path.name for room in rooms for path in room.rglob("*.py")
               if "csv.writer" in (text := path.read_text("utf-8")) or "DictWriter" in text}  # fmt: skip
    assert writers == {"sheet_text.py", "series.py"}


# --------------------------------------------------------------------------- messages


@pytest.mark.parametrize("head", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"])
def test_an_excel_file_is_called_one(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "links.xlsx"
    file.write_bytes(head)
    for source in (head, file):
        with pytest.raises(FirmCsvError) as caught:
            read_firm_file(source, owner="Acme")
        assert "Excel" in caught.value.errors[0][2]
        assert "CSV UTF-8" in caught.value.errors[0][2]


@pytest.mark.parametrize("cell", ["20", "20일", "20 일", "20 days", "20Days", "20 day"])
def test_days_may_carry_their_unit(cell: str) -> None:
    found = read_firm_file(f"item,days\nurea,{cell}\n", owner="Acme")
    assert [row.days for row in found.rows() if isinstance(row, StockLine)] == [20.0]


@pytest.mark.parametrize("cell", ["일", "days", "20주", "20일간", "약 20일"])
def test_what_is_no_number_of_days_is_refused(cell: str) -> None:
    with pytest.raises(FirmCsvError) as caught:
        read_firm_file(f"item,days\nurea,{cell}\n", owner="Acme")
    assert caught.value.errors[0][:2] == (2, "stock_days")


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_a_sheet_in_a_folder_that_is_not_there_names_the_folder(
    tmp_path: Path, option: str
) -> None:
    taken(tmp_path, "links.csv", LINKS)
    nowhere = tmp_path / "nowhere"
    words = ("firms", "stress", "--firm", "Acme", option, str(nowhere / "x.csv"))
    code, _, err = run(tmp_path, *words)
    assert code == 2
    assert f"no folder {nowhere};" in err
    assert ".part" not in err


# --------------------------------------------------------------------------- killed


def test_an_import_that_is_killed_midway_leaves_nothing_and_the_next_one_goes_through(
    tmp_path: Path,
) -> None:
    file = tmp_path / "links.csv"
    lines = (f"F{n // 10},urea,CN,0.1,Supplier {n}\n" for n in range(100_000))
    file.write_text("firm,item,country,share,supplier\n" + "".join(lines))
    home = tmp_path / "home"
    Store.open(home).close()
    command = [sys.executable, "-m", "ews", "firms", "import", str(file), "--owner", "Acme",
               "--home", str(home)]  # fmt: skip
    worker = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE)
    try:
        until = time.monotonic() + 120
        while _journal(home) < 500_000:  # bytes: rows are being written, and not yet kept
            assert worker.poll() is None, "it was through before it was killed"
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        worker.kill()
        worker.communicate()
    store = Store.open(home)
    try:
        assert store.firm_rows() == store.firm_files() == []
        file.write_text(LINKS)
        assert run(home, "firms", "import", str(file), "--owner", "Acme")[0] == 0
        assert len(store.firm_rows()) == 2
    finally:
        store.close()


def _journal(home: Path) -> int:
    return sum(p.stat().st_size for p in home.glob("ews.db-*"))
