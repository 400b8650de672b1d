"""Reports: one function, three faces, the same numbers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ews.cli import app
from ews.config import load_settings
from ews.reports import (
    KINDS,
    OPERATOR,
    NotFound,
    UnknownName,
    alert_list,
    exposure_report,
    find,
    label,
    node_label,
    percent,
    plain,
)
from ews.reports.explain import explain
from ews.reports.standing import dependence_lines
from ews.reports.then import known_then
from ews.storage import Store
from ews.web import create_app
from graph.reference import ITEMS
from tests.faces_home import NOW, make_home

ALERT = "alr-urea0000000001"
LATER = NOW + timedelta(days=3)  # a report of a past day is asked for after it


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder)
    return folder


def cli(home: Path, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert result.exit_code == 0, result.output
    return result.stdout


def page(home: Path, path: str) -> str:
    store = Store.open(home)
    try:
        app_ = create_app(load_settings(home), store, viewer=OPERATOR, clock=lambda: LATER)
        return TestClient(app_).get(path).text
    finally:
        store.close()


def without_clock(text: str) -> object:
    document = json.loads(text)
    document.pop("as_of", None)
    return document


@pytest.mark.parametrize(
    ("kind", "value"),
    [("item", "urea"), ("country", "CN"), ("chokepoint", "hormuz"), ("industry", "49301"),
     ("firm", "표본상사"), ("event", "evt-urea0000000001")],
)  # fmt: skip
def test_command_and_api_give_the_same_exposure_report(home: Path, kind: str, value: str) -> None:
    as_of = "2021-10-13"
    told = cli(home, "exposure", f"--{kind}", value, "--as-of", as_of, "--json")
    answered = page(home, f"/api/v1/exposure?{kind}={value}&as_of={as_of}")
    assert without_clock(told) == without_clock(answered)


def test_command_and_api_give_the_same_explanation(home: Path) -> None:
    told = json.loads(cli(home, "explain", ALERT, "--json"))
    assert told == json.loads(page(home, f"/api/v1/alerts/{ALERT}/explain"))


def test_command_api_and_page_print_the_same_numbers(home: Path) -> None:
    """Every share of the report is read off all three faces."""
    as_of = "2021-10-13"
    report = json.loads(page(home, f"/api/v1/exposure?item=urea&as_of={as_of}"))
    wanted = [percent(line["share"]) for line in report["shares"]]
    wanted += [percent(line[key]) for line in report["exposures"]
               for key in ("share_at_risk", "loss", "probability")]  # fmt: skip
    assert "97.6 %" in wanted
    assert len(wanted) > 5
    table = cli(home, "exposure", "--item", "urea", "--as-of", as_of, "--lang", "en")
    html = unescape(page(home, f"/exposure?item=urea&as_of={as_of}&lang=en"))
    cells = re.findall(r'<td class="num"[^>]*>(?:≥ )?([^<]*)</td>', html)
    for number in wanted:
        assert number in table
        assert number in cells


def test_an_explanation_walks_from_the_delivery_back_to_the_url(home: Path) -> None:
    store = Store.open(home)
    try:
        found = explain(store, ALERT[:12], viewer=OPERATOR)
    finally:
        store.close()
    assert [(d.receiver, d.reason, d.state) for d in found.deliveries] == [
        ("transport", "first", "sent")
    ]
    assert found.ruleset is not None
    assert (found.ruleset.version, found.ruleset.by) == (2, "kim")
    assert found.thresholds["rules.caution-item.when.severity"] == "1.0"
    assert [c.key for c in found.ruleset.changed] == ["rules.caution-item.when.severity"]
    weights = [hop.weight for hop in found.exposures[0].path]
    assert weights == [0.976, None, None, None]
    assert found.exposures[0].path[0].citation.endswith("https://example.org/share")
    assert found.event is not None
    tags = found.event.evidence[0].tags
    assert (tags[0].type.code, tags[0].probability) == ("export_restriction", 0.91)
    assert found.event.evidence[0].model == "lexicon.v1"
    assert found.event.evidence[0].url == "https://example.org/urea"
    assert found.event.evidence[1].url == ""  # a javascript: link is dropped


def test_the_report_counts_what_is_stated_inferred_and_unknown(home: Path) -> None:
    store = Store.open(home)
    try:
        report = exposure_report(store, "item", "urea", now=NOW)
    finally:
        store.close()
    rows = {b.basis: b.rows for b in report.bases}
    assert rows["unknown"] >= 1
    assert rows["inferred"] >= 2
    assert rows["stated"] >= 5


def test_every_use_and_ministry_of_urea_is_in_the_report(home: Path) -> None:
    """Fertiliser alone is how urea went to the wrong ministry in 2021."""
    store = Store.open(home)
    try:
        report = exposure_report(store, "item", "요소", now=NOW)
    finally:
        store.close()
    assert {use.industry.code for use in report.uses if use.industry} >= {"49301", "20311"}
    assert len(report.ministries) >= 3


def test_what_was_known_then_is_asked_with_as_of(home: Path) -> None:
    store = Store.open(home)
    try:
        before = exposure_report(store, "item", "urea", now=NOW, as_of=NOW.replace(day=1))
        after = exposure_report(store, "item", "urea", now=NOW, as_of=NOW)
        assert not alert_list(store, as_of=NOW.replace(day=1))
        assert len(alert_list(store, as_of=NOW)) == 1
    finally:
        store.close()
    assert not before.alerts
    assert not before.exposures
    assert len(after.alerts) == 1


def test_no_face_shows_a_figure_of_a_later_period(home: Path) -> None:
    """2021-10-13: what was read of 2022 and later is left out, and the report says so."""
    as_of = "2021-10-13"
    report = json.loads(page(home, f"/api/v1/exposure?item=urea&as_of={as_of}"))
    periods = {line["period"] for line in report["shares"]}
    assert periods
    assert all(int(period[:4]) <= 2021 for period in periods if period), periods
    assert "later-figures" in {note["code"] for note in report["notes"]}
    (dependence,) = report["dependence"]
    assert dependence["hhi"] is None or dependence["hhi"] <= 1


def test_an_exposure_of_a_later_figure_takes_the_one_known_by_the_day(home: Path) -> None:
    store = Store.open(home)
    try:
        stored = store.exposures(item="urea")[0]
    finally:
        store.close()
    later = replace(stored, path=(replace(stored.path[0], period="2021"), *stored.path[1:]))
    seen = known_then(later, NOW.date())
    assert seen.share_at_risk == seen.path[0].weight == 0.8
    assert seen.path[0].period == "2021-01..09"
    assert known_then(later, date(2019, 1, 1)).share_at_risk is None
    assert known_then(stored, NOW.date()) is stored


def test_an_index_is_unknown_when_the_figures_clash() -> None:
    for line in dependence_lines(ITEMS, NOW.date()):
        assert (line.hhi is None) == (line.why_unknown is not None)
        assert line.hhi is None or 0 <= line.hhi <= 1.05


def test_hs_codes_english_and_korean_names_find_the_item() -> None:
    assert "urea" in find("item", "310210")
    assert "urea" in find("item", "3102.10")
    assert find("item", "Urea") == ["urea"]
    assert find("item", "요소") == ["urea"]
    assert find("country", "중국") == ["CN"]
    with pytest.raises(UnknownName, match="near: Urea"):
        find("item", "ureaa")


def test_an_unknown_question_is_refused_with_what_is_allowed(home: Path) -> None:
    store = Store.open(home)
    try:
        with pytest.raises(ValueError, match=KINDS[0]):
            exposure_report(store, "planet", "mars", now=NOW)
        with pytest.raises(NotFound, match="ews firms import"):
            exposure_report(store, "firm", "nobody", now=NOW, viewer=OPERATOR)
    finally:
        store.close()


def test_a_code_without_a_name_is_shown_as_it_is() -> None:
    assert label("item", "no-such-item").ko == "no-such-item"
    assert node_label("origin:CN:urea").en == "Urea from China"
    assert node_label("use:urea:1").ko != "use:urea:1"


def test_plain_writes_times_as_the_api_does() -> None:
    assert plain({"at": NOW, "x": (1, None)}) == {"at": "2021-10-12T02:00:00Z", "x": [1, None]}
