"""The command line as a person types it: answers, exit codes, JSON, and errors that help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ews.cli import app
from ews.model import Fetch, FetchOutcome
from ews.storage import Store
from scrapers import load_sources
from tests.faces_home import make_home

ALERT = "alr-urea0000000001"
MANY_COLUMNS = {"COLUMNS": "200"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder)
    return folder


def ews(*words: str, home: Path | None = None) -> Result:
    at = ["--home", str(home)] if home else []
    return CliRunner().invoke(app, [*words, *at], env=MANY_COLUMNS)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["alerts"], 0),
        (["alerts", "--stage", "심각"], 1),
        (["alerts", "--stage", "purple"], 2),
        (["alerts", "--state", "odd"], 2),
        (["alerts", "--since", "soon"], 2),
        (["alerts", "--item", "nosuchitem"], 1),
        (["alerts", "--item", "999999"], 1),
        (["exposure", "--item", "999999"], 1),
        (["exposure", "--item", "31"], 1),
        (["exposure", "--item", "310210"], 0),
        (["exposure", "--item", "9999"], 0),
        (["score", "--episodes", "nosuchfile.jsonl"], 2),
        (["alert", ALERT], 0),
        (["alert", "alr-none"], 1),
        (["explain", ALERT[:10]], 0),
        (["sources"], 0),
        (["sources", "yonhap_economy"], 0),
        (["sources", "nosuchsource"], 1),
        (["scrape", "nosuchsource"], 2),
        (["exposure", "--item", "urea"], 0),
        (["exposure", "--item", "nosuchitem"], 1),
        (["exposure"], 2),
        (["exposure", "--item", "urea", "--country", "CN"], 2),
        (["exposure", "--event", "evt-none"], 1),
        (["firms", "list"], 0),
        (["firms", "list", "--owner", "nobody"], 1),
        (["rules", "show"], 0),
        (["rules", "show", "--history"], 0),
        (["rules", "show", "99"], 2),
        (["rules", "diff", "1", "2"], 0),
        (["rules", "diff", "2", "2"], 1),
        (["routes", "test", "--alert", ALERT], 0),
        (["routes", "test", "stage=경계", "item=urea"], 0),
        (["routes", "test", "colour=red"], 2),
        (["routes", "test"], 2),
        (["alerts", "--lang", "xx"], 2),
        (["config"], 0),
        (["nosuchcommand"], 2),
    ],
)
def test_exit_codes_tell_found_from_not_found_from_bad_input(
    home: Path, words: list[str], code: int
) -> None:
    at = None if words == ["nosuchcommand"] else home
    result = ews(*words, home=at)
    assert result.exit_code == code, result.output


@pytest.mark.parametrize(
    "words",
    [
        ["alerts"], ["alert", ALERT], ["explain", ALERT], ["sources"], ["sources", "yonhap_economy"],
        ["exposure", "--item", "urea"], ["firms", "list"], ["rules", "show"],
        ["rules", "show", "--history"], ["rules", "diff", "1"], ["config"],
        ["routes", "test", "stage=경계", "item=urea"],
    ],
)  # fmt: skip
def test_what_prints_a_table_prints_json_too(home: Path, words: list[str]) -> None:
    result = ews(*words, "--json", home=home)
    assert json.loads(result.stdout)
    assert result.stderr == ""


def test_times_in_json_are_utc_with_a_zone(home: Path) -> None:
    found = json.loads(ews("alerts", "--json", home=home).stdout)
    assert datetime.fromisoformat(found[0]["raised_at"]).utcoffset() is not None


def test_explain_prints_every_step_back_to_the_url(home: Path) -> None:
    told = ews("explain", ALERT, "--lang", "en", home=home).stdout
    for step in (
        "transport", "first notice", "molit depends on urea",  # delivery and reason
        "caution-item", "kim: quieter", "rules.caution-item.when.severity=1.0",  # rule, RuleSet
        "97.6 %", "https://example.org/share", "2021", "stated",  # path
        "Export restriction", "91.0 %", "lexicon.v1",  # event, tags, model
        "https://example.org/urea",  # article
    ):  # fmt: skip
        assert step.casefold() in told.casefold(), step


def test_text_from_a_feed_cannot_steer_the_terminal(home: Path) -> None:
    for words in (["alerts"], ["alert", ALERT], ["explain", ALERT]):
        told = ews(*words, home=home).stdout
        assert "\x1b" not in told
        assert "[red]checks[/red]" in told  # shown as text, not read as markup


def test_the_commands_speak_korean_by_default_and_english_when_asked(home: Path) -> None:
    assert "주의" in ews("alerts", home=home).stdout
    assert "caution" in ews("alerts", "--lang", "en", home=home).stdout


def test_an_unknown_name_is_answered_with_near_ones(home: Path) -> None:
    result = ews("exposure", "--item", "ureaa", home=home)
    assert "urea" in result.stderr
    assert "Traceback" not in result.output


def test_a_wrong_firm_file_changes_nothing_and_names_each_line(home: Path, tmp_path: Path) -> None:
    before = ews("firms", "list", "--json", home=home).stdout
    file = tmp_path / "links.csv"
    rows = "A,nosuchitem,CN,0.5\nB,urea,XX,7\nC,999999,CN,0.5\nD,310210,CN,0.5\n"
    file.write_text(f"firm,item,country,share\n{rows}", "utf-8")
    result = ews("firms", "import", str(file), "--owner", "표본상사", home=home)
    assert result.exit_code == 2
    assert "links.csv:2:" in result.stderr
    assert "links.csv:3:" in result.stderr
    assert "such as CN" in result.stderr
    assert "unknown item '999999'" in result.stderr
    assert "write one of: urea" in result.stderr
    assert "ews items" not in result.stderr  # there is no such command
    assert ews("firms", "list", "--json", home=home).stdout == before


def test_a_firm_file_replaces_the_owners_rows_only(tmp_path: Path) -> None:
    for owner, share in (("A", "0.5"), ("B", "0.6"), ("A", "0.7")):
        file = tmp_path / f"{owner}.csv"
        file.write_text(f"firm,item,country,share\n{owner}사,urea,CN,{share}\n", "utf-8")
        assert ews("firms", "import", str(file), "--owner", owner, home=tmp_path).exit_code == 0
    rows = json.loads(ews("firms", "list", "--json", home=tmp_path).stdout)
    assert {(row["owner"], row["share"]) for row in rows} == {("A", 0.7), ("B", 0.6)}


def test_a_threshold_is_changed_with_name_and_reason_and_undone(tmp_path: Path) -> None:
    key = "rules.caution-item.when.severity.raise_at"
    Store.open(tmp_path).close()
    shown = json.loads(ews("rules", "show", "--json", home=tmp_path).stdout)
    assert shown["version"] == 1
    why = ["--by", "kim", "--reason", "too many"]
    assert ews("rules", "set", f"{key}=1.4", *why, home=tmp_path).exit_code == 0
    assert ews("rules", "set", "rules.nothing=1", *why, home=tmp_path).exit_code == 2
    assert ews("rules", "set", key, *why, home=tmp_path).exit_code == 2
    changed = json.loads(ews("rules", "diff", "1", "--json", home=tmp_path).stdout)
    assert [(one["key"], one["after"]) for one in changed] == [(key, "1.4")]
    assert ews("rules", "undo", *why, home=tmp_path).exit_code == 0
    assert ews("rules", "diff", "1", home=tmp_path).exit_code == 1
    history = json.loads(ews("rules", "show", "--history", "--json", home=tmp_path).stdout)
    assert [(one["version"], one["by"]) for one in history][:2] == [(3, "kim"), (2, "kim")]


@pytest.mark.parametrize(
    "words",
    [["alerts"], ["alert", "alr-x"], ["explain", "alr-x"], ["exposure", "--item", "urea"],
     ["doctor"], ["rules", "show"], ["firms", "list"]],
)  # fmt: skip
def test_asking_a_home_that_is_not_there_says_so_and_makes_none(
    tmp_path: Path, words: list[str]
) -> None:
    absent = tmp_path / "absent"
    result = ews(*words, home=absent)
    assert result.exit_code == 3, result.output
    assert "no such home" in result.stderr
    assert "ews demo" in result.stderr
    assert not absent.exists()


@pytest.mark.parametrize("words", [["sources"], ["rules", "test"], ["check"]])
def test_what_needs_no_home_makes_none(tmp_path: Path, words: list[str]) -> None:
    absent = tmp_path / "absent"
    assert ews(*words, home=absent).exit_code in {0, 1}
    assert not absent.exists()


def test_a_home_that_never_fetched_is_not_on_time(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    checks = {one["name"]: one for one in json.loads(ews("doctor", "--json", home=tmp_path).stdout)}
    assert not checks["schedule"]["ok"]


def test_a_threshold_out_of_reach_of_its_measure_is_refused(tmp_path: Path) -> None:
    why = ["--by", "kim", "--reason", "typo"]
    for change in ("probability.raise_at=70", "named.raise_at=2", "severity.raise_at=3.5"):
        result = ews("rules", "set", f"rules.caution-item.when.{change}", *why, home=tmp_path)
        assert result.exit_code == 2
        assert "out of reach" in result.stderr


def test_an_empty_or_unreadable_reference_file_is_named(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "episodes.jsonl"
    for content, said in ((b"", "no episode"), (b"\xff\xfe\x00", "UTF-8")):
        file.write_bytes(content)
        result = ews("score", "--episodes", str(file), home=home)
        assert result.exit_code == 2
        assert "episodes.jsonl" in result.stderr
        assert said in result.stderr


def test_a_wrong_time_names_the_option(home: Path) -> None:
    for words in (["alerts", "--since", "soon"], ["exposure", "--item", "urea", "--as-of", "x"]):
        result = ews(*words, home=home)
        assert result.exit_code == 2
        assert words[-2] in result.stderr


def test_a_firms_own_links_come_first(home: Path) -> None:
    told = ews("exposure", "--firm", "표본상사", "--lang", "en", home=home).stdout
    assert told.index("own supplier links") < told.index("Share of Korea")
    assert "14 days" in told
    assert "90.0 %" in told


def test_a_firm_file_without_rows_changes_nothing(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "links.csv"
    file.write_text("firm,item,country,share\n", "utf-8")
    result = ews("firms", "import", str(file), "--owner", "표본상사", home=home)
    assert result.exit_code == 2
    assert "no rows; nothing was changed" in result.stderr
    assert ews("firms", "list", home=home).exit_code == 0


def test_a_firm_file_may_name_countries_and_hs_codes(tmp_path: Path) -> None:
    file = tmp_path / "links.csv"
    file.write_text("firm,item,country,share\nA,270900,중국,0.5\nA,헬륨,Qatar,0.5\n", "utf-8")
    assert ews("firms", "import", str(file), "--owner", "A", home=tmp_path).exit_code == 0
    rows = json.loads(ews("firms", "list", "--json", home=tmp_path).stdout)
    assert {row["country"] for row in rows} == {"CN", "QA"}


def test_no_imported_link_is_said_in_words(home: Path) -> None:
    result = ews("firms", "list", "--owner", "nobody", "--lang", "en", home=home)
    assert "No supplier link" in result.stdout


def test_the_shipped_rule_cases_pass(tmp_path: Path) -> None:
    result = ews("rules", "test", home=tmp_path)
    assert result.exit_code == 0, result.output


def test_secrets_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EWS_SLACK_BOT_TOKEN", "xoxb-very-secret")
    for words in (["config"], ["config", "--json"]):
        told = ews(*words, home=tmp_path).stdout
        assert "very-secret" not in told
        assert "***" in told


def test_a_misspelt_setting_is_an_error_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "ews.toml").write_text("treads = 2\n", "utf-8")
    result = ews("config", home=tmp_path)
    assert result.exit_code == 3
    assert "treads" in result.stderr


def test_a_scrape_without_a_contact_says_what_to_set(tmp_path: Path) -> None:
    result = ews("scrape", "yonhap_economy", home=tmp_path)
    assert result.exit_code == 3
    assert "contact" in result.stderr


def test_doctor_names_the_failing_source(home: Path) -> None:
    result = ews("doctor", "--json", home=home)
    assert result.exit_code == 1
    checks = {one["name"]: one for one in json.loads(result.stdout)}
    assert checks["store"]["ok"]
    assert not checks["sources"]["ok"]


def test_doctor_looks_at_our_own_line_when_most_sources_are_silent(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    now = datetime.now(UTC)
    with store.begin() as tx:
        for one in load_sources():
            tx.save_fetch(Fetch(one.name, now, FetchOutcome.FAILED, error="no answer"))
    store.close()
    for lang, words in (
        ("ko", ("이상 수집원", "곳이 조용함", "인터넷과 시계")),
        ("en", ("FAILED sources", "are silent", "the line")),
    ):
        result = ews("doctor", "--lang", lang, home=tmp_path)
        assert result.exit_code == 1
        told = " ".join(result.stdout.split())
        assert all(one in told for one in words)


def test_doctor_says_what_is_wrong_with_the_routes_of_this_home(tmp_path: Path) -> None:
    def routes() -> dict[str, object]:
        checks = json.loads(ews("doctor", "--json", home=tmp_path).stdout)
        return next(one for one in checks if one["name"] == "routes")

    Store.open(tmp_path).close()
    assert routes()["ok"]
    own = tmp_path / "routes.toml"
    own.write_text(
        '[[receiver]]\nname = "desk"\nchannel = "console"\naddress = "-"\nlang = "ko"\n'
        'minimum = "주의"\npeople = ["nobody-known"]\n', "utf-8"
    )  # fmt: skip
    assert "nobody-known" in str(routes()["found"])
    own.write_text("[[receiver]\n", "utf-8")
    assert not routes()["ok"]


def test_check_finds_a_second_owner_of_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    from ews.cli import checks

    monkeypatch.setattr(checks, "packages_distributions", lambda: {"nlp": ["nlp"]})
    found = {one.name: one for one in checks._rooms()}
    assert not found["room nlp"].ok
    assert "uninstall" in found["room nlp"].advice
    assert found["room graph"].ok


def test_check_tells_that_no_parse_worker_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from ews.cli import checks

    monkeypatch.setattr("scrapers.worker._START", "raise SystemExit('no module scrapers')")
    (found,) = checks._worker()
    assert (found.name, found.ok) == ("parse worker", False)
    assert "no module scrapers" in found.found


def test_check_passes_here_but_for_what_this_machine_lacks(tmp_path: Path) -> None:
    result = ews("check", "--json", home=tmp_path)
    failed = {one["name"] for one in json.loads(result.stdout) if not one["ok"]}
    assert failed <= {"model", "sqlite"}, result.stdout
    assert not (tmp_path / "ews.db").exists()  # looking creates nothing


def test_help_answers_within_a_second() -> None:
    command = [sys.executable, "-m", "ews", "--help"]
    begun = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    spent = time.perf_counter() - begun
    assert "exposure" in result.stdout
    assert spent < 1.0 or _machine_is_busy(), f"{spent:.2f} s: something heavy is imported"


def _machine_is_busy() -> bool:
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom ews.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'sqlalchemy', 'transformers', 'fastapi', 'networkx', 'numpy', 'apscheduler',"
        " 'onnxruntime', 'scrapers', 'nlp', 'graph', 'alerts'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
