"""What people do to an alert, and what they cannot; what it reaches; how reports are grouped."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts import rules, stages
from alerts.contents import content
from alerts.groups import Grouping, Shelf
from alerts.headlines import change_line
from alerts.life import ActRefused, apply, sight
from alerts.messages import build_message
from alerts.rehearsal import Rehearsal
from alerts.rule_cases import run_cases
from alerts.rulebook import RuleError, load_document, read_book
from alerts.standing import signature
from ews.model import (
    Act,
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    Event,
    EventStatus,
    Evidence,
    Exposure,
    Phase,
    RuleSet,
    Stage,
)
from ews.tuning.rules import changed
from tests.alert_samples import view_of

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
RULES = rules.shipped_ruleset(NOW)


def event(name: str = "1", **changes: object) -> Event:
    evidence = tuple(Evidence(f"art-{name}-{n}", f"outlet{n}", NOW, "t") for n in range(2))
    base = Event(
        f"evt-{name}", "export_restriction", (), EventStatus.CORROBORATED, Phase.ACTUAL, 0.95, 2.0,
        ("CN",), ("urea",), (), (), (), "China holds urea", NOW, NOW, evidence, "news",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def exposure(item: str = "urea", **changes: object) -> Exposure:
    base = Exposure(
        "evt-1", item, "CN", f"use:{item}:1", "49301", ("molit",), 0.8, 0.6, 0.95, 10.0, 20.0, 90.0,
        (),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def firing(*exposures: Exposure) -> Alert:
    """An alert at 주의 for which 경계 is proposed."""
    (change,) = rules.evaluate([(event(), exposures or (exposure(),))], {}, RULES, NOW)
    return change.alert


def act(kind: ActKind, note: str = "", by: str = "Kim", **detail: str) -> Act:
    return Act("act-1", kind, by, NOW, "cli", firing().id, note, detail)


# ----- acts


def test_a_signature_puts_the_proposed_stage_in_force_under_a_name() -> None:
    change = apply(firing(), act(ActKind.SIGN_OFF), NOW)
    assert change is not None
    alert = change.alert
    assert (change.kind, change.before, change.by) == (ChangeKind.STAGE_UP, Stage.CAUTION, "Kim")
    assert (alert.stage, alert.max_stage, alert.proposed) == (Stage.ALERT, Stage.ALERT, None)
    assert (alert.signed_off_by, alert.signed_off_at, alert.sign_by) == ("Kim", NOW, None)


def test_an_ended_alert_takes_no_signature_refusal_acknowledgement_or_hand_over() -> None:
    cleared = apply(firing(), act(ActKind.CLEAR, "over"), NOW)
    assert cleared is not None
    for doing in (
        act(ActKind.SIGN_OFF), act(ActKind.REFUSE, "no"), act(ActKind.ACKNOWLEDGE),
        act(ActKind.HAND_OVER, to="Lee"), act(ActKind.CLEAR, "again"),
    ):  # fmt: skip
        with pytest.raises(ActRefused, match="has ended"):
            apply(cleared.alert, doing, NOW)


@pytest.mark.parametrize(
    ("doing", "says"),
    [
        (act(ActKind.REFUSE), "say why"),
        (act(ActKind.CLEAR), "say why"),
        (act(ActKind.HAND_OVER), "to=NAME"),
        (act(ActKind.FALSE_ALARM, reason="boring"), "not_real"),
        (act(ActKind.CLOSE, decision="bought stock"), "outcome="),
        (act(ActKind.SIGN_OFF, stage="심각"), "what can be signed now is alert"),
        (act(ActKind.SIGN_OFF, stage="노랑"), "unknown stage"),
        (replace(act(ActKind.ACKNOWLEDGE), alert_id="alr-other"), "not about"),
    ],
)
def test_an_act_that_makes_no_sense_is_refused_with_words(doing: Act, says: str) -> None:
    with pytest.raises(ActRefused, match=says):
        apply(firing(), doing, NOW)


def test_acknowledging_twice_is_refused_and_another_person_may_take_it_over() -> None:
    taken = apply(firing(), act(ActKind.ACKNOWLEDGE), NOW)
    assert taken is not None
    assert (taken.alert.state, taken.alert.holder) == (AlertState.ACKNOWLEDGED, "Kim")
    with pytest.raises(ActRefused, match="already"):
        apply(taken.alert, act(ActKind.ACKNOWLEDGE), NOW)
    other = apply(taken.alert, act(ActKind.ACKNOWLEDGE, by="Lee"), NOW)
    assert other is not None
    assert other.alert.holder == "Lee"


def test_a_hand_over_names_both_and_gives_it_to_the_second() -> None:
    change = apply(firing(), act(ActKind.HAND_OVER, "night shift", to="Lee"), NOW)
    assert change is not None
    assert change.alert.holder == "Lee"
    assert change.reason == "handed over by Kim to Lee: night shift"


def test_closing_writes_down_decision_and_outcome_and_ends_nothing() -> None:
    change = apply(firing(), act(ActKind.CLOSE, decision="stock", outcome="enough"), NOW)
    assert change is not None
    assert change.kind is ChangeKind.CLOSED
    assert change.alert.state is AlertState.FIRING
    assert "decision: stock; outcome: enough" in change.reason
    watch = replace(firing(), max_stage=Stage.WATCH)
    with pytest.raises(ActRefused, match="주의"):
        apply(watch, act(ActKind.CLOSE, decision="stock", outcome="enough"), NOW)


def test_acts_that_are_not_about_the_stage_change_no_alert() -> None:
    for kind in (ActKind.NOTE, ActKind.SILENCE, ActKind.MISSED, ActKind.RULES, ActKind.PEOPLE):
        assert apply(firing(), act(kind), NOW) is None


def test_a_false_alarm_found_after_the_all_clear_is_still_told_as_one() -> None:
    cleared = apply(firing(), act(ActKind.CLEAR, "over"), NOW)
    assert cleared is not None
    change = apply(cleared.alert, act(ActKind.FALSE_ALARM, reason="not_real"), NOW)
    assert change is not None
    assert (change.kind, change.alert.ending) == (ChangeKind.RETRACTED, Ending.RETRACTED)
    with pytest.raises(ActRefused, match="already"):
        apply(change.alert, act(ActKind.FALSE_ALARM, reason="not_real"), NOW)


# ----- sight


def test_blind_and_seeing_are_told_once_each_and_a_blind_alert_never_ends_as_quiet() -> None:
    alert = firing()
    blind = sight(alert, True, NOW)
    assert blind is not None
    assert (blind.kind, blind.alert.blind_since) == (ChangeKind.BLIND, NOW)
    assert sight(blind.alert, True, NOW) is None
    later = NOW + timedelta(days=40)
    assert rules.expire([blind.alert], {"evt-1": NOW}, RULES, later) == []
    seeing = sight(blind.alert, False, later)
    assert seeing is not None
    assert seeing.kind is ChangeKind.SEEING
    (quiet,) = rules.expire([seeing.alert], {"evt-1": NOW}, RULES, later)
    assert quiet.alert.ending is Ending.QUIET
    assert sight(quiet.alert, True, later) is None


# ----- what it reaches


def test_every_dependent_ministry_is_told_however_many_items_a_route_carries() -> None:
    carried = [exposure(f"item{n}", ministries=(f"m{n}",), industry=f"{n:05d}") for n in range(40)]
    route = event(items=(), chokepoints=("strait",))
    told = content([(route, carried)])
    assert set(told.ministries) == {f"m{n}" for n in range(40)}
    assert set(told.items) == {f"item{n}" for n in range(40)}, "one item for each ministry"
    assert len(told.industries) == 40
    alike = [exposure(f"item{n}") for n in range(40)]
    assert len(content([(route, alike)]).items) == 6, "else those it carries most"


def test_an_item_without_a_use_is_unlisted_until_a_use_is_on_record() -> None:
    unknown = exposure(use_id="use:urea:unknown", ministries=(), industry="")
    alert = firing(unknown)
    assert alert.unlisted == ("urea",)
    assert content([(event(), [exposure()])], alert).unlisted == ()
    assert content([(event(items=("urea", "ammonia")), [exposure()])]).unlisted == ("ammonia",)


def test_a_firms_own_exposure_is_in_no_alert() -> None:
    own = exposure("secret", firm="frm-1", ministries=("m-own",), industry="99999")
    told = content([(event(), [exposure(), own])])
    assert "secret" not in told.items
    assert "m-own" not in told.ministries
    assert "99999" not in told.industries
    assert own.id not in told.exposure_ids


# ----- grouping and old documents


def test_the_same_evidence_is_the_same_happening_whatever_it_is_called() -> None:
    alert = firing()
    other = event("2", type="price_shock", items=("ammonia",), countries=("RU",),
                  evidence=(Evidence("art-1-0", "outlet9", NOW),))  # fmt: skip
    shelf = Shelf([alert], Grouping(timedelta(days=14)))
    assert shelf.find(other) == alert.id
    assert shelf.find(replace(other, evidence=())) is None


def test_reports_of_one_batch_make_one_alert_with_one_change() -> None:
    pairs = [(event(str(n)), [exposure()]) for n in range(5)]
    (change,) = rules.evaluate(pairs, {}, RULES, NOW)
    assert change.kind is ChangeKind.RAISED
    assert len(change.alert.members) == 5
    assert change.alert.independent_sources == 2, "the same two outlets"


def test_a_document_saved_before_signing_and_grouping_existed_still_decides() -> None:
    old = {k: v for k, v in load_document().items() if k in ("news", "series", "evaluate", "rules")}
    book = read_book(RuleSet(3, "kim", "old", NOW, old))
    assert (book.signoff.alert_min, book.signoff.severe_min) == (60, 30)
    (change,) = rules.evaluate(
        [(event(), [exposure()])], {}, RuleSet(3, "kim", "old", NOW, old), NOW
    )
    assert change.alert.proposed is Stage.ALERT
    later = changed(old, {"signoff.alert_min": "5"})
    assert read_book(RuleSet(4, "kim", "shorter", NOW, later)).signoff.alert_min == 5


@pytest.mark.parametrize(
    ("section", "table", "says"),
    [
        ("signoff", {"alert_minutes": 5}, "unknown key 'alert_minutes'"),
        ("signoff", {"alert_min": -1}, "0 .never by itself. or more"),
        ("signoff", {"alert_min": "soon"}, "must be a number"),
        ("group", {"families": {"a": ["x"], "b": ["x"]}}, "x is in two families"),
        ("group", {"families": ["x"]}, "must be a table"),
        ("retract", {"below": 0.1}, "unknown key 'below'"),
    ],
)
def test_a_wrong_section_is_loud(section: str, table: dict[str, object], says: str) -> None:
    with pytest.raises(RuleError, match=says):
        rules.read_rules({**load_document(), section: table})


def test_an_alert_of_an_older_version_goes_on_as_it_was() -> None:
    new = firing()
    old = replace(new, members={}, witnesses=(), signals=(), stage=Stage.ALERT, proposed=None,
                  proposed_at=None, sign_by=None, asked_since=None, phase=None)  # fmt: skip
    (noted,) = rules.evaluate([(event(), [exposure()])], {"evt-1": old}, RULES, NOW)
    assert (noted.kind, noted.alert.stage) == (ChangeKind.NOTED, Stage.ALERT), "who stated it"
    assert rules.evaluate([(event(), [exposure()])], {"evt-1": noted.alert}, RULES, NOW) == []
    (change,) = rules.evaluate(
        [(event(phase=Phase.EASING), [exposure()])], {"evt-1": old}, RULES, NOW
    )
    assert (change.kind, change.alert.ending) == (ChangeKind.RESOLVED, Ending.EASED)


def test_the_other_report_is_asked_for_when_its_verdict_can_change() -> None:
    desk = Rehearsal(RULES, NOW)
    one = event("1", evidence=(Evidence("a", "wire", NOW),))
    two = event("2", severity=1.0, evidence=(Evidence("b", "paper", NOW),))
    desk.report((one, [exposure()]))
    known = desk.by_event()
    assert rules.fellows([(two, [exposure()])], known, RULES, NOW) == ["evt-1"]
    assert rules.fellows([(one, [exposure()])], known, RULES, NOW) == []
    copy = replace(two, evidence=(Evidence("c", "wire", NOW),))
    assert rules.fellows([(copy, [exposure()])], known, RULES, NOW) == []


def test_a_course_that_goes_otherwise_says_at_which_step_and_how() -> None:
    case = {"name": "x", "step": [{"share": 0.8}, {"after_days": 40, "ended": "cleared"}]}
    (outcome,) = run_cases(RULES.rules, [case])
    assert not outcome.passed
    assert outcome.rule == "step 2: ended should be cleared, is quiet"
    with pytest.raises(RuleError, match="unknown key 'colour'"):
        run_cases(RULES.rules, [{"name": "x", "step": [{"colour": "red"}]}])


def test_a_burst_of_a_thousand_happenings_is_decided_in_a_second_or_two() -> None:
    pairs = [
        (event(str(n), items=(f"item{n}",)), [exposure(f"item{n}", event_id=f"evt-{n}")])
        for n in range(1000)
    ]
    began = time.process_time()
    changes = rules.evaluate(pairs, {}, RULES, NOW)
    known = {change.alert.event_id: change.alert for change in changes}
    assert rules.evaluate(pairs, known, RULES, NOW) == []
    assert len(changes) == 1000
    assert time.process_time() - began < 2


def test_the_cap_of_one_source_holds_even_if_the_other_reports_are_not_looked_at_again() -> None:
    desk = Rehearsal(RULES, NOW)
    one = event("1", evidence=(Evidence("a", "wire", NOW),))
    two = event("2", evidence=(Evidence("b", "paper", NOW),))
    desk.report((one, [exposure()]), (two, [exposure()]))
    (alert,) = desk.alerts.values()
    assert alert.proposed is Stage.ALERT
    gone = replace(two, status=EventStatus.DISMISSED, revision=2)
    (change,) = rules.evaluate([(gone, [exposure()])], desk.by_event(), RULES, NOW)
    assert (change.alert.stage, change.alert.proposed) == (Stage.CAUTION, None)
    assert "reports found untrue: 1" in change.reason


# ----- the words of signing, read to the letter


def test_a_stage_refused_after_it_was_taken_is_told_as_lowered() -> None:
    (taken,) = rules.time_outs([firing()], RULES, NOW + timedelta(hours=1))
    change = apply(taken.alert, act(ActKind.REFUSE, "not so"), NOW + timedelta(hours=2))
    assert change is not None
    assert (change.before, change.alert.stage) == (Stage.ALERT, Stage.CAUTION)
    assert "ALERT → CAUTION" in change_line(view_of(change), "en")
    assert "경계 → 주의" in change_line(view_of(change), "ko")


def test_a_no_to_the_lower_stage_takes_back_no_other_no() -> None:
    book = read_book(RULES)
    waiting = stages.asked(firing(), Stage.SEVERE, book.signoff, NOW)
    taken = stages.timed_out(waiting, replace(book.signoff, severe_min=0), waiting.sign_by or NOW)
    assert taken is not None
    first = stages.refused(replace(taken, proposed=Stage.SEVERE), "Kim")
    second = stages.refused(first, "Kim")
    assert (first.stage, second.stage, second.refused) == (Stage.ALERT, Stage.CAUTION, Stage.SEVERE)
    again = stages.asked(second, Stage.SEVERE, book.signoff, NOW + timedelta(hours=2))
    assert again.proposed is None, "two said no; nobody is asked at once again"


def test_below_severe_the_clock_of_alert_may_run_out_first_and_the_words_say_so() -> None:
    waiting = stages.asked(firing(), Stage.SEVERE, read_book(RULES).signoff, NOW)
    change = AlertChange(waiting, ChangeKind.PROPOSED, NOW, waiting.stage, "rule x asks for severe")
    said = " ".join(line.text for line in signature(view_of(change), "en").lines)
    assert "raised unsigned to ALERT or SEVERE" in said
    alone = AlertChange(firing(), ChangeKind.RAISED, NOW, None, "rule x asks for alert")
    said = " ".join(line.text for line in signature(view_of(alone), "en").lines)
    assert "ALERT waits for a signature until" in said


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize(
    ("reason", "untrue"),
    [("not_real", True), ("duplicate", False), ("old_news", False), ("opinion", False)],
)
def test_what_was_told_twice_or_is_long_known_is_not_called_untrue(
    reason: str, untrue: bool, lang: str
) -> None:
    change = apply(firing(), act(ActKind.FALSE_ALARM, "see the other", reason=reason), NOW)
    assert change is not None
    assert (change.kind, change.alert.mistake) == (ChangeKind.RETRACTED, reason)
    said = {"ko": ("사실 아님", "사실이 아니었습니다"), "en": ("not true", "turned out not to be")}
    message = build_message(view_of(change), lang)
    for text in (message.text, message.summary, message.root_summary):
        assert any(words in text for words in said[lang]) == untrue
    stop = {"ko": "멈추거나 되돌릴지", "en": "stop or undo"}[lang]
    assert (stop in message.text) == (reason != "duplicate"), "what is true goes on"


def test_an_alert_that_opens_again_is_no_mistake_any_more() -> None:
    change = apply(firing(), act(ActKind.FALSE_ALARM, reason="duplicate"), NOW)
    assert change is not None
    wider = event(items=("urea", "ammonia"), revision=9)
    (again,) = rules.evaluate([(wider, [exposure()])], {"evt-1": change.alert}, RULES, NOW)
    assert (again.kind, again.alert.mistake) == (ChangeKind.REOPENED, "")
