"""Reference and verdict files name a bad line; the sheet to judge hides the stage."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ews.model import Stage
from ews.tuning.matching import Content, Link, Raised, Step
from ews.tuning.references import (
    ReferenceFileError,
    plain_link,
    plain_name,
    read_episodes,
    read_traps,
)
from ews.tuning.verdicts import VerdictFileError, read_verdicts, sample_sheet

RECORDED = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
T0 = datetime(2023, 9, 1, tzinfo=UTC)


def write(path: Path, *rows: object) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def episode(**given: object) -> dict[str, object]:
    return {
        "id": "urea",
        "event_type": "export_restriction",
        "event_type_also": ["shortage_or_allocation"],
        "onset": "2023-09-02",
        "reference_time": "2023-09-07T10:00:00Z",
        "first_weak_signal": {"link": "https://a.example/0", "published": "2023-09-01T00:00:00Z"},
        "countries": ["CN"],
        "hs": ["310210", "9999"],
        "names": ["Suez Canal"],
        "severity": 2,
        "expected_stage": "주의",
        "scored": "required",
        "parent": None,
        "end": None,
        "feed": "mine",
        "match_window": ["2023-09-01", "2023-10-01"],
        "reference_language": "ko",
        "matching_items": [{"link": "https://www.a.example/1/?utm_source=x"}],
        "matching_query": {"any_of": ["s:요소&&중단"], "exclude_title": None},
    } | given


def alert(number: int) -> Raised:
    content = Content(frozenset({"sanctions"}), frozenset({"RU"}))
    link = Link(f"a.example/{number}", "제목", T0, T0)
    return Raised(f"alr-{number}", "sanctions", (Step(T0, Stage.SEVERE, content),), (link,), "제목")


def test_an_episode_is_read_with_its_windows(tmp_path: Path) -> None:
    (found,) = read_episodes(write(tmp_path / "e.jsonl", episode()))
    assert found.starts == datetime(2023, 8, 31, tzinfo=UTC)
    assert found.ends == datetime(2023, 11, 6, 10, tzinfo=UTC)  # 60 days, no end was seen
    assert (found.hs4, found.names) == ({"3102"}, {"suez"})
    assert found.links == {"a.example/1"}
    assert found.query.finds("다른 제목", "요소 수출 중단")
    assert not found.query.finds("요소", "")


def test_an_end_sets_the_window_to_seven_days_after_it(tmp_path: Path) -> None:
    row = episode(end={"date": "2023-09-20", "item": {"link": "https://a.example/end"}})
    (found,) = read_episodes(write(tmp_path / "e.jsonl", row))
    assert found.ends == datetime(2023, 9, 28, tzinfo=UTC)
    assert found.end_link == "a.example/end"


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("{", "line 2"),
        (json.dumps({"id": "x"}), "line 2: .* is missing"),
        (json.dumps(episode(event_type="war")), "line 2: unknown event_type"),
        (json.dumps(episode(matching_query={"any_of": ["("]})), "line 2"),
        (json.dumps(episode(expected_stage="loud")), "line 2: unknown stage"),
    ],
)
def test_a_bad_episode_line_is_named(tmp_path: Path, bad: str, what: str) -> None:
    path = write(tmp_path / "e.jsonl", episode(), bad)
    with pytest.raises(ReferenceFileError, match=rf"e\.jsonl {what}"):
        read_episodes(path)


def test_traps_get_their_language_from_their_script(tmp_path: Path) -> None:
    base = {"published": "2023-09-01T00:00:00Z", "category": "sports", "kind": "never"}
    path = write(tmp_path / "t.jsonl", base | {"link": "https://a.example/1", "title": "골 가뭄"},
                 base | {"link": "https://a.example/2", "title": "Goal drought"})  # fmt: skip
    assert [trap.lang for trap in read_traps(path)] == ["ko", "en"]
    bad = write(tmp_path / "b.jsonl", base | {"link": "x", "title": "y", "kind": "maybe"})
    with pytest.raises(ReferenceFileError, match="never or no_new_alert"):
        read_traps(bad)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://www.bbc.co.uk/news/1?at_medium=RSS", "http://bbc.co.uk/news/1/"),
        ("https://a.example/x?id=1&utm_source=rss", "https://a.example/x?id=1#part"),
    ],
)
def test_links_are_compared_without_tracking(one: str, other: str) -> None:
    assert plain_link(one) == plain_link(other)
    assert plain_link(one) != plain_link("https://a.example/x?id=2")


def test_names_are_compared_without_case_marks_and_kind_of_water() -> None:
    assert plain_name("Bab el-Mandeb Strait") == plain_name("bab-el-mandeb")
    assert plain_name("Port of Busan") == plain_name("BUSAN")


def test_verdicts_are_read_and_the_last_word_of_a_judge_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "v.jsonl",
        {"alert_id": "a", "verdict": "not_real", "reason": "", "annotator": "kim"},
        {"alert_id": "a", "verdict": "Real", "reason": "seen again", "annotator": "kim"},
        {"alert_id": "b", "verdict": "unsure", "reason": "", "annotator": "kim"},
    )
    said = read_verdicts(path)
    assert (dict(said.decided), said.unsure, said.annotators) == ({"a": True}, {"b"}, {"kim"})


@pytest.mark.parametrize("bad", ["{", '{"alert_id": "a"}', '{"alert_id": "a", "verdict": "good"}'])
def test_a_bad_verdict_line_is_named(tmp_path: Path, bad: str) -> None:
    with pytest.raises(VerdictFileError, match=r"v\.jsonl line 1"):
        read_verdicts(write(tmp_path / "v.jsonl", bad))


def test_the_sheet_hides_the_stage_and_is_the_same_for_a_seed(tmp_path: Path) -> None:
    alerts = [alert(number) for number in range(20)]
    sheet = sample_sheet(alerts, 5, seed=7)
    assert sheet == sample_sheet(list(reversed(alerts)), 5, seed=7)
    assert sheet != sample_sheet(alerts, 5, seed=8)
    text = json.dumps(sheet, ensure_ascii=False).casefold()
    assert not any(word in text for word in ("stage", "severe", "심각", "probab"))
    for row in sheet:
        row["verdict"], row["annotator"] = "real", "lee"
    assert len(read_verdicts(write(tmp_path / "v.jsonl", *sheet)).decided) == 5
    assert len(sample_sheet(alerts, 99, seed=1)) == 20


@pytest.mark.recorded
def test_the_shared_references_are_read() -> None:
    folder = RECORDED / "episodes"
    if not folder.is_dir():
        pytest.skip("recorded references are not here (EWS_RECORDED_DATA)")
    episodes = read_episodes(folder / "episodes.jsonl")
    traps = read_traps(folder / "traps.jsonl")
    assert {e.feed for e in episodes} == {t.feed for t in traps}
    assert all(e.starts < e.ends and e.links for e in episodes)
