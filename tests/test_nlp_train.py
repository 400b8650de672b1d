"""The split, the metrics, the first pass and calibration: what keeps the report card honest."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from nlp import dataset, metrics
from nlp.calibration import Calibration, Floats
from nlp.classifier import MODELS, SHIPPED
from nlp.dataset import (
    SET_ASIDE,
    SPLIT,
    Row,
    barred_by_date,
    near_pairs,
    parse_day,
    reread,
    shingles,
)
from nlp.examples import own_rows
from nlp.recorded import Text
from nlp.screen import BITS, Screen, buckets, features, normal
from nlp.taxonomy import NAMES

DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "labels" / "pool.jsonl.gz").is_file(),
    reason="the recorded data is not here; set EWS_RECORDED_DATA",
)


def row(day: date | None, month_known: bool = True) -> Row:
    return Row(
        id="own-1",
        source="own",
        lang="en",
        title="A port",
        text="",
        labels=(),
        severity=0,
        phase=None,
        day=day,
        month_known=month_known,
    )


# -------------------------------------------------------------------------------------- split


@pytest.mark.parametrize(
    ("published", "wanted"),
    [
        ("2021.01", date(2021, 1, 1)),
        ("1-Apr-20", date(2020, 4, 1)),
        ("1-APR-1987 04:10:27.49", date(1987, 4, 1)),
        ("4/1/09", date(2009, 4, 1)),
        ("Apr 02 2019", date(2019, 4, 2)),
        ("Thu, 18 Jul 2024 05:25:38 +0000", date(2024, 7, 18)),
        ("2023-01-04T00:40:46Z", date(2023, 1, 4)),
        (None, None),
    ],
)
def test_every_date_format_of_the_pool_is_read(published: str | None, wanted: date | None) -> None:
    assert parse_day(published) == (wanted, True)


def test_an_unknown_date_format_is_loud() -> None:
    with pytest.raises(ValueError, match="DATE_FORMATS"):
        parse_day("the day after")


def test_the_second_half_of_2023_is_barred() -> None:
    assert barred_by_date(row(date(2023, 7, 1)))
    assert barred_by_date(row(date(2023, 12, 31)))
    assert barred_by_date(row(date(2023, 1, 1), month_known=False))
    assert barred_by_date(row(date(2023, 6, 30))) is None
    assert barred_by_date(row(date(2024, 1, 1))) is None
    assert barred_by_date(row(None)) is None


def test_near_duplicates_are_found_and_others_are_not() -> None:
    left = [shingles("Harbour workers end their long strike after a pay deal was signed on Monday")]
    twin = shingles("Harbour workers end their long strike after a pay deal was signed, union says")
    other = shingles("Harbour master opens a museum about the history of fishing in the bay")
    assert list(near_pairs(left, [twin, other])) == [(0, 0)]


def test_no_row_is_in_two_parts() -> None:
    parts = json.loads(SPLIT.read_text(encoding="utf-8"))["parts"]
    ids = [row_id for part in parts.values() for row_id in part]
    assert len(ids) == len(set(ids))
    assert len(parts["test"]) > 800


def test_no_event_is_in_two_parts_that_must_not_know_each_other() -> None:
    parts = json.loads(SPLIT.read_text(encoding="utf-8"))["parts"]
    events = {name: set(ids.values()) for name, ids in parts.items()}
    for left, right in (
        ("train", "validation"),
        ("train", "test"),
        ("validation", "test"),
        ("natural_fit", "natural_report"),
    ):
        assert not events[left] & events[right], (left, right)


def test_the_test_part_is_the_one_that_was_set_aside_first() -> None:
    parts = json.loads(SPLIT.read_text(encoding="utf-8"))["parts"]
    aside = json.loads(SET_ASIDE.read_text(encoding="utf-8"))["parts"]["test"]
    assert parts["test"].keys() == set(aside)


def test_a_second_reading_makes_a_row_sure_or_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again.jsonl"
    second = {"id": "differs", "labels": ["price_shock"], "severity": 2, "phase": "easing",
              "direction": "down"}  # fmt: skip
    same = {"id": "same", "labels": ["labour_action", "epidemic"], "severity": 3, "phase": None}
    again.write_text(f"{json.dumps(second)}\n{json.dumps(same)}\n", encoding="utf-8")
    monkeypatch.setattr(dataset, "REREADINGS", again)
    first = replace(row(None), labels=("epidemic", "labour_action"), severity=1, sure=False)
    apart, differs, agreed = (replace(first, id=name) for name in ("apart", "differs", "same"))
    assert reread([apart, differs, agreed]) == [
        apart,
        replace(differs, labels=("price_shock",), severity=2, phase="easing", direction="down"),
        replace(agreed, sure=True),  # the first reader's severity stays
    ]


@pytest.mark.recorded
@needs_data
def test_no_training_row_is_dated_in_the_replay_or_lacks_its_month() -> None:
    from nlp.dataset import load_split

    split = load_split(DATA)
    trained = [*split["train"], *split["validation"]]
    assert len(trained) > 4000
    assert [row.id for row in trained if barred_by_date(row)] == []


def test_our_own_sentences_fill_every_slot_and_name_no_replayed_event() -> None:
    rows = own_rows()
    assert rows == own_rows()
    assert len({row.title for row in rows}) > 0.9 * len(rows)
    for row in rows:
        assert "{" not in row.title
        assert set(row.labels) <= set(NAMES)
        assert not any(
            word in row.title.lower() for word in ("graphite", "gallium", "흑연", "갈륨")
        )


# ------------------------------------------------------------------------------------ metrics


def test_f1_counts_cells() -> None:
    true = np.array([[True, False], [True, True]])
    said = np.array([[True, True], [False, True]])
    assert metrics.f1(said, true) == 0.667
    assert metrics.macro(said, true) == 0.667


def test_calibration_error_is_nothing_for_honest_probabilities() -> None:
    true = np.array([True] * 3 + [False] * 7)
    assert metrics.calibration_error(np.full(10, 0.3), true) == 0.0
    assert metrics.calibration_error(np.full(10, 0.9), true) == 0.6
    assert metrics.brier(np.full(10, 0.3), true) == 0.21


def test_severity_kappa_is_one_for_equal_and_none_for_constant() -> None:
    assert metrics.spread([0, 1, 2, 3], [0, 1, 2, 3]) == 1.0
    assert metrics.spread([1, 1, 1, 1], [0, 1, 2, 3]) == pytest.approx(0.0, abs=0.01)


# --------------------------------------------------------------------------------- first pass


def test_text_is_normalised_before_hashing() -> None:
    assert normal("  Port\tCLOSED 12 days ") == " port closed 00 days "


def test_buckets_do_not_depend_on_neighbours() -> None:
    alone_rows, alone = buckets(["gas line cut"])
    rows, cells = buckets(["a storm at sea", "gas line cut", "요소 부족"])
    assert set(alone_rows) == {0}
    assert cells[rows == 1].tolist() == alone.tolist()
    assert cells.max() < 1 << BITS


def test_features_have_length_one() -> None:
    found = features(["gas cut", "요소 부족"], np.ones(1 << BITS, np.float32))
    assert found.shape == (2, 1 << BITS)
    assert np.sqrt(found.multiply(found).sum(1)) == pytest.approx([1.0, 1.0], abs=0.1)


def test_the_first_pass_survives_writing(tmp_path: Path) -> None:
    shipped = Screen.read(MODELS / SHIPPED / "screen.npz")
    shipped.write(tmp_path / "screen.npz")
    again = Screen.read(tmp_path / "screen.npz")
    texts = ["Refinery on fire", "A quiet day at the museum", "항만 파업"]
    assert again.logits(texts) == pytest.approx(shipped.logits(texts), abs=1e-3)


# -------------------------------------------------------------------------------- calibration


def test_no_label_is_likelier_than_the_event() -> None:
    shipped = Calibration.read(MODELS / SHIPPED / "calibration.json")
    draw = np.random.default_rng(3)
    count = len(shipped.label_bias)
    found = shipped.apply(
        draw.normal(0, 4, (50, count)),
        draw.normal(0, 4, (50, 1)),
        draw.normal(0, 2, (50, 3)),
        draw.normal(0, 2, (50, 4)),
        draw.normal(0, 2, 50),
        (draw.random((50, count)) > 0.9).astype(float),
        np.eye(3)[draw.integers(0, 3, 50)],
    )
    assert (found.labels <= found.event[:, None]).all()
    assert found.phase.sum(1) == pytest.approx(np.ones(50))
    assert ((found.severity >= 0) & (found.severity <= 3)).all()


def test_calibration_survives_writing(tmp_path: Path) -> None:
    shipped = Calibration.read(MODELS / SHIPPED / "calibration.json")
    shipped.write(tmp_path / "c.json", {"note": "copy"})
    assert Calibration.read(tmp_path / "c.json") == shipped


def plain_calibration() -> Calibration:
    """Passes the encoder's logits on as they are."""
    count = len(NAMES)
    return Calibration(
        encoder=1.0,
        rule=0.0,
        label_bias=(0.0,) * count,
        event_encoder=1.0,
        event_labels=0.0,
        event_screen=0.0,
        event_rule=0.0,
        event_bias=0.0,
        phase_temperature=1.0,
        phase_bias=(0.0,) * 3,
        phase_rule=0.0,
        severity_temperature=1.0,
        severity_bias=(0.0,) * 4,
        severity_cuts=(0.5, 1.5, 2.5),
        thresholds=(0.5,) * count,
        event_threshold=0.5,
        triage_low=0.5,
        triage_high=0.5,
        base_rate=0.5,
    )


def raw(event: Sequence[float], severity: Sequence[float] | None = None) -> tuple[Floats, ...]:
    """Raw logits of an event, and of an expected severity that lies between 0 and 3."""
    size, high = len(event), np.array(severity or [1.5] * len(event)) / 3
    levels = np.full((size, 4), -40.0)
    levels[:, 0], levels[:, 3] = np.log(1 - high), np.log(high)
    labels = np.zeros((size, len(NAMES)))
    return (
        labels,
        np.array(event)[:, None],
        np.zeros((size, 3)),
        levels,
        np.zeros(size),
        labels,
        np.zeros((size, 3)),
    )


def rows_of(happened: Sequence[bool]) -> list[Row]:
    return [replace(row(None), labels=("epidemic",) if yes else ()) for yes in happened]


def test_the_triage_band_is_the_narrowest_that_holds_the_errors() -> None:
    calibrate = pytest.importorskip("nlp.calibrate", exc_type=ImportError)
    event = [5.0] * 50 + [-5.0] * 50 + [0.55] * 4 + [-0.35]
    happened = [True] * 50 + [False] * 50 + [False] * 4 + [True]
    found = calibrate.with_triage(plain_calibration(), raw(event), rows_of(happened))
    # a band of 0.5 leaves 4 of 104 outside it wrong, one of 0.6 none
    assert found.triage_low == pytest.approx(1 / (1 + np.exp(0.6)), abs=1e-3)
    assert found.triage_high == pytest.approx(1 / (1 + np.exp(-0.6)), abs=1e-3)


def test_two_errors_in_a_hundred_need_no_triage_band() -> None:
    calibrate = pytest.importorskip("nlp.calibrate", exc_type=ImportError)
    event = [5.0] * 50 + [-5.0] * 50
    happened = [False] * 2 + [True] * 48 + [False] * 50
    found = calibrate.with_triage(plain_calibration(), raw(event), rows_of(happened))
    assert (found.triage_low, found.triage_high) == (0.5, 0.5)


def test_severity_cuts_undo_an_expectation_that_shuns_the_ends() -> None:
    calibrate = pytest.importorskip("nlp.calibrate", exc_type=ImportError)
    expected, wanted = [0.2, 0.45, 1.2, 2.2] * 5, [0, 1, 2, 3] * 5
    logits = raw([5.0] * 20, expected)
    rows = [replace(row(None), severity=level) for level in wanted]
    plain = plain_calibration()
    assert plain.apply(*logits).severity == pytest.approx(expected)
    found = calibrate.with_severity_cuts(plain, logits, rows)
    assert found.severity_cuts == (0.3, 0.9, 1.9)
    assert np.round(found.apply(*logits).severity).tolist() == wanted
    assert replace(found, severity_cuts=plain.severity_cuts) == plain


def test_the_line_loses_the_same_share_of_each_language() -> None:
    calibrate = pytest.importorskip("nlp.calibrate", exc_type=ImportError)
    texts = [
        Text(str(number), "own", "own", one.lang, "", one.title, one.text)
        for number, one in enumerate(own_rows())
        if one.lang in {"ko", "en"}
    ]
    said = np.arange(len(texts)) % 3 > 0
    shipped = replace(Screen.read(MODELS / SHIPPED / "screen.npz"), korean=0.0)
    lined = calibrate.with_line(shipped, texts, said, missed=0.2)
    kept = lined.relevant(calibrate.joined(texts))
    for lang in ("ko", "en"):
        mine = said & np.array([text.lang == lang for text in texts])
        assert mine.sum() > 100
        assert 1 - kept[mine].mean() == pytest.approx(0.2, abs=0.01), lang
