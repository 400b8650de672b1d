"""One question by the command line, the API, the page and the desk: the same numbers."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from ews.cli import app
from ews.config import load_settings
from ews.reports import Names
from ews.reports.receivers import routes_of
from ews.reports.standing import network
from ews.reports.views import plain
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate
from tests.tuning_home import LATER, TuningHome

CHANGE = {"rules.caution-dependent.when.probability.raise_at": "0.72", "budget.산업과": "1"}


def test_command_line_api_page_and_desk_give_the_same_numbers(
    tuning_home: TuningHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tuning_home
    monkeypatch.setenv("EWS_HOME", str(home.folder))
    typed = [f"{key}={value}" for key, value in CHANGE.items()]
    settings = load_settings(home.folder)
    desk = Desk(home.store, settings, network(), routes_of(settings), Names())
    asked = desk.preview(Candidate(1, CHANGE), desk.period(LATER))
    printed = CliRunner().invoke(app, ["tune", "try", *typed, "--json"])
    assert printed.exit_code == 0, printed.output
    answered = home.api("분석가").get("/api/v1/tuning/preview", params={"set": typed})
    found = [json.loads(printed.stdout), answered.json(), json.loads(json.dumps(plain(asked)))]
    for one in found:
        del one["seconds"]  # of work: not part of the answer
    assert found[0] == found[2]
    assert found[1] == found[2]
    assert asked.alerts_before.caution > asked.alerts_after.caution > 0
    query = "&".join(typed)
    html = home.browser("분석가").get(f"/tuning?lang=en&{query}").text
    text = re.sub(r"<[^>]+>", " ", html)
    for load in (asked.alerts_before, asked.alerts_after):
        assert re.search(rf"\b{load.caution_per_day:.2f}\b", text), load
