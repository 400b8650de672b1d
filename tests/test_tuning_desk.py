"""The tuning desk over a home with four weeks of events: previews, proposals, saving."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ews.config import load_settings
from ews.model import Basis, Outcome, Resolution, Stage
from ews.reports import Names
from ews.reports.receivers import routes_of
from ews.reports.standing import network
from ews.storage import Store
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate, Period, Preview, Target
from ews.tuning.rule_tests import own_file
from ews.tuning.rules import RuleChangeError, RulesConflict, in_force, set_rules
from tests.tuning_home import DAYS, FIRST, LATER, TuningHome, copy_of, open_tuning_home

RAISE = "rules.caution-dependent.when.probability.raise_at"


@pytest.fixture(scope="module")
def desk(tuning_home: TuningHome) -> Desk:
    return desk_on(tuning_home.store, tuning_home.folder)


def desk_on(store: Store, folder: Path) -> Desk:
    settings = load_settings(folder)
    return Desk(store, settings, network(), routes_of(settings), Names())


def preview(desk: Desk, curve: bool = False, **changes: str) -> Preview:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return desk.preview(Candidate(1, named), desk.period(LATER), curve=curve)


def test_the_period_is_that_of_the_last_replay(desk: Desk) -> None:
    assert desk.period(LATER) == Period(FIRST, FIRST + timedelta(days=DAYS))


def test_without_a_change_before_and_after_are_one_and_are_what_was_told(desk: Desk) -> None:
    found = preview(desk)
    assert found.alerts_before == found.alerts_after
    assert found.diff == ()
    assert {row.side for row in found.alerts} == {"same"}
    assert found.alerts_before.total == len(desk.store.alerts())
    told = [n for n in desk.store.notifications() if n.receiver == "산업과" and n.reason.sent]
    (row,) = [one for one in found.receivers if one.receiver == "산업과"]
    assert row.before.told == len([n for n in told if not n.edit and not n.bulletin])


def test_a_higher_threshold_loses_alerts_and_says_which(desk: Desk) -> None:
    found = desk.preview(Candidate(1, {RAISE: "0.85"}), desk.period(LATER), curve=False)
    assert found.alerts_after.caution < found.alerts_before.caution
    gone = [row for row in found.alerts if row.side in ("lost", "moved")]
    assert gone
    assert all(row.link.startswith("https://example.org/") and row.title for row in gone)
    assert [(row.key, row.before, row.after) for row in found.diff] == [(RAISE, 0.55, 0.85)]


def test_a_type_that_is_never_told_is_told_no_more(desk: Desk) -> None:
    found = desk.preview(
        Candidate(1, {"sensitivity.types.export_restriction": "0"}), desk.period(LATER), curve=False
    )
    lost = [row for row in found.alerts if row.side == "lost"]
    assert {row.type for row in lost} == {"export_restriction"}
    assert not [r for r in found.alerts if r.type == "export_restriction" and r.side != "lost"]


def test_a_budget_holds_what_it_does_not_pay_for(desk: Desk) -> None:
    found = desk.preview(Candidate(1, {"budget.산업과": "0"}), desk.period(LATER), curve=False)
    (row,) = [one for one in found.receivers if one.receiver == "산업과"]
    assert (row.before.budget, row.after.budget) == (2, 0)
    assert row.after.held_by_budget > row.before.held_by_budget
    assert row.after.told < row.before.told


def test_the_curve_falls_as_thresholds_rise_and_passes_through_the_candidate(desk: Desk) -> None:
    curve = preview(desk, curve=True).curve
    assert curve is not None
    per_day = [one.per_day for one in curve.points]
    assert per_day == sorted(per_day, reverse=True)
    (same,) = [one for one in curve.points if one.factor == 1.0]
    assert (same.per_day, same.caught) == (curve.after.per_day, curve.after.caught)


def test_what_people_said_of_alerts_makes_precision(
    tuning_home: TuningHome, tmp_path: Path
) -> None:
    desk = desk_on(copy_of(tuning_home, tmp_path), tmp_path)
    assert preview(desk, curve=True).curve.after.precision is None  # type: ignore[union-attr]
    told = [alert for alert in desk.store.alerts() if alert.max_stage >= Stage.CAUTION][:4]
    desk.store.save_resolutions([
        Resolution(f"res-{n}", alert.id, Outcome.TRUE if n else Outcome.FALSE, LATER,
                   Basis.FEEDBACK, "Kim", ())
        for n, alert in enumerate(told)
    ])  # fmt: skip
    found = preview(desk, curve=True)
    assert found.curve is not None
    assert (found.curve.after.right, found.curve.after.judged) == (3, 4)
    assert sum(row.judged == "false" for row in found.alerts) == 1
    desk.store.close()


def test_a_proposal_keeps_within_the_load_and_is_the_same_when_asked_again(desk: Desk) -> None:
    target = Target(most_per_day=0.2, stage=Stage.CAUTION)
    found = desk.propose(target, desk.period(LATER), LATER, tries=24)
    _, before, after = found.fitted
    assert before.per_day > 0.2 >= after.per_day
    assert found.met
    assert found.tried <= found.most_tries
    assert found.candidate.changes
    assert found.fitted[0].until == found.held_out[0].since
    again = desk.propose(target, desk.period(LATER), LATER, tries=24)
    assert again.candidate == found.candidate
    assert again.preview == found.preview


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"budget.nobody": "3"}, "no receiver 'nobody'"),
        ({RAISE: "high"}, "not a number"),
        ({"rules.nothing": "1"}, "unknown key"),
    ],
)
def test_a_change_that_cannot_be_is_refused_in_a_preview_as_in_a_save(
    desk: Desk, changes: dict[str, str], what: str
) -> None:
    with pytest.raises(RuleChangeError, match=what):
        desk.preview(Candidate(1, changes), desk.period(LATER))
    with pytest.raises(RuleChangeError, match=what):
        desk.save(Candidate(1, changes), name="x", reason="x", now=LATER, by="x")


def test_a_preview_runs_the_analysts_own_cases_and_names_a_broken_file(desk: Desk) -> None:
    file = own_file(desk.settings.home)
    file.write_text('[[case]]\nname = "mine"\nshare = 0.9\nexpect = "심각"\n', "utf-8")
    failed = preview(desk).tests.failed
    assert [(one.name, one.own, one.expected) for one in failed] == [("mine", True, "심각")]
    file.write_text("[[case]\n", "utf-8")
    assert "not TOML" in preview(desk).tests.file_error
    file.unlink()
    assert preview(desk).tests.failed == ()


def test_every_knob_names_a_key_that_can_be_set(desk: Desk) -> None:
    base = in_force(desk.store)
    for knob in desk.knobs(base):
        assert knob.value is None or knob.low <= knob.value <= knob.high, knob
        if knob.group == "rule" and knob.end == "raise_at":
            desk.rules_at(1, {knob.key: f"{knob.high:g}"})


def test_the_desk_refuses_to_save_what_was_tried_against_other_rules(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    for made in open_tuning_home(tmp_path_factory.mktemp("saving"), empty=True):
        settings = load_settings(made.folder)
        desk = Desk(made.store, settings, network(), routes_of(settings), Names())
        person = made.store.person(name="분석가")
        assert person is not None
        from ews.tuning.rules import Changer

        set_rules(made.store, {RAISE: "0.6"}, by="", reason="first", now=LATER,
                  changer=Changer(person, "cli", "k1"))  # fmt: skip
        with pytest.raises(RulesConflict, match="분석가"):
            desk.save(Candidate(1, {RAISE: "0.7"}), name="mine", reason="second", now=LATER,
                      changer=Changer(person, "cli", "k2"))  # fmt: skip
        saved = desk.plan(Candidate(2, {RAISE: "0.7"}), LATER + timedelta(days=1), name="mine",
                          reason="second", now=LATER, changer=Changer(person, "cli", "k3"))  # fmt: skip
        (act, *_) = [one for one in made.store.acts() if one.detail.get("ruleset") == "3"]
        assert (saved.name, act.detail["name"], act.by) == ("mine", "mine", "분석가")
        undone = desk.undo(reason="no", now=LATER, changer=Changer(person, "cli", "k4"))
        assert [v.state for v in desk.versions(LATER)][:2] == ["in_force", "replaced"]
        assert undone.rules == made.store.ruleset(2).rules  # type: ignore[union-attr]
