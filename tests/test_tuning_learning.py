"""Learning: what an act teaches, who is wrong how often, which change feedback speaks for, and that
nothing moves before a person accepts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.life import ActRefused
from alerts.rulebook import read_book
from alerts.rules import shipped_ruleset
from ews.acting import NotAllowed
from ews.config import load_settings
from ews.model import (
    Act,
    ActKind,
    Article,
    Basis,
    Event,
    Outcome,
    Person,
    Proof,
    ProposalState,
    Resolution,
    Suggestion,
    Tag,
    TaggedArticle,
)
from ews.reports import Names
from ews.reports.learning_words import missed_words, suggestion_words
from ews.reports.receivers import routes_of
from ews.storage import Store
from ews.tuning.desk import Desk
from ews.tuning.learning import accept_suggestion, reject_suggestion, suggest
from ews.tuning.learning_examples import of_alert
from ews.tuning.learning_judged import Judged, judged_of
from ews.tuning.learning_missed import Missed, Nearest, Short, diagnose
from ews.tuning.learning_ratios import LEAST, ratios
from ews.tuning.learning_suggestions import Trial, suggestions
from ews.tuning.learning_teaching import (
    accept_example,
    exported,
    gather,
    misses,
    reject_example,
    relevance_rows,
)
from ews.tuning.rules import Changer, RulesConflict, in_force, set_rules
from graph import Network
from nlp.dataset import to_row
from tests.ledger_home import DAY, alarm, happening, said
from tests.tuning_home import LATER, TuningHome, copy_of

NOW = LATER


@pytest.fixture
def store(tuning_home: TuningHome, tmp_path: Path) -> Iterator[Store]:
    """Four weeks that were judged and told, to write in."""
    found = copy_of(tuning_home, tmp_path)
    yield found
    found.close()


@pytest.fixture
def analyst(store: Store) -> Person:
    found = store.person(name="분석가")
    assert found is not None
    return found


def speak(store: Store, item: str, number: int = 1, **detail: str) -> str:
    """A word on the alert on that item; the alert's id. Kept as it is, so that the alert stays."""
    alert = next(one for one in store.alerts() if one.items == (item,))
    kind = ActKind.FALSE_ALARM if "reason" in detail else ActKind.NOTE
    store.save_act(Act(f"act-{item}-{number}", kind, "분석가", NOW - DAY / number, "cli", alert.id,
                       "", detail))  # fmt: skip
    return alert.id


def report(store: Store, number: int, **detail: str) -> Act:
    act = Act(f"act-missed-{number}", ActKind.MISSED, "공무원", NOW, "cli", None,
              detail.pop("note", "nothing was told"), detail)  # fmt: skip
    store.save_act(act)
    return act


# --------------------------------------------------------------------------- examples


def judged(*acts: Act, **changes: object) -> Judged:
    event = happening()
    first = Judged(alarm(), event.evidence[0], None, False, (), tuple(a.id for a in acts), None)
    return replace(first, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("detail", "labels", "relevant", "asks"),
    [
        ({"reason": "opinion"}, (), False, ""),
        ({"reason": "not_real"}, (), False, "labels_unread"),
        ({"reason": "old_news"}, (), False, "labels_unread"),
        ({"reason": "too_high"}, (), True, "labels_unread"),
        ({"reason": "wrong_type"}, (), None, "type_asked"),
        ({"reason": "wrong_type", "type": "epidemic"}, ("epidemic",), None, ""),
        ({"reason": "wrong_item"}, (), None, "items_asked"),
        ({"turned_out": "late"}, (), True, "labels_unread"),
        ({"turned_out": "false"}, (), False, "labels_unread"),
    ],
)
def test_an_act_teaches_what_it_says_and_asks_for_the_rest(
    detail: dict[str, str], labels: tuple[str, ...], relevant: bool | None, asks: str
) -> None:
    kind = ActKind.FALSE_ALARM if "reason" in detail else ActKind.CLOSE
    made = of_alert(judged(), [said(kind, **detail)], None)
    assert made is not None
    assert (made.labels, made.relevant, made.note) == (labels, relevant, asks)
    assert made.article_id == "art-1"


@pytest.mark.parametrize("reason", ["duplicate", "wrong_place"])
def test_a_duplicate_or_a_wrong_place_teaches_nothing_of_the_text(reason: str) -> None:
    assert of_alert(judged(), [said(ActKind.FALSE_ALARM, reason=reason)], None) is None


def test_readers_teach_relevance_and_the_newest_act_goes_before_them() -> None:
    proof = Proof("verdict", "file#alr-1", NOW, "verdict:not_real")
    held = Resolution("res-1", "alr-1", Outcome.FALSE, NOW, Basis.REVIEW, "kim", (proof,))
    read = judged(wrong=True, resolution=held)
    made, spoken = (
        of_alert(read, [], None),
        of_alert(read, [said(ActKind.NOTE, turned_out="true")], None),
    )
    assert made is not None
    assert spoken is not None
    assert (made.source, made.relevant, spoken.relevant) == ("res-1", False, True)


def test_examples_are_gathered_once_decided_by_a_named_analyst_and_exported_without_text(
    store: Store, analyst: Person
) -> None:
    speak(store, "fluorspar", reason="opinion")
    speak(store, "rare-earths", reason="wrong_type")
    speak(store, "gallium", turned_out="true")
    assert gather(store, NOW).examples == 3
    assert gather(store, NOW).examples == 0
    by_alert = {store.alert(e.alert_id).items[0]: e for e in store.examples()}  # type: ignore[union-attr]
    opinion, typed, right = (by_alert[i] for i in ("fluorspar", "rare-earths", "gallium"))
    assert right.labels == ("export_restriction",)  # as the model read it
    official = store.person(name="공무원")
    assert official is not None
    with pytest.raises(NotAllowed):
        accept_example(store, opinion.id, official, NOW)
    with pytest.raises(ActRefused, match="--labels"):
        accept_example(store, typed.id, analyst, NOW)
    with pytest.raises(ActRefused, match="no event type"):
        accept_example(store, typed.id, analyst, NOW, labels=["weather"])
    accept_example(store, opinion.id, analyst, NOW)
    accept_example(store, typed.id, analyst, NOW, labels=["price_shock"], relevant=True)
    accept_example(store, right.id, analyst, NOW)
    rows = {row["id"]: row for row in exported(store)}
    assert rows[opinion.article_id]["labels"] == []
    assert rows[typed.article_id]["labels"] == ["price_shock"]
    assert right.article_id not in rows  # nobody read its labels
    assert to_row({"source": "", "lang": "en", "title": "", "text": "", "published": None,
                   **rows[typed.article_id]}).labels == ("price_shock",)  # fmt: skip
    relevant = {row["articles"][0]: row["relevant"] for row in relevance_rows(store)}  # type: ignore[index]
    assert relevant == {opinion.article_id: 0.0, typed.article_id: 1.0, right.article_id: 1.0}
    assert "Example report" not in json.dumps(list(rows.values()))
    with pytest.raises(ActRefused, match="accepted before"):
        reject_example(store, opinion.id, analyst, NOW, "no")
    assert any(row.who == "분석가" for row in store.audit_rows() if row.kind == "example")


def test_a_newer_word_puts_the_older_example_away(store: Store) -> None:
    speak(store, "fluorspar", 1, reason="opinion")
    gather(store, NOW)
    speak(store, "fluorspar", 2, turned_out="true")
    assert gather(store, NOW).superseded == 1
    held = {one.source[-1]: (one.state, one.relevant) for one in store.examples()}
    assert held == {"1": (ProposalState.REJECTED, False), "2": (ProposalState.OPEN, True)}


def test_a_firms_word_teaches_nothing(store: Store) -> None:
    alert = store.alerts()[0]
    store.save_act(Act("act-firm", ActKind.FALSE_ALARM, "기업인", NOW, "cli", alert.id, "",
                       {"reason": "not_real"}))  # fmt: skip
    assert gather(store, NOW).examples == 0
    assert not any(one.reasons for one in judged_of(store, NOW))


# --------------------------------------------------------------------------- ratios


def test_ratios_count_what_people_judged_and_give_a_share_from_ten_on() -> None:
    wrong = [judged(wrong=n < 4, alert=alarm(f"alr-{n}")) for n in range(LEAST)]
    repeat = judged(wrong=True, repeats=True, alert=alarm("alr-99"))
    high = judged(wrong=False, reasons=("too_high",), alert=alarm("alr-98", rule="caution-grave"))
    rows = {(one.by, one.key): one for one in ratios([*wrong, repeat, high, judged()])}
    rule = rows["rule", "caution-item"]
    assert (rule.alerts, rule.judged, rule.wrong, rule.share) == (12, 10, 4, 0.4)
    assert rule.interval == (0.1682, 0.6873)
    few = rows["rule", "caution-grave"]
    assert (few.judged, few.too_high, few.share, few.interval) == (1, 1, None, None)
    assert rows["group", "wire"].judged == rows["item", "urea"].judged == 11


# --------------------------------------------------------------------------- suggestions


def many(wrong: int, right: int, rule: str = "caution-item") -> list[Judged]:
    return [judged(wrong=n < wrong, alert=alarm(f"alr-{n}", rule=rule), acts=(f"act-{n}",))
            for n in range(wrong + right)]  # fmt: skip


def asked(said_of: list[Judged], trial: Trial, earlier: list[Suggestion] | None = None,
          missed: list[Missed] | None = None) -> list[Suggestion]:  # fmt: skip
    book = read_book(shipped_ruleset(NOW))
    peaks = {one.alert.id: {"probability": 0.8, "severity": 1.5} for one in said_of}
    return suggestions(said_of, missed or [], book, lambda *_: trial, earlier or [], NOW, peaks)


GOOD = Trial(4, 0, 1, (), (), 2.0, 1.5)


def test_too_few_words_or_too_low_a_share_suggest_nothing() -> None:
    assert asked(many(2, 0), GOOD) == []
    assert asked(many(4, 16), GOOD) == []
    found = asked(many(4, 2), GOOD)
    assert found[-1].facts["subject"] == "rule:caution-item" or found[0].facts[
        "subject"
    ].startswith("rule")
    assert {one.facts["subject"] for one in found} == {
        "rule:caution-item", "type:export_restriction", "country:CN",
    }  # fmt: skip


@pytest.mark.parametrize(
    "trial", [replace(GOOD, right=1), replace(GOOD, lost=("a crisis",)), replace(GOOD, wrong=2)]
)
def test_a_change_that_loses_what_was_right_or_helps_little_is_not_suggested(trial: Trial) -> None:
    assert asked(many(4, 2), trial) == []


def test_what_was_rejected_comes_again_only_with_twice_the_words() -> None:
    first = next(one for one in asked(many(4, 2), GOOD) if one.facts["subject"].startswith("rule"))
    no = replace(first, state=ProposalState.REJECTED)
    subjects = [one.facts["subject"] for one in asked(many(7, 2), GOOD, [no])]
    assert "rule:caution-item" not in subjects
    again = [one for one in asked(many(8, 2), replace(GOOD, wrong=8), [no])
             if one.facts["subject"] == "rule:caution-item"]  # fmt: skip
    assert [one.id != first.id for one in again] == [True]
    assert len(again[0].acts) == 8


def desk_of(store: Store, folder: Path, network: Network) -> Desk:
    settings = load_settings(folder)
    return Desk(store, settings, network, routes_of(settings), Names())


def test_feedback_raises_a_threshold_once_accepted_and_conflicts_are_told(
    store: Store, analyst: Person, tmp_path: Path, network: Network
) -> None:
    for item in ("rare-earths", "lithium-hydroxide", "fluorspar"):
        speak(store, item, reason="opinion")
    kept = speak(store, "hydrogen-fluoride", turned_out="true")
    gather(store, NOW)
    desk = desk_of(store, tmp_path, network)
    found = {one.facts["subject"]: one for one in suggest(desk, NOW)}
    one = found["rule:watch-item"]
    assert dict(one.changes) == {"rules.watch-item.when.probability.raise_at": "0.747"}
    assert (one.facts["drops_wrong"], one.facts["drops_right"]) == ("3", "0")
    played = desk.played(desk.rules_at(1, one.changes), desk.period(NOW))  # type: ignore[arg-type]
    assert kept in played.alerts
    assert in_force(store, NOW).version == 1
    assert {s.id for s in suggest(desk, NOW)} == {s.id for s in store.suggestions()}
    for lang in ("ko", "en"):
        assert "3" in suggestion_words(one, lang)
    set_rules(store, {"rules.watch-item.when.severity.raise_at": "0.9"}, by="분석가", reason="x",
              now=NOW, changer=Changer(analyst, "cli", "k0"))  # fmt: skip
    with pytest.raises(RulesConflict):
        accept_suggestion(desk, one.id, Changer(analyst, "cli", "k1"), NOW)
    done = accept_suggestion(desk, one.id, Changer(analyst, "cli", "k2"), NOW, rebase=True)
    assert done.ruleset == 3
    saved = store.ruleset(3)
    assert saved is not None
    assert (saved.by, saved.name) == ("분석가", f"suggestion {one.id}")
    with pytest.raises(ActRefused, match="accepted before"):
        reject_suggestion(store, one.id, analyst, NOW, "no")


# --------------------------------------------------------------------------- missed


def test_a_missed_report_is_followed_to_the_rule_that_came_nearest(
    store: Store, analyst: Person
) -> None:
    rules = shipped_ruleset(NOW)
    link = "https://www.example.org/7/?utm_source=x"  # the first report on lithium hydroxide
    told = report(store, 1, item="lithium-hydroxide", when="2023-10-05", link=link)
    assert diagnose(store, told, rules).why == "told"
    assert diagnose(store, told, rules).certain
    unknown = report(store, 2, item="a thing nobody knows", when="2023-10-05")
    assert diagnose(store, unknown, rules).why == "unknown_item"
    none = report(store, 3, item="urea", when="2021-10-05", link="https://nowhere.example/1")
    assert diagnose(store, none, rules).why == "no_text"
    weak = happening(id="evt-4", probability=0.62, severity=1.5, items=("urea",), relevance=0.02)
    near = follow(store, 4, weak)
    assert near.why == "nearest"
    assert near.nearest is not None
    assert near.nearest.short
    assert all(one.value < one.needed for one in near.nearest.short)
    assert follow(store, 5, None, p=0.3).why == "no_event"
    assert follow(store, 8, None, p=0.9).why == "in_story"
    assert follow(store, 6, None, screened=True).why == "screened"
    assert follow(store, 7, None, p=None).why == "untagged"
    assert gather(store, NOW).examples == 6
    for one in misses(store, NOW):
        for lang in ("ko", "en"):
            assert "{" not in missed_words(one.why, one.facts, one.nearest, lang)


def follow(
    store: Store, number: int, event: Event | None, p: float | None = 0.9, screened: bool = False
) -> Missed:
    """What becomes of a report whose link is a text of that event."""
    id, url = f"art-m{number}", f"https://example.org/m{number}"
    at = LATER - DAY
    with store.begin() as tx:
        tx.save_articles([Article(id, "wire", "Wire", url, "so and so", "", "en", at, at)])
        if p is not None:
            tags = (Tag("price_shock", p),) if not screened else ()
            tx.save_tagged(
                [TaggedArticle(id, "made.v1", tags, p, None, 1.0, screened=screened)], at
            )
        if event is not None:
            lone = replace(event.evidence[0], signal_id=id, available_at=at)
            tx.save_events([replace(event, evidence=(lone,), first_seen=at, updated_at=at)])
    act = report(store, number, item="urea", when=at.date().isoformat(), link=url)
    return diagnose(store, act, shipped_ruleset(NOW))


def test_a_rule_short_of_one_line_is_lowered_and_of_two_is_not() -> None:
    short = Short("probability", 0.5, 0.55)
    near = Nearest("caution-dependent", 2, "evt-1", (short,))
    one = Missed("act-1", "kim", NOW, "x", ("urea",), "nearest", (), True, nearest=near)
    (found,) = asked([], replace(GOOD, wrong=0, after=2.1), missed=[one])
    assert dict(found.changes) == {"rules.caution-dependent.when.probability.raise_at": "0.495"}
    assert "0.5 < 0.55" in suggestion_words(found, "en")
    assert "0.5 < 0.55" in missed_words("nearest", {"rule": near.rule}, near, "ko")
    far = replace(near, short=(short, Short("severity", 1.0, 1.35)))
    assert asked([], GOOD, missed=[replace(one, nearest=far)]) == []
    held = replace(near, other="corroborated")
    assert asked([], GOOD, missed=[replace(one, nearest=held)]) == []


def test_several_texts_are_offered_and_accepting_one_puts_the_others_away(
    store: Store, analyst: Person
) -> None:
    report(store, 1, item="fluorspar", when="2023-10-06", note="example report 8 fluorspar")
    gather(store, NOW)
    offered = store.examples(ProposalState.OPEN)
    assert [(one.note, one.relevant, one.items) for one in offered] == [
        ("choice", True, ("fluorspar",))
    ] * 2
    accept_example(store, offered[0].id, analyst, NOW + timedelta(hours=1))
    assert store.examples(ProposalState.OPEN) == []
    assert [row["articles"] for row in relevance_rows(store)] == [[offered[0].article_id]]
