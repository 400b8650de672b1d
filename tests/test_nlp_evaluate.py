"""The report card: figures with known answers, labelled files good and bad, diagrams, bars."""

import gzip
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from nlp import bars, cards, diagrams, evaluate, labelled, metrics, modelcard, reportcard, rivals
from nlp.calibration import Readings
from nlp.cards import ANY, Guess, Truth
from nlp.classifier import Read
from nlp.clean import Cleaned, cleaned
from nlp.labelled import Judged, LabelledFileError, read_labelled
from nlp.metrics import Flags, Resample
from nlp.rivals import RivalMissingError
from nlp.taxonomy import NAMES

FIRE, STRIKE = NAMES.index("industrial_accident"), NAMES.index("labour_action")


def line(row_id: str, labels: Sequence[str] = ("none",), **more: object) -> dict[str, object]:
    plain = {
        "id": row_id,
        "lang": "en",
        "title": f"Title {row_id}",
        "text": "",
        "labels": [*labels],
    }
    return {**plain, **more}


def written(folder: Path, lines: Sequence[Mapping[str, object]], packed: bool = False) -> Path:
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    path = folder / ("rows.jsonl.gz" if packed else "rows.jsonl")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def guess(labels: Sequence[Mapping[int, float]], event: Sequence[float]) -> Guess:
    table = np.zeros((len(labels), len(NAMES)))
    for row, told in enumerate(labels):
        for column, probability in told.items():
            table[row, column] = probability
    return Guess(table, np.array(event), rivals.flat(0.5), 0.5)


# ------------------------------------------------------------------------------------ figures


def test_micro_f1_counts_types_and_not_none() -> None:
    said = np.array([[1, 0], [1, 0], [0, 0]], bool)
    true = np.array([[1, 0], [0, 1], [0, 0]], bool)
    assert metrics.f1s(Resample.none(3), said, true)[0] == pytest.approx(0.5)


def test_macro_f1_is_the_mean_of_the_columns() -> None:
    said = np.array([[1, 1], [1, 0]], bool)
    true = np.array([[1, 1], [0, 0]], bool)
    assert metrics.macro_f1s(Resample.none(2), said, true)[0] == pytest.approx((2 / 3 + 1) / 2)


def test_average_precision_at_three_percent_weights_the_others() -> None:
    """One false row above both true ones: at 3% it stands for 97/3 true rows over ten negatives."""
    probability = np.array([0.9, 0.8, 0.7, *([0.1] * 9)])
    true = np.array([False, True, True, *([False] * 9)])
    weight = 2 * (0.97 / 0.03) / 10
    wanted = (1 / (1 + weight) + 2 / (2 + weight)) / 2
    found = metrics.average_precisions(Resample.none(12), probability, true, 0.03)
    assert found[0] == pytest.approx(wanted)
    assert wanted < 0.25  # far below the 0.58 of the unweighted rows


def test_average_precision_agrees_with_scikit_learn_on_ties() -> None:
    scores = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(3)
    probability = np.round(draw.random(400), 1)
    true = draw.random(400) < probability
    weight = np.where(true, 1.0, true.sum() * (0.97 / 0.03) / (~true).sum())
    wanted = scores.average_precision_score(true, probability, sample_weight=weight)
    found = metrics.average_precisions(Resample.none(400), probability, true, 0.03)
    assert found[0] == pytest.approx(wanted)


def test_average_precision_of_a_perfect_order_is_one_and_without_events_unknown() -> None:
    order = np.array([0.9, 0.2, 0.1])
    once = Resample.none(3)
    assert metrics.average_precisions(once, order, np.array([True, False, False]), 0.03)[0] == 1.0
    assert np.isnan(metrics.average_precisions(once, order, np.zeros(3, bool), 0.03)[0])


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    probability = np.array([0.05, 0.05, 0.95, 0.95])
    true = np.array([False, True, True, True])
    wanted = (2 * abs(0.05 - 0.5) + 2 * abs(0.95 - 1.0)) / 4
    once = Resample.none(4)
    assert metrics.calibration_errors(once, probability, true)[0] == pytest.approx(wanted)
    assert metrics.briers(once, probability, true)[0] == pytest.approx(
        np.mean((probability - true) ** 2)
    )


def test_kappa_agrees_with_scikit_learn() -> None:
    scores = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(4)
    right = draw.integers(0, 4, 200)
    left = np.clip(right + draw.integers(-1, 2, 200), 0, 3)
    wanted = scores.cohen_kappa_score(left, right, weights="quadratic")
    found = metrics.kappas(Resample.none(200), left.astype(float), right.astype(float))
    assert found[0] == pytest.approx(wanted)


def test_severity_is_rounded_before_it_is_compared() -> None:
    right = np.array([0.0, 1.0, 2.0, 3.0])
    assert metrics.kappas(Resample.none(4), right + 0.3, right)[0] == 1.0
    assert metrics.kappas(Resample.none(4), right + 0.6, right)[0] < 1.0


# ---------------------------------------------------------------------------------- bootstrap


def test_draw_zero_is_the_data_and_draws_repeat_with_the_seed() -> None:
    draws = Resample.over(["a", "a", "b", "c"], draws=50, seed=7)
    again = Resample.over(["a", "a", "b", "c"], draws=50, seed=7)
    other = Resample.over(["a", "a", "b", "c"], draws=50, seed=8)
    assert draws.counts.shape == (51, 3)
    assert (draws.counts[0] == 1).all()
    assert (draws.counts[1:].sum(1) == 3).all()
    assert (draws.counts == again.counts).all()
    assert (draws.counts != other.counts).any()


def test_a_group_is_drawn_whole() -> None:
    draws = Resample.over(["a"] * 5 + ["b"], draws=200)
    sums = draws.sums(np.array([[1.0, 0.0]] * 5 + [[0.0, 1.0]]))
    assert set(np.unique(sums[:, 0])) == {0.0, 5.0, 10.0}


def test_intervals_hold_the_true_share_about_nineteen_times_in_twenty() -> None:
    """200 samples of 60 groups with three rows each, all right or all wrong together."""
    draw = np.random.default_rng(11)
    groups = [str(number // 3) for number in range(180)]
    by_group, by_row = 0, 0
    for sample in range(200):
        right = np.repeat(draw.random(60) < 0.7, 3)
        every = np.ones(180, bool)
        for names, kind in ((groups, "group"), ([str(n) for n in range(180)], "row")):
            draws = Resample.over(names, draws=200, seed=sample)
            interval = metrics.told(metrics.shares(draws, right, every))[1]
            assert interval is not None
            held = interval[0] <= 0.7 <= interval[1]
            by_group += held and kind == "group"
            by_row += held and kind == "row"
    assert 0.89 <= by_group / 200 <= 0.99
    assert by_row / 200 < 0.85  # rows taken for independent claim too much


def test_the_difference_of_a_rival_to_itself_has_no_spread() -> None:
    rows = [judged("a", ["industrial_accident"]), judged("b", []), judged("c", ["labour_action"])]
    ours = guess([{FIRE: 0.9}, {}, {}], [0.9, 0.1, 0.1])
    better = guess([{FIRE: 0.9}, {}, {STRIKE: 0.9}], [0.9, 0.1, 0.9])
    less = cards.less_each(ours, {"same": ours, "better": better}, Truth.of(rows, link=False))
    assert less["same"] == {"micro_f1": 0.0, "micro_f1_95": [0.0, 0.0]}
    assert less["better"]["micro_f1"] == pytest.approx(2 / 3 - 1, abs=1e-3)


# -------------------------------------------------------------------------------------- cards


def judged(row_id: str, labels: Sequence[str], **more: Any) -> Judged:
    from nlp.dataset import to_row

    told = more.pop("told", frozenset({"severity", "countries"}))
    raw = {"source": "s", "severity": 0, "labels": labels or ["none"], "lang": "en", "text": ""}
    row = to_row({"id": row_id, "title": f"Title {row_id}", "published": None, **raw, **more})
    return Judged(replace(row, group=row_id), told)


def test_a_card_of_known_rows() -> None:
    rows = [
        judged("a", ["industrial_accident"], severity=2, phase="actual_or_ongoing"),
        judged("b", ["labour_action"], severity=1, phase="threat_or_proposed"),
        judged("c", []),
        judged("d", []),
    ]
    said = replace(
        guess([{FIRE: 0.9}, {}, {FIRE: 0.6}, {}], [0.9, 0.2, 0.6, 0.1]),
        severity=np.array([2.0, 1.0, 0.0, 0.0]),
        phase=np.array([1, 1, 0, 0]),
    )
    found = cards.card(said, Truth.of(rows, link=False))
    assert found["micro_f1"] == 0.5
    assert found["macro_f1"] is None  # no type has ten rows
    assert found["macro_labels"] == 0
    assert (found["event_precision"], found["event_recall"], found["event_f1"]) == (0.5, 0.5, 0.5)
    assert found["severity_kappa"] == 1.0
    assert found["phase_accuracy"] == 0.5
    assert found["phase_accuracy_agreed"] == 1.0  # row b is missed, so its phase is not asked
    assert "direction_accuracy" not in found
    assert found["rows"] == 4


def test_what_a_file_does_not_give_is_not_scored() -> None:
    rows = [
        judged("a", ["industrial_accident"], told=frozenset()),
        judged("b", [], told=frozenset()),
    ]
    said = replace(guess([{FIRE: 0.9}, {}], [0.9, 0.1]), severity=np.array([1.0, 0.0]))
    found = cards.card(said, Truth.of(rows), link=True)
    assert "severity_kappa" not in found
    assert "countries_f1" not in found


def test_countries_are_compared_as_sets() -> None:
    rows = [judged("a", ["industrial_accident"], countries=["CN", "JP"])]
    rows = [replace(one, row=replace(one.row, title="Fire stops a plant in China")) for one in rows]
    found = cards.card(guess([{FIRE: 0.9}], [0.9]), Truth.of(rows), link=True)
    assert found["countries_f1"] == pytest.approx(2 / 3, abs=1e-3)


def test_calibration_is_of_random_rows_only() -> None:
    rows = [judged("a", ["industrial_accident"], drawn="natural"), judged("b", [])]
    found = cards.report({"ews": guess([{FIRE: 1.0}, {FIRE: 1.0}], [1.0, 1.0])}, rows)
    table = found["calibration"]
    assert isinstance(table, dict)
    assert table["rows"] == 1
    assert table["all"][ANY]["ece"] == 0.0
    assert table["en"]["types"]["industrial_accident"]["true"] == 1
    assert table["all"][ANY]["bins"][9]["rows"] == 1
    without = cards.report({"ews": guess([{}], [0.1])}, rows[1:])
    assert "calibration" not in without


def test_triage_tells_errors_in_and_outside_the_band() -> None:
    rows = [judged("a", ["labour_action"]), judged("b", ["labour_action"]), judged("c", [])]
    said = guess([{}, {}, {}], [0.4, 0.9, 0.1])
    found = cards.triage(said, Truth.of(rows, link=False), (0.3, 0.7))
    assert found is not None
    assert (found["rows"], found["error_inside"], found["error_outside"]) == (1, 1.0, 0.0)
    assert cards.triage(said, Truth.of(rows, link=False), None) is None


def test_served_says_nothing_of_what_the_first_pass_drops() -> None:
    said = rivals.served(guess([{FIRE: 0.9}, {FIRE: 0.9}], [0.9, 0.9]), np.array([True, False]))
    assert said.said_event.tolist() == [True, False]
    assert said.said[:, FIRE].tolist() == [True, False]


def test_the_direction_scored_is_the_models_and_not_the_price_words() -> None:
    rows = [judged("a", ["price_shock"], title="Copper price plunges", price_direction="up")]
    ours = rivals.shipped(cast(Any, Stub(Path())))([one.row for one in rows])
    words = rivals.own_rules([one.row for one in rows])
    truth = Truth.of(rows, link=False)
    assert cards.card(ours, truth)["direction_accuracy"] == 1.0
    assert cards.card(words, truth)["direction_accuracy"] == 0.0


def test_the_first_pass_is_asked_about_the_plain_form() -> None:
    asked: list[str] = []

    class First:
        def relevant(self, texts: Sequence[str]) -> Flags:
            asked.extend(texts)
            return np.array([True])

    row = judged("a", [], title="<b>Port</b> shut", text="for a\u200bday").row
    assert rivals.kept_by_first_pass(cast(Any, First()), [row]).tolist() == [True]
    assert asked == [cleaned(row.title, row.text).joined]
    assert "<b>" not in asked[0]


def test_small_slices_are_counted_and_not_scored() -> None:
    rows = [judged(str(number), []) for number in range(cards.LEAST_ROWS)]
    rows += [judged("x", [], lang="ja"), judged("y", [], source="elsewhere")]
    said = guess([{}] * len(rows), [0.1] * len(rows))
    found: Any = cards.report({"ews": said}, rows)
    assert found["languages"]["ja"] == {"rows": 1}
    assert found["languages"]["en"]["ews"]["rows"] == cards.LEAST_ROWS + 1
    assert found["sources"]["elsewhere"] == {"rows": 1}
    assert found["sources"]["s"]["ews"]["rows"] == cards.LEAST_ROWS + 1


# ------------------------------------------------------------------------------ labelled files


@pytest.mark.parametrize("packed", [False, True])
def test_a_labelled_file_is_read_gzipped_or_plain(tmp_path: Path, packed: bool) -> None:
    path = written(
        tmp_path,
        [
            line("a", ["labour_action"], severity=1, phase="threat_or_proposed", countries=["kr"],
                 published="2024-03-01", event_group="g1", drawn="natural", lang="ko-KR"),
            line("b", [], text=None, published="some day", event_group="g1"),
            line("c", ["price_shock"], price_direction="up", severity=None, event_group="g2"),
        ],
        packed,
    )  # fmt: skip
    a, b, c = read_labelled(path)
    assert (a.row.lang, a.row.countries, a.row.group, a.row.drawn) == (
        "ko",
        ("KR",),
        "g1",
        "natural",
    )
    assert a.told == {"severity", "countries"}
    assert (b.row.labels, b.row.day, b.row.text) == ((), None, "")
    assert b.row.group == a.row.group != c.row.group
    assert c.row.direction == "up"
    assert c.told == set()


@pytest.mark.parametrize("learn", [True, False])
def test_rows_without_event_groups_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learn: bool
) -> None:
    if learn:
        pytest.importorskip("sklearn")
    else:
        monkeypatch.setattr(labelled.importlib.util, "find_spec", lambda name: None)
    told = "A fire at the big chemical plant near the harbour stops production for two weeks"
    path = written(
        tmp_path,
        [
            line("a", ["industrial_accident"], title=told),
            line("b", ["industrial_accident"], title=told + " today"),
            line("c", title="The museum opens a new hall of paintings on Sunday afternoon"),
        ],
    )
    a, b, c = read_labelled(path)
    assert a.row.group == b.row.group
    assert c.row.group not in {"", a.row.group}


BAD = {
    "not JSON": "{broken",
    "one JSON object": '["a"]',
    "'labels' is missing": json.dumps({"id": "b", "lang": "en", "title": "t"}),
    "unknown label 'fire'": json.dumps(line("b", ["fire"])),
    "stands alone": json.dumps(line("b", ["none", "epidemic"])),
    "a list of strings": json.dumps({**line("b"), "labels": "none"}),
    "severity 4": json.dumps(line("b", severity=4)),
    "severity '2'": json.dumps(line("b", severity="2")),
    "severity True": json.dumps(line("b", severity=True)),
    "phase 'over'": json.dumps(line("b", phase="over")),
    "price_direction 'sideways'": json.dumps(line("b", price_direction="sideways")),
    "title is int": json.dumps({**line("b"), "title": 3}),
    "lang ''": json.dumps(line("b", lang="")),
    "countries 'CN'": json.dumps(line("b", countries="CN")),
    "is also on line 1": json.dumps(line("a")),
}


@pytest.mark.parametrize("said", BAD)
def test_a_bad_line_is_named(tmp_path: Path, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(line('a'))}\n\n{BAD[said]}\n", encoding="utf-8")
    with pytest.raises(LabelledFileError) as error:
        read_labelled(path)
    assert str(error.value).startswith(f"{path}:3: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no rows"),
        (b"\n \n", "no rows"),
        (b'{"id": "a"}\n\xff\xfe', ":2: not UTF-8"),
        (gzip.compress(b"{}\n", mtime=0)[:-6], "not a whole gzip file"),
        (b"\x1f\x8bnot gzip at all", "not a whole gzip file"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(LabelledFileError, match=said):
        read_labelled(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelledFileError, match=r"none\.jsonl: No such file"):
        read_labelled(tmp_path / "none.jsonl")


# --------------------------------------------------------------------------------- the command


class Stub:
    """A model that calls every text with the word fire an industrial accident."""

    version = "stub"

    class calibration:  # the fields that the report reads
        thresholds = (0.5,) * len(NAMES)
        event_threshold = 0.5
        triage_low, triage_high = 0.3, 0.6

    class screen:  # lets everything through
        @staticmethod
        def relevant(texts: Sequence[str]) -> Flags:
            return np.ones(len(texts), bool)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_plain(self, texts: Sequence[Cleaned]) -> Read:
        fire = np.array([0.9 if "fire" in one.title.lower() else 0.05 for one in texts])
        labels = np.zeros((len(texts), len(NAMES)))
        labels[:, FIRE] = fire
        phase = np.tile([0.1, 0.8, 0.1], (len(texts), 1))
        readings = Readings(labels=labels, event=fire, phase=phase, severity=2 * fire)
        up = np.tile([4.0, 0.0], (len(texts), 1))
        words = np.zeros(len(texts))
        return Read(readings, words, up, np.zeros((len(texts), 128)), ((),) * len(texts))


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "TransformerClassifier", Stub)


def told(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["nlp.evaluate", *words])
    evaluate.main()


def rows_of_fires(folder: Path) -> Path:
    fires = [
        line(f"f{n}", ["industrial_accident"], title=f"Fire at plant {n}", severity=2,
             phase="actual_or_ongoing", countries=[], event_group=f"f{n}", drawn="natural")
        for n in range(12)
    ]  # fmt: skip
    calm = [line(f"c{n}", title=f"Calm day {n}", severity=0, event_group=f"c{n}", drawn="natural")
            for n in range(20)]  # fmt: skip
    return written(folder, [*fires, *calm])


@pytest.mark.usefixtures("stubbed")
def test_rows_prints_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rows_of_fires(tmp_path)
    told(monkeypatch, "--rows", str(path), "--json", "--data", str(tmp_path))
    found = json.loads(capsys.readouterr().out)
    ours = found["set"]["rivals"]["ews"]
    assert ours["micro_f1"] == ours["macro_f1"] == ours["event_f1"] == ours["phase_accuracy"] == 1.0
    assert ours["severity_kappa"] == 1.0
    assert found["set"]["rivals"]["lexicon_own"]["rows"] == 32
    assert "lexicon_v1.py is not there" in found["absent"]["lexicon_shared"]
    assert found["set"]["calibration"]["all"][ANY]["ece"] == pytest.approx(
        (12 * 0.1 + 20 * 0.05) / 32, abs=1e-3
    )
    assert found["set"]["triage"]["rows"] == 0


@pytest.mark.usefixtures("stubbed")
def test_rows_prints_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, "--rows", str(rows_of_fires(tmp_path)), "--data", str(tmp_path))
    page = capsys.readouterr().out
    for wanted in ("| ews, every text read | 32 | 12 | 1.000 (1.000 to 1.000) |", "## Per type",
                   "| English |", "## Calibration", "our rules lexicon.v1", "Triage: 0.0%"):  # fmt: skip
        assert wanted in page


@pytest.mark.usefixtures("stubbed")
def test_a_bad_file_ends_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, [line("a", ["fire"])])
    with pytest.raises(SystemExit) as ended:
        told(monkeypatch, "--rows", str(path))
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"nlp.evaluate: {path}:1: unknown label 'fire'")


def test_the_full_run_without_recorded_data_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        told(monkeypatch, "--data", str(tmp_path))
    assert "set EWS_RECORDED_DATA" in capsys.readouterr().err


def test_scoring_a_file_needs_neither_scikit_learn_nor_torch() -> None:
    """The default install has neither; nothing of them may be imported for --rows."""
    code = (
        "import sys\n"
        "for name in ('sklearn', 'torch', 'nlp.calibrate'): sys.modules[name] = None\n"
        "from nlp import evaluate, rivals\n"
        "from pathlib import Path\n"
        "try:\n    rivals.tfidf([], [])\n"
        "except rivals.RivalMissingError as error:\n    print(error)\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 0, done.stderr
    assert "scikit-learn is not installed" in done.stdout


def test_without_torch_the_plain_pipeline_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rivals.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RivalMissingError, match="torch not installed"):
        rivals.plain_pipeline(tmp_path)


# ---------------------------------------------------------------------------------- pictures


def test_a_diagram_is_small_well_formed_and_always_the_same() -> None:
    draw = np.random.default_rng(2)
    probability = draw.random(300) ** 3
    happened = draw.random(300) < probability
    table = cards.reliability(probability, happened, [str(n) for n in range(300)])
    drawing = diagrams.reliability("A <b> & c", table)
    assert drawing == diagrams.reliability("A <b> & c", table)
    assert len(drawing) < 10_000
    root = ET.fromstring(drawing)
    space = "{http://www.w3.org/2000/svg}"
    filled = [one for one in table["bins"] if one["rows"]]  # type: ignore[attr-defined]
    assert len(root.findall(f"{space}circle")) == len(filled)
    words = [one.text for one in root.iter(f"{space}text")]
    assert all(str(one["rows"]) in words for one in filled)
    assert any("ECE" in (word or "") for word in words)


def test_a_dot_on_the_line_of_agreement_stands_there() -> None:
    probability = np.full(10, 0.5)
    table = cards.reliability(probability, np.arange(10) < 5, [str(n) for n in range(10)])
    root = ET.fromstring(diagrams.reliability("x", table))
    (circle,) = root.findall("{http://www.w3.org/2000/svg}circle")
    assert float(circle.attrib["cx"]) - diagrams.LEFT == diagrams.SIDE / 2
    assert float(circle.attrib["cy"]) - diagrams.TOP == diagrams.SIDE / 2


def test_languages_with_few_rows_make_no_diagram() -> None:
    rows = [judged(f"e{n}", [], drawn="natural") for n in range(diagrams.LEAST_ROWS)]
    rows += [judged("k", [], drawn="natural", lang="ko")]
    said = guess([{}] * len(rows), [0.1] * len(rows))
    found = cards.report({"ews": said}, rows)["calibration"]
    assert isinstance(found, dict)
    assert [*diagrams.of_set(found)] == ["reliability-all.svg", "reliability-en.svg"]


# -------------------------------------------------------------------------------------- bars


def test_bars_are_met_missed_or_not_measured() -> None:
    tree = {"sets": {"test": {"rivals": {"ews": {"micro_f1": 0.86, "micro_f1_95": [0.83, 0.88],
            "event_f1": 0.9}}}}}  # fmt: skip
    judged_bars = {bar.what: bar for bar in bars.judge(tree, {})}
    assert judged_bars["micro-F1, test part"].met is True
    assert judged_bars["micro-F1, test part"].figure == "0.860 (0.830 to 0.880)"
    assert judged_bars["event or none: F1, test part"].met is False
    assert judged_bars["micro-F1, gold_dev"].met is None
    assert judged_bars["micro-F1, gold_dev"].figure == "not measured"
    said = bars.lines([*judged_bars.values()])
    assert said[-1].startswith("1 met, 1 not met, ")


def test_the_better_rival_is_the_one_with_the_smaller_lead() -> None:
    rows = [judged(f"r{n}", ["labour_action"] if n % 2 else []) for n in range(24)]
    right = [{STRIKE: 0.9} if n % 2 else {} for n in range(24)]
    half = [{STRIKE: 0.9} if n % 4 == 1 else {} for n in range(24)]
    none: list[dict[int, float]] = [{} for _ in range(24)]
    event = [0.5] * 24
    found = evaluate.against(
        {
            "ews": guess(right, event),
            "tfidf": guess(none, event),
            "lexicon_shared": guess(half, event),
        },
        rows,
    )
    english = found["en"]
    assert isinstance(english, dict)
    assert english["better"] == "lexicon_shared"
    assert english["less"]["lexicon_shared"]["micro_f1"] == pytest.approx(1 - 2 / 3, abs=1e-3)


def test_check_compares_the_figures_in_the_repository(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, "--check")
    page = capsys.readouterr().out
    assert "| micro-F1, gold_dev | >= 0.85 |" in page
    assert "| ECE on the natural stream, ko" in page


def test_the_page_and_the_figures_are_of_one_model() -> None:
    found = json.loads((evaluate.BENCH / "nlp.json").read_text(encoding="utf-8"))
    page = evaluate.PAGE.read_text(encoding="utf-8")
    assert page.startswith(f"# Model card: {found['version']}\n")
    named = set(re.findall(r"\(model-card/([^)]+)\)", page))
    assert named == {path.name for path in evaluate.PICTURES.glob("*.svg")}
    assert named == diagrams.of_set(found["sets"]["natural_report"]["calibration"]).keys()


def test_a_page_is_written_from_the_figures_alone() -> None:
    found = json.loads((evaluate.BENCH / "nlp.json").read_text(encoding="utf-8"))
    trial = {"name": "t1", "change": "distilled", "test": {"micro": 0.8125, "macro": 0.5}}
    beside = {
        "training": {"trials": [trial]},
        "agreement": {"rows": 260, "f1": {"ko": 0.95}},
        "manifest": {"files": {"model.onnx": "abc"}},
        "sizes": {"model.onnx": 12},
        "notice": "From a base, MIT.\n\nMIT License\n\nPermission is hereby",
    }
    page = modelcard.render(found, beside, ["reliability-ko.svg"])
    for wanted in (
        "| t1 | distilled | 0.812 | 0.500 | - |",
        "| f1, ko | 0.950 |",
        "| model.onnx | 12 | `abc` |",
        "From a base, MIT.",
        "![Reliability of any event: Korean](model-card/reliability-ko.svg)",
        "| 0.0 to 0.1 |",
    ):
        assert wanted in page
    assert "Permission is hereby" not in page


def test_the_shipped_model_scores_a_file_from_the_command_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        [
            line("a", ["natural_disaster"], title="Magnitude 7 earthquake hits Taiwan, fabs stop"),
            line("b", title="Ten recipes for a slow Sunday with friends"),
        ],
        packed=True,
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "nlp.evaluate", "--rows", str(path), "--json"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["set"]["rivals"]["ews"]["event_f1"] == 1.0
    assert found["set"]["rivals"]["ews"]["rows"] == 2


def test_tables_say_a_dash_for_what_is_not_known() -> None:
    assert reportcard.table(["a", "b"], [[None, 0.5]])[-2] == "| - | 0.500 |"
