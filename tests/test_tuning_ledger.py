"""How an alert turned out: acts, later reports, verdict files, and what was known when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ews.acting import ActRefused, NotAllowed
from ews.model import (
    ActKind,
    Basis,
    Ending,
    EventStatus,
    Outcome,
    Person,
    Proof,
    Resolution,
    content_id,
)
from ews.storage import Store
from ews.storage.ledger import outcome_of
from ews.tuning.ledger import Asked, account, ledger
from ews.tuning.ledger_known import Known
from ews.tuning.ledger_reviews import import_verdicts, turned_out
from ews.tuning.ledger_settling import SETTLED, decide, settle, settle_due
from tests.ledger_home import DAY, RAISED, alarm, happening, keep, people, report, said

LATER = RAISED + 60 * DAY
OWN = report("art-1", "wire", -DAY / 24)
FURTHER = (report("art-2", "daily", DAY), report("art-3", "radio", 3 * DAY))
KIM = Person("per-kim", "kim", "analyst", RAISED)


def turned(known: Known, now: datetime = LATER) -> str:
    held = outcome_of((*known.earlier, *decide(known, now)))
    return "open" if held is None else held.outcome.value


def known(**changes: object) -> Known:
    return replace(Known(alarm(), (happening(),)), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with people and nothing else: made once, copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    store = Store.open(folder)
    people(store)
    store.close()
    return folder / "ews.db"


@pytest.fixture
def store(tmp_path: Path, empty: Path) -> Iterator[Store]:
    shutil.copy(empty, tmp_path / "ews.db")
    found = Store.open(tmp_path)
    yield found
    found.close()


# --------------------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("not_real", "false"), ("opinion", "false"), ("old_news", "false"), ("too_high", "true"),
     ("wrong_item", "open"), ("wrong_place", "open"), ("wrong_type", "open")],
)  # fmt: skip
def test_each_reason_of_a_false_alarm_means_what_the_document_says(
    reason: str, outcome: str
) -> None:
    assert turned(known(acts=(said(ActKind.FALSE_ALARM, reason=reason),))) == outcome


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_close_decides_where_it_says_how_it_turned_out(outcome: Outcome) -> None:
    detail = {"decision": "stocks released", "outcome": "no shortage"}
    assert turned(known(acts=(said(ActKind.CLOSE, **detail),))) == "open"
    closed = said(ActKind.CLOSE, **detail, turned_out=outcome.value)
    assert turned(known(acts=(closed,))) == outcome.value


def test_prevented_is_said_only_where_the_action_is_written() -> None:
    assert turned(known(acts=(said(ActKind.NOTE, turned_out="prevented"),))) == "open"


def test_the_newest_word_of_a_person_holds_over_reports_and_over_older_words() -> None:
    wrong = said(ActKind.FALSE_ALARM, reason="not_real")
    after = said(ActKind.NOTE, RAISED + 2 * DAY, turned_out="true")
    reported = (happening((OWN, *FURTHER)),)
    assert turned(known(events=reported)) == "true"
    assert turned(known(events=reported, acts=(wrong,))) == "false"
    assert turned(known(events=reported, acts=(wrong, after))) == "true"
    unsure = said(ActKind.NOTE, RAISED + 3 * DAY, turned_out="open")
    assert turned(known(events=reported, acts=(wrong, after, unsure))) == "open"


def test_a_duplicate_turns_out_as_the_alert_it_repeats_and_counts_once(store: Store) -> None:
    later = alarm("alr-2", "evt-2", raised_at=RAISED + DAY, updated_at=RAISED + DAY)
    keep(store, alarm(), happening((OWN, *FURTHER)))
    keep(store, later, happening(id="evt-2", relevance=None))
    store.save_act(replace(said(ActKind.FALSE_ALARM, reason="duplicate"), alert_id="alr-2"))
    settle(store, LATER)
    found = {one.alert_id: one for one in ledger(store, LATER).entries}
    assert (found["alr-2"].outcome, found["alr-2"].repeats) == ("true", "alr-1")
    calibration = ledger(store, LATER).calibration
    assert (calibration.every.count, calibration.repeated) == (1, 1)


def test_a_firms_person_decides_nothing_for_the_state(store: Store) -> None:
    keep(store, alarm(), happening())
    store.save_act(said(ActKind.FALSE_ALARM, by="acme", reason="not_real"))
    assert settle(store, LATER).new == 0


# --------------------------------------------------------------------------- reports


def test_further_groups_make_it_true_only_where_it_matters_to_korea() -> None:
    assert turned(known(events=(happening((OWN, *FURTHER)),))) == "true"
    assert turned(known(events=(happening((OWN, *FURTHER), relevance=0.3),))) == "open"
    assert turned(known(events=(happening((OWN, *FURTHER), relevance=None),))) == "open"
    assert turned(known(events=(happening((OWN, FURTHER[0])),))) == "open"


def test_another_text_of_a_group_that_had_told_it_confirms_nothing() -> None:
    again = (report("art-2", "wire", DAY), report("art-3", "wire", 2 * DAY))
    assert turned(known(events=(happening((OWN, *again)),))) == "open"


def test_reports_of_months_later_are_of_another_happening() -> None:
    late = (report("art-2", "daily", 31 * DAY), report("art-3", "radio", 40 * DAY))
    assert turned(known(events=(happening((OWN, *late)),))) == "open"


def test_the_authoritys_own_notice_confirms_alone() -> None:
    assert turned(known(events=(happening(authority=True),))) == "true"


def test_what_two_groups_had_told_days_before_was_told_late() -> None:
    early = (report("art-8", "wire", -5 * DAY), report("art-9", "daily", -4 * DAY))
    further = (report("art-3", "radio", DAY), report("art-4", "post", DAY))
    held = decide(known(events=(happening((*early, *further)),)), LATER)
    assert [one.outcome for one in held] == [Outcome.LATE]
    assert {proof.ref for proof in held[0].proofs} == {"art-8", "art-9", "art-3", "art-4"}
    assert turned(known(events=(happening((early[0], *further)),))) == "true"


def test_dismissed_or_refuted_is_false_and_true_again_when_it_comes_back() -> None:
    dismissed = known(events=(happening(status=EventStatus.DISMISSED),))
    assert turned(dismissed) == "false"
    retracted = known(alert=alarm(ending=Ending.RETRACTED))
    decided = decide(retracted, LATER)
    assert turned(retracted) == "false"
    back = known(earlier=decided)
    assert turned(back, LATER + DAY) == "open"
    confirmed = known(earlier=decided, events=(happening((OWN, *FURTHER)),))
    assert turned(confirmed, LATER + DAY) == "true"


# --------------------------------------------------------------------------- precedence, time


def test_the_stronger_basis_holds_whichever_came_first() -> None:
    def one(basis: Basis, outcome: Outcome, day: int) -> Resolution:
        id = content_id("res", basis, outcome, day)
        return Resolution(id, "alr-1", outcome, RAISED + day * DAY, basis, "ews", ())

    reports, series = one(Basis.REPORTS, Outcome.TRUE, 9), one(Basis.SERIES, Outcome.FALSE, 5)
    review = one(Basis.REVIEW, Outcome.TRUE, 2)
    assert outcome_of([]) is None
    assert outcome_of([reports, series]) == series
    assert outcome_of([reports, series, review]) == review
    taken_back = one(Basis.REVIEW, Outcome.OPEN, 3)
    assert outcome_of([reports, series, review, taken_back]) == series


def test_settling_again_writes_nothing_and_the_audit_holds(store: Store) -> None:
    keep(store, alarm(), happening((OWN, *FURTHER)))
    assert settle(store, LATER).outcomes["true"] == 1
    head = store.audit_head()
    assert settle(store, LATER + DAY).new == 0
    assert store.audit_head() == head


def test_the_ledger_answers_from_what_was_known_then(store: Store) -> None:
    keep(store, alarm(), happening((OWN, *FURTHER)))
    assert settle(store, RAISED + 2 * DAY).new == 0
    settle(store, RAISED + 4 * DAY)
    store.save_act(said(ActKind.FALSE_ALARM, RAISED + 10 * DAY, reason="opinion"))
    settle(store, RAISED + 11 * DAY)
    then = {day: ledger(store, RAISED + day * DAY).entries[0].outcome for day in (3, 5, 12)}
    assert then == {3: "open", 5: "true", 12: "false"}
    assert ledger(store, RAISED - DAY).alerts == 0


def test_an_alert_of_which_nobody_could_say_anything_reads_as_unconfirmed(store: Store) -> None:
    keep(store, alarm(), happening())
    assert not ledger(store, RAISED + 89 * DAY).entries[0].unconfirmed
    found = ledger(store, RAISED + 90 * DAY)
    assert (found.entries[0].unconfirmed, found.unconfirmed) == (True, 1)


def test_settling_is_due_once_a_day(store: Store) -> None:
    keep(store, alarm(), happening())
    assert settle_due(store, LATER) is not None
    assert settle_due(store, LATER + timedelta(hours=23)) is None
    assert settle_due(store, LATER + DAY) is not None
    assert store.get(SETTLED) == (LATER + DAY).isoformat()


# --------------------------------------------------------------------------- verdicts, words


def test_a_verdict_file_settles_by_majority_once_and_for_known_alerts(
    store: Store, tmp_path: Path
) -> None:
    keep(store, alarm(), happening((OWN, *FURTHER)))
    rows = [("alr-1", "not_real", "a"), ("alr-1", "not_real", "b"), ("alr-1", "real", "c"),
            ("alr-gone", "real", "a"), ("alr-gone", "unsure", "b")]  # fmt: skip
    file = tmp_path / "verdicts.jsonl"
    file.write_text("".join(
        json.dumps({"alert_id": id, "verdict": said, "annotator": who, "reason": "own words"})
        + "\n" for id, said, who in rows
    ))  # fmt: skip
    brought = import_verdicts(store, file, KIM, LATER, "cli", "once")
    assert (brought.true, brought.false, brought.unknown, brought.new) == (0, 1, 1, 1)
    assert import_verdicts(store, file, KIM, LATER + DAY, "cli", "twice").new == 0
    settle(store, LATER + DAY)
    (entry,) = ledger(store, LATER + DAY).entries
    assert (entry.outcome, entry.basis) == ("false", "review")
    assert "own words" not in str(store.resolutions())


def test_a_person_overrules_and_must_say_why(store: Store) -> None:
    keep(store, alarm(), happening((OWN, *FURTHER)))
    settle(store, LATER)
    turned_out(store, KIM, "alr-1", Outcome.LATE, "it was in every paper", LATER, "cli", "k1")
    assert ledger(store, LATER, named=True).entries[0].by == "kim"
    assert ledger(store, LATER).entries[0].outcome == "late"
    with pytest.raises(ActRefused, match="reason"):
        turned_out(store, KIM, "alr-1", Outcome.FALSE, "", LATER, "cli", "k2")
    with pytest.raises(ActRefused, match="action"):
        turned_out(store, KIM, "alr-1", Outcome.PREVENTED, "done", LATER, "cli", "k3")
    firm = Person("per-acme", "acme", "firm", RAISED, "acme")
    with pytest.raises(NotAllowed):
        turned_out(store, firm, "alr-1", Outcome.FALSE, "no", LATER, "cli", "k4")


def test_nobody_reads_a_name_or_a_note_who_may_not(store: Store) -> None:
    keep(store, alarm(), happening())
    store.save_act(said(ActKind.CLOSE, decision="d", outcome="o", turned_out="true"))
    settle(store, LATER)
    alert = store.alert("alr-1")
    assert alert is not None
    open_, own = (account(store, alert, LATER, named) for named in (False, True))
    assert "kim" not in str(open_)
    assert "private" not in str(open_) + str(own)
    assert own is not None
    assert own.entry.by == "kim"
    assert own.decisions[0].proofs[0].says == "close:true"


# --------------------------------------------------------------------------- calibration


def test_probabilities_that_were_sent_are_held_against_outcomes(store: Store) -> None:
    for n, (chance, wrong) in enumerate([(0.9, ""), (0.9, ""), (0.2, "opinion"), (0.4, "-")]):
        alert = alarm(f"alr-{n}", f"evt-{n}", chance=chance)
        keep(store, alert, happening(id=f"evt-{n}", evidence=(OWN, *FURTHER)))
        if wrong == "opinion":
            act = said(ActKind.FALSE_ALARM, reason=wrong)
            store.save_act(replace(act, alert_id=alert.id, id=f"act-{n}"))
        if wrong == "-":
            act = said(ActKind.NOTE, turned_out="open")
            store.save_act(replace(act, alert_id=alert.id, id=f"act-{n}"))
    keep(store, alarm("alr-9", "evt-9", chance=0.1), happening(id="evt-9"), told=False)
    settle(store, LATER)
    found = ledger(store, LATER).calibration
    assert (found.every.count, found.left_open, found.from_alert, found.read.count) == (3, 1, 3, 1)
    assert found.every.ece == pytest.approx((2 * 0.1 + 0.2) / 3)
    low = found.bounds[4]
    assert (low.left_open, low.least, low.most) == (1, 0.0, 1.0)
    stage = next(one for one in found.groups if one.by == "stage")
    assert (stage.key, stage.alerts, stage.count, stage.left_open) == ("caution", 4, 3, 1)


def test_before_alerts_had_a_probability_that_of_their_event_counts(store: Store) -> None:
    keep(store, alarm(chance=None), happening((OWN, *FURTHER), probability=0.7))
    settle(store, LATER)
    found = ledger(store, LATER)
    assert (found.entries[0].chance, found.entries[0].chance_of) == (0.7, "event")
    assert found.calibration.from_event == 1


def test_filters_choose_alerts(store: Store) -> None:
    keep(store, alarm(), happening())
    assert ledger(store, LATER, Asked(type="price_shock")).alerts == 0
    assert ledger(store, LATER, Asked(since=RAISED + DAY)).alerts == 0
    assert ledger(store, LATER, Asked(outcome=Outcome.OPEN, type="export_restriction")).alerts == 1


def test_an_empty_ledger_has_no_figures(store: Store) -> None:
    found = ledger(store, LATER)
    assert (found.alerts, found.calibration.every.ece, found.entries) == (0, None, ())


def test_a_proof_names_its_evidence_and_its_day() -> None:
    (one,) = decide(known(events=(happening((OWN, *FURTHER)),)), LATER)
    assert one.proofs[0] == Proof("article", "art-2", RAISED + DAY, "daily tells it")
