"""Reference cases as data: what is shipped is whole, what analysts keep is checked and audited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.acting import NotAllowed, NotFound
from ews.model import Act, ActKind, Person
from ews.storage import Store
from ews.tuning import cases, casework
from ews.tuning.case_fields import CaseFieldError, episode
from ews.tuning.case_lines import case_lines
from ews.tuning.casebook import read_file, references, shipped, shipped_traps
from ews.tuning.casework import CaseRefused, Keeper
from ews.tuning.references import ReferenceFileError
from tests.faces_home import make_home

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROW: dict[str, object] = {
    "id": "2026-tungsten", "name_en": "Tungsten", "event_type": "export_restriction",
    "onset": "2026-02-01", "reference_time": "2026-02-01T03:00:00Z", "countries": ["CN"],
    "hs": ["8101"], "severity": 2, "expected_stage": "주의",
    "links": ["https://example.org/tungsten"],
}  # fmt: skip
ANALYST = Person("per-1", "분석가", "analyst", NOW)
OFFICIAL = Person("per-2", "공무원", "official", NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path, "sqlite://")
    yield store
    store.close()


def test_each_shipped_crisis_is_an_episode_with_items_a_query_and_a_reaction() -> None:
    assert {one.id for one in shipped()} == set(cases.names())
    for one in shipped():
        facts = [fact for fact in cases.facts(one.id) if fact.signals]
        found = [f for f in facts if one.query.finds(f.en, "") or one.query.finds(f.ko, "")]
        assert len(one.links) >= 10, one.id
        assert len(found) > len(facts) / 2, one.id
        assert one.starts < one.reference_time < one.ends


def test_no_reaction_and_no_outcome_is_shown_to_a_replay() -> None:
    for name in cases.names():
        shown = {signal.id for signal in cases.load(name)}
        unread = [fact for fact in cases.facts(name) if fact.kind == "context"]
        assert all(not fact.signals for fact in unread)
        assert {id_ for fact in cases.facts(name) for id_ in fact.signals} == shown


def test_every_text_of_a_quiet_week_is_a_trap() -> None:
    assert len(shipped_traps()) == sum(len(cases.facts(name)) for name in cases.quiet())


def test_a_crisis_that_a_file_tells_too_counts_once(tmp_path: Path) -> None:
    twin = {**ROW, "id": "theirs", "hs": ["250410"], "onset": "2023-10-20",
            "reference_time": "2023-10-21T00:00:00Z"}  # fmt: skip
    file = tmp_path / "theirs.jsonl"
    file.write_text(json.dumps(twin), "utf-8")
    found = references(None, [file])
    ids = [one.id for one in found.episodes]
    assert "theirs" in ids
    assert "graphite_2023" not in ids
    assert "gallium_germanium_2023" in ids
    assert [(one.id, one.same_as) for one in found.left_out] == [("graphite_2023", "theirs")]


def test_an_id_that_comes_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(json.dumps(ROW), "utf-8")
    with pytest.raises(ReferenceFileError, match=r"b\.jsonl.*2026-tungsten.*a\.jsonl"):
        references(None, [tmp_path / "a.jsonl", tmp_path / "b.jsonl"])


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("severity", 7, "severity: must be 0, 1, 2 or 3"),
        ("onset", "last week", "onset: 'last week' is no ISO 8601"),
        ("event_type", "export_restricton", "event_type: .*near: export_restriction"),
        ("countries", ["XQ"], "countries: 'XQ' is no country code"),
        ("hs", ["29"], "hs: '29' is no HS code"),
        ("expected_stage", "red", "expected_stage: 'red' must be"),
        ("links", ["javascript:alert(1)"], "links: .* is no http"),
        ("matching_query", {"any_of": ["("]}, "matching_query: .* no regular expression"),
        ("end", "2026-01-01", "end: 2026-01-01 is before reference_time"),
        ("severty", 1, "severty: no such field; did you mean severity"),
        ("countries", None, "countries: is missing"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(field: str, value: object, said: str) -> None:
    with pytest.raises(CaseFieldError, match=said):
        episode({**ROW, field: value})


def test_a_wrong_row_of_a_file_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "id": "b-2", "severity": "x"}))
    with pytest.raises(ReferenceFileError, match=r"x\.jsonl line 2: severity"):
        read_file(file)


def test_the_template_is_a_case_once_it_has_a_name(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(casework.TEMPLATE.replace('name_ko = ""', 'name_ko = "보기"'), "utf-8")
    ((found,), _) = read_file(file)
    assert found.hs4 == {"3102"}
    assert found.ends - found.reference_time == timedelta(days=60)


def test_only_an_analyst_keeps_a_case_and_each_step_is_in_the_audit(store: Store) -> None:
    for person in (ANALYST, OFFICIAL):
        store.save_person(person, "test", NOW)
    with pytest.raises(NotAllowed):
        casework.add_case(store, ROW, Keeper("공무원", OFFICIAL), NOW)
    with pytest.raises(CaseRefused):
        casework.add_case(store, ROW, Keeper("anybody"), NOW)
    assert store.cases() == []
    who = Keeper("분석가", ANALYST)
    casework.add_case(store, ROW, who, NOW)
    casework.edit_case(store, "2026-tungsten", {"end": "2026-02-10"}, who, NOW)
    assert "2026-tungsten" in {one.id for one in references(store).episodes}
    casework.withdraw_case(store, "2026-tungsten", who, NOW)
    assert "2026-tungsten" not in {one.id for one in references(store).episodes}
    rows = [row for row in store.audit_rows() if row.kind == "case"]
    assert [(row.subject, row.who) for row in rows] == [("2026-tungsten", "분석가")] * 3
    with pytest.raises(CaseRefused, match="already"):
        casework.add_case(store, ROW, who, NOW)


def test_the_window_of_the_query_follows_an_end_that_was_changed(store: Store) -> None:
    who = Keeper("somebody")
    before = casework.add_case(store, ROW, who, NOW).body["match_window"]
    after = casework.edit_case(store, "2026-tungsten", {"end": "2026-02-10"}, who, NOW).body
    assert before == ["2026-02-01", "2026-04-02"]
    assert after["match_window"] == ["2026-02-01", "2026-02-17"]


def test_an_import_is_all_or_none_and_an_export_comes_back(store: Store, tmp_path: Path) -> None:
    who = Keeper("somebody")
    file = tmp_path / "two.jsonl"
    second = {**ROW, "id": "second"}
    file.write_text(json.dumps(ROW) + "\n" + json.dumps({**second, "severity": 9}), "utf-8")
    with pytest.raises(CaseFieldError, match="line 2"):
        casework.import_cases(store, [file], who, NOW)
    assert store.cases() == []
    file.write_text(json.dumps(ROW) + "\n" + json.dumps(second), "utf-8")
    casework.import_cases(store, [file], who, NOW)
    again = tmp_path / "again.jsonl"
    again.write_text(casework.exported(store), "utf-8")
    other = Store.open(tmp_path / "other", "sqlite://")
    casework.import_cases(other, [again], who, NOW)
    assert [one.body for one in other.cases()] == [one.body for one in store.cases()]
    other.close()


def test_a_shipped_name_is_not_given_to_another_case(store: Store) -> None:
    with pytest.raises(CaseRefused, match="shipped"):
        casework.add_case(store, {**ROW, "id": "urea_2021"}, Keeper("x"), NOW)


def test_an_alert_fills_in_what_its_evidence_says_and_names_what_is_missing(tmp_path: Path) -> None:
    alert_id, _ = make_home(tmp_path)
    store = Store.open(tmp_path)
    alert = store.alert(alert_id)
    assert alert is not None
    begun = casework.from_alert(store, alert, {"id": "from-it", "name_ko": "그 일"})
    assert begun.row["event_type"] == alert.type
    assert begun.row["countries"] == list(alert.countries)
    assert begun.row["links"]
    assert set(begun.missing) == {"reference_time", "severity", "expected_stage"}
    said = {"reference_time": "2021-10-11T03:00Z", "severity": 3, "expected_stage": "경계"}
    whole = casework.from_alert(store, alert, {"id": "from-it", "name_ko": "그 일", **said})
    kept = casework.add_case(store, whole.row, Keeper("x"), NOW, whole.alert_id)
    assert kept.alert_id == alert.id
    assert [line.alert_id for line in case_lines(store) if line.kind == "case"] == [alert.id]
    store.close()


def test_a_report_of_a_missed_alert_becomes_a_case(store: Store) -> None:
    act = Act("act-1", ActKind.MISSED, "공무원", NOW, "cli", note="nobody told of it",
              detail={"item": "urea", "when": "2026-02-01", "link": "https://example.org/u"})  # fmt: skip
    store.save_act(act)
    begun = casework.from_missed(store, "act-1", {})
    assert begun.row["items"] == ["urea"]
    assert begun.row["onset"] == "2026-02-01"
    assert "severity" in begun.missing
    store.save_act(replace(act, id="act-2", kind=ActKind.NOTE))
    with pytest.raises(NotFound):
        casework.from_missed(store, "act-2", {})


def test_a_case_of_a_whole_chapter_of_goods_can_be_edited_after_it_was_kept() -> None:
    from ews.tuning.case_fields import full

    kept = full({**{k: v for k, v in ROW.items() if k != "hs"}, "items": ["fertilisers", "urea"]})
    assert full({**kept, "end": "2026-02-20"})["hs"] == ["31", "310210"]
