"""`ews routes`: who would get what, in both languages and as JSON, and nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alerts.routing import Routes, Spent, Told, route
from ews.cli import app
from ews.model import Receiver
from ews.storage import Store
from tests.alert_samples import NOW, change, urea_event
from tests.empty_store import migrated

OWN = """
inhibit = []
[[receiver]]
name = "transport"
channel = "slack"
address = "C1"
lang = "ko"
ministries = ["molit"]
quiet = "22:00-07:00"
people = ["kim"]
ack_within_min = { caution = 60 }
[[receiver]]
name = "culture"
channel = "slack"
address = "C2"
ministries = ["mcst"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "routes.toml").write_text(OWN, "utf-8")
    (tmp_path / "ews.db").write_bytes(migrated())
    return tmp_path


def run(home: Path, *words: str, lang: str = "en") -> Result:
    return CliRunner().invoke(app, ["routes", *words, "--home", str(home), "--lang", lang])


def test_urea_reaches_the_ministry_of_trucks_and_says_by_which_use(home: Path) -> None:
    done = run(home, "test", "stage=주의", "item=urea", "--at", "2026-01-05T10:00+09:00", "--json")
    told, other = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (told["receiver"], told["sent"], told["called"]) == ("transport", True, ["kim"])
    assert told["when"] == "2026-01-05T01:00:00Z"
    assert "exhaust fluid" in told["why"]
    assert (other["sent"], other["reason"]) == (False, None)
    assert "wants" in other["why"]


def test_at_night_it_says_until_when_it_is_held_and_ends_with_one(home: Path) -> None:
    at = "2026-01-05T23:30+09:00"
    done = run(home, "test", "item=urea", "--at", at)
    assert done.exit_code == 1
    assert "after 2026-01-06 07:00 KST" in done.stdout
    korean = run(home, "test", "item=urea", "--at", at, lang="ko").stdout
    assert "조용한 시간" in korean
    assert "의존 부처: 국토교통부 ← 요소" in korean


def test_every_item_is_asked_for_and_those_that_reach_nobody_are_counted(home: Path) -> None:
    done = run(home, "test", "--all", "--at", "2026-01-05T10:00+09:00", "--json")
    rows = {row["item"]: row for row in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert rows["urea"]["told"] == ["transport"]
    assert any(row["unlisted"] and not row["told"] for row in rows.values())
    nowhere = home / "none"
    shipped = run(nowhere, "test", "--all")
    assert shipped.exit_code == 0
    assert "0 of" in shipped.stdout
    assert not nowhere.exists(), "asking made nothing"


def test_routes_in_force_are_shown_with_what_is_wrong(home: Path) -> None:
    done = run(home, "show")
    assert done.exit_code == 1
    assert "transport" in done.stdout
    assert "08:30" in done.stdout
    assert "two channels" in done.stdout
    assert json.loads(run(home, "show", "--json").stdout)["receivers"][1]["name"] == "culture"
    (home / "routes.toml").write_text(
        "[[receiver]]\nname='c'\nchannel='console'\naddress='-'", "utf-8"
    )
    assert run(home, "show").exit_code == 0
    (home / "routes.toml").write_text(OWN.replace('"C2"', '"C1"'), "utf-8")
    assert run(home, "show").exit_code == 2


def test_shipped_cases_hold_and_own_cases_test_the_own_routes(home: Path) -> None:
    assert run(home, "cases").exit_code == 0
    own = home / "routes_test.toml"
    case = (
        "[[case]]\nname='trucks'\nministries=['molit']\nitems=['urea']\nexpect={{transport='{}'}}\n"
    )
    own.write_text(case.format("first"), "utf-8")
    assert run(home, "cases").exit_code == 0
    own.write_text(case.format("held_by_budget"), "utf-8")
    done = run(home, "cases")
    assert done.exit_code == 1
    assert "trucks" in done.stdout
    (row,) = json.loads(run(home, "cases", "--json").stdout)
    assert (row["expected"], row["got"], row["passed"]) == ("held_by_budget", "first", False)
    assert run(home, "cases", "--file", str(home / "none.toml")).exit_code == 2


def test_what_was_held_back_is_listed_with_its_reason(home: Path) -> None:
    store = Store.open(home)
    receiver = Receiver("transport", "slack", "C1", ministries=("molit",), budget_per_day=0)
    told = route([change()], Routes((receiver,)), (), Spent(), NOW, Told({}))
    with store.begin() as tx:
        tx.save_events([urea_event()])
        tx.save_changes([change()])
        tx.save_notifications([change()], told)
    store.close()

    def withheld(*words: str) -> Result:
        return CliRunner().invoke(app, ["withheld", *words, "--home", str(home), "--lang", "ko"])

    (of,) = json.loads(withheld("transport", "--json").stdout)
    (row,) = of["lines"]
    assert (of["receiver"], row["reason"], row["told"]) == ("transport", "held_by_budget", None)
    assert "하루 한도" in withheld("transport").stdout
    assert "보류된 것이 없습니다" in withheld("culture").stdout
    assert withheld("nobody").exit_code == 1


def test_the_example_for_ministries_has_no_fault_and_sends_urea_to_trucks(home: Path) -> None:
    example = Path(__file__).parents[1] / "docs" / "routes-ministries.toml"
    (home / "ews.db").unlink()  # its people are made up
    (home / "routes.toml").write_text(example.read_text("utf-8"), "utf-8")
    shown = run(home, "show", "--json")
    assert json.loads(shown.stdout)["problems"] == []
    assert shown.exit_code == 0
    at = ("--at", "2026-01-05T10:00+09:00", "--json")
    rows = {row["receiver"]: row for row in json.loads(
        run(home, "test", "stage=경계", "item=urea", *at).stdout
    )}  # fmt: skip
    told = {name for name, row in rows.items() if row["sent"]}
    assert {"국토교통부", "기후에너지환경부", "농림축산식품부", "관세청", "상황실"} <= told
    assert "조달청" not in told
    assert rows["국토교통부"]["called"] == ["국토-물류1"]
    stock = json.loads(run(home, "test", "stage=경계", "item=tin", *at).stdout)
    assert {row["receiver"]: row["sent"] for row in stock}["조달청"]
    assert run(home, "test", "--all", *at).exit_code == 0, "an item would reach nobody"


def test_a_slip_of_the_pen_in_a_code_is_named(home: Path) -> None:
    slip = OWN.replace('["molit"]', '["moilt"]\nsectors = ["499"]\nitems = ["ure"]')
    slip = (
        slip.replace("inhibit = []", "")
        + """
[[inhibit]]
name = "typo"
source = { type = "sanktions" }
target = { type = "price_shock" }
equal = ["item"]
"""
    )
    (home / "routes.toml").write_text(slip, "utf-8")
    text = " ".join(json.loads(run(home, "show", "--json").stdout)["problems"])
    for wrong in ("moilt", "'ure'", "499", "sanktions"):
        assert wrong in text
    assert "price_shock" not in text
