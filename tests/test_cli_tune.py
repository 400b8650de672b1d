"""`ews tune` by hand: what is shown, tried, saved, planned and taken back, and for whom."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from ews.cli import app
from tests.tuning_home import TuningHome, open_tuning_home

RAISE = "rules.caution-dependent.when.probability.raise_at"
KEY = "group.reopen_days"


@pytest.fixture
def saving(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TuningHome]:
    for home in open_tuning_home(tmp_path_factory.mktemp("saving"), empty=True):
        monkeypatch.setenv("EWS_HOME", str(home.folder))
        yield home


def tune(*words: str, token: str | None = None) -> Result:
    before = [] if token is None else ["--as", token]
    return CliRunner().invoke(app, [*before, "tune", *words])


def save(*words: str) -> Result:
    return tune("save", *words, "--name", "mine", "--reason", "tried", "--by", "분석가")


def test_what_a_change_would_have_done_is_told_in_both_languages(
    tuning_home: TuningHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EWS_HOME", str(tuning_home.folder))
    ko = tune("try", f"{RAISE}=0.85", "--lang", "ko")
    en = tune("try", f"{RAISE}=0.85", "--lang", "en")
    assert (ko.exit_code, en.exit_code) == (0, 0), ko.output + en.output
    for text, words in (
        (ko.output, ("새 경보", "수신처별 메시지", "읽을 경보", "규칙 시험")),
        (en.output, ("New alerts", "Messages by receiver", "Alerts to read")),
    ):
        assert all(word in text for word in words), text  # fmt: skip
        assert "0.85" in text
        assert "산업과" in text
    shown = tune("show", "--lang", "en")
    assert "raises at" in shown.output
    assert "budget.산업과" in shown.output
    assert json.loads(tune("show", "--json").stdout)["version"] == 1


def test_a_proposal_says_what_the_other_half_says(
    tuning_home: TuningHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EWS_HOME", str(tuning_home.folder))
    days = ("--from", "2023-10-02", "--to", "2023-10-05")
    found = tune("propose", "--most", "2", "--stage", "주의", *days, "--lang", "en")
    assert found.exit_code == 0, found.output
    assert "first half, fitted" in found.output
    assert "believe the second" in found.output


def test_a_change_is_saved_planned_shown_and_taken_back(saving: TuningHome) -> None:
    assert save(f"{KEY}=6").exit_code == 0
    planned = save("evaluate.quiet_days=29", "--at", "2099-01-01")
    assert planned.exit_code == 0, planned.output
    assert "2099-01-01 00:00 KST" in planned.output
    waiting = json.loads(tune("planned", "--json").stdout)
    assert [(one["version"], one["name"], one["in_force_at"]) for one in waiting] == [
        (3, "mine", "2098-12-31T15:00:00Z")
    ]
    shown = json.loads(tune("diff", "1", "--json").stdout)
    assert {row["key"] for row in shown} == {KEY, "evaluate.quiet_days"}
    assert tune("undo", "--reason", "no", "--by", "분석가").exit_code == 0
    assert json.loads(tune("planned", "--json").stdout) == []
    assert "예약된 변경이 없습니다" in tune("planned", "--lang", "ko").output
    assert tune("diff", "2", "4").exit_code == 1  # the same rules
    acts = [act for act in saving.store.acts() if act.kind.value == "rules"]
    assert [act.by for act in acts] == ["분석가"] * 3


def test_two_analysts_at_once_get_a_conflict_in_words_and_a_way_on(saving: TuningHome) -> None:
    assert save(f"{KEY}=6").exit_code == 0
    late = save("evaluate.quiet_days=29", "--base", "1", "--lang", "ko")
    assert late.exit_code == 2
    assert "--rebase" in late.output
    assert "분석가" in late.output
    assert save("evaluate.quiet_days=29", "--base", "1", "--rebase").exit_code == 0
    assert save(f"{KEY}=5", "--base", "1", "--rebase").exit_code == 2


def test_what_cannot_be_saved_is_refused_with_the_reason(saving: TuningHome) -> None:
    for change, what in (
        ("nokey", "key=value"),
        (f"{RAISE}=1.5", "out of reach"),
        ("budget.nobody=3", "no receiver"),
        ("sensitivity.countries.Korea=2", "no country"),
        ("rules.watch-item.when.severity.raise_at=2.9", "rule tests fail"),
    ):
        found = save(change, "--lang", "en")
        assert (found.exit_code, what in found.output) == (2, True), (change, found.output)
    assert saving.store.ruleset().version == 1  # type: ignore[union-attr]


def test_tuning_is_for_analysts_and_operators(saving: TuningHome) -> None:
    for name in ("공무원", "기업인"):
        for words in (("show",), ("try", f"{RAISE}=0.7"), ("planned",), ("propose", "--most", "1"),
                      ("save", f"{KEY}=6", "--name", "x", "--reason", "x"),
                      ("undo", "--reason", "x"), ("diff", "1")):  # fmt: skip
            found = tune(*words, token=saving.tokens[name])
            assert found.exit_code == 2, (name, words)
            assert "not for a viewer" in found.output
    analyst = saving.tokens["분석가"]
    assert tune("show", token=analyst).exit_code == 0
    saved = tune("save", f"{KEY}=6", "--name", "x", "--reason", "x", token=analyst)
    assert saved.exit_code == 0, saved.output
    other = tune("save", f"{KEY}=5", "--name", "x", "--reason", "x", "--by", "다른분석가",
                 token=analyst)  # fmt: skip
    assert other.exit_code == 2


def test_rules_set_runs_the_analysts_own_cases_too(saving: TuningHome) -> None:
    (saving.folder / "rules_test.toml").write_text(
        '[[case]]\nname = "mine"\nshare = 0.9\nexpect = "심각"\n', "utf-8"
    )
    words = ["rules", "set", f"{KEY}=6", "--reason", "x", "--by", "분석가"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "'mine'" in refused.output
    assert CliRunner().invoke(app, ["rules", "test"]).exit_code == 1
    assert CliRunner().invoke(app, [*words, "--force-tests"]).exit_code == 0
    assert "mine" in saving.store.ruleset().reason  # type: ignore[union-attr]
