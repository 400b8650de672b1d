"""What the figures of the benches say of the bars of collection: no bar is met by leaving something out."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from tests.bench_collection import PARTS
from tests.collection_bars import BARS, FILE, bars
from tests.wire_formats import WIRES, folders, has_own_code

FIGURES: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
# bar -> a figure that would miss it: path, worse value
WORSE: dict[str, tuple[str, object]] = {
    "wire formats with sample and expected output": ("sources.wrong", ["usgs_week"]),
    "feedparser's own test files": ("texts.feedparser_files.differ", 1),
    "JSONTestSuite": ("texts.json_test_suite.n", "1 of 188 accepted"),
    "Big List of Naughty Strings": ("tests.files.naughty.not_passed", {"test_x": "skipped"}),
    "charset matrix": ("texts.charset_matrix.right", 55),
    "inner addresses": ("tests.files.guard.not_passed", {"test_x": "failure"}),
    "bombs and drips": ("bombs.missed", ["/drip"]),
    "24 simulated hours, 300 sources, 40 restarts": ("day.failed", ["stored.missing = 1"]),
    "10,000 feeds against feedparser alone": ("feeds.bodies", 9_999),
    "a day of GDELT against csv.reader": ("gdelt.slots", 95),
    "long lists by their differences (no bar of its own)": ("lists.eu_fsf.right", False),
    "300 sources every ten minutes (no bar of its own)": ("scale.met", False),
}


def test_the_summary_in_the_file_is_what_its_figures_say() -> None:
    assert FIGURES["summary"] == bars(FIGURES)
    assert set(FIGURES) == {"summary", *PARTS}
    assert set(WORSE) == set(BARS)


def met(figures: dict[str, Any], bar: str) -> object:
    return next(row["met"] for row in bars(figures) if row["bar"] == bar)


@pytest.mark.parametrize("bar", BARS)
def test_a_bar_is_missed_when_one_of_its_figures_is_worse(bar: str) -> None:
    path, value = WORSE[bar]
    figures = copy.deepcopy(FIGURES)
    kept = figures["day"]["stored"]
    kept["stored"] = kept["items_sent_whole"]  # whatever a kill cost in the run on file
    assert met(figures, bar)
    *onward, last = path.split(".")
    inside = figures
    for name in onward:
        inside = inside[name]
    inside[last] = value
    assert met(figures, bar) is False


def test_an_item_that_only_a_killed_process_got_costs_the_bar() -> None:
    figures = copy.deepcopy(FIGURES)
    kept = figures["day"]["stored"]
    kept["stored"] = kept["items_sent_whole"] - 1
    assert met(figures, "24 simulated hours, 300 sources, 40 restarts") is False


def test_a_bar_whose_parts_were_not_measured_is_not_met() -> None:
    assert {row["met"] for row in bars({})} == {None}
    without = copy.deepcopy(FIGURES)
    del without["texts"]["undeclared_korean"]
    assert next(row for row in bars(without) if row["bar"] == "charset matrix")["met"] is False


def test_every_source_is_of_one_wire_format_and_every_format_has_a_folder() -> None:
    found = folders()
    assert found[""] == []
    assert [one.title for one in WIRES if not found[one.title]] == []
    assert not [one.name for part in found.values() for one in part if has_own_code(one)]
    keyed = [one for wire in WIRES if wire.of == "key" for one in found[wire.title]]
    assert not [one.name for one in keyed if one.enabled]


def test_every_part_says_on_which_machine_and_commit_it_was_measured() -> None:
    for part in PARTS:
        machine = FIGURES[part]["machine"]
        assert re.fullmatch(r"[0-9a-f]{7,}", machine["commit"]), part
        assert machine["cores"] >= 1
