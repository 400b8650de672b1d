"""nlp.relevance: does a text tell of a present happening that can change what Korea buys?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ews.model import Article, Phase, Tag, TaggedArticle
from ews.tuning.fit_relevance import READINGS, Rows, fit_columns, ranking, read_readings, ridge
from nlp.classifier import load_classifier
from nlp.relevance import COLUMNS, SHIPPED, Relevance, features, grams

NOW = datetime(2024, 3, 1, tzinfo=UTC)
TAGGED = TaggedArticle("art-1", "ews-e5.v3", (Tag("price_shock", 0.9),), 0.9, Phase.ACTUAL, 1.2)


def relevance_of(title: str, text: str = "", lang: str = "en") -> float:
    article = Article("art-1", "s", "o", "https://x.example/1", title, text, lang, NOW, NOW, "o")
    (tagged,) = load_classifier(1).classify([article])
    assert tagged.relevance is not None
    return tagged.relevance


@pytest.mark.parametrize(
    ("happening", "other", "lang"),
    [
        ("China bans exports of antimony and superhard materials from September",
         "Opinion: what a decade of Chinese export bans has taught the West", "en"),
        ("Strike shuts the world's largest copper mine in Chile",
         "Strike at Chilean copper mine ends after union accepts pay offer", "en"),
        ("중국, 흑연 수출 허가제 시행 발표…배터리 업계 비상",
         "중국 흑연 수출 허가 재개…배터리 업계 안도", "ko"),
    ],
)  # fmt: skip
def test_a_happening_counts_more_than_comment_or_relief(
    happening: str, other: str, lang: str
) -> None:
    assert relevance_of(happening, lang=lang) > relevance_of(other, lang=lang)


def test_each_column_has_a_number_and_the_shipped_weights_are_for_them() -> None:
    assert features(TAGGED, "a title").shape == (len(COLUMNS),)
    assert Relevance.read().weights.shape == (len(COLUMNS),)


def test_weights_for_other_columns_are_refused(tmp_path: object) -> None:
    saved = json.loads(SHIPPED.read_text(encoding="utf-8"))
    saved["weights"].pop("severity")
    file = SHIPPED.__class__(str(tmp_path)) / "relevance.json"
    file.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(ValueError, match="fit it again"):
        Relevance.read(file)


def test_what_the_encoder_did_not_read_has_no_relevance() -> None:
    head = Relevance.read()
    for unread in (
        replace(TAGGED, screened=True), replace(TAGGED, degraded=True), replace(TAGGED, tags=())
    ):  # fmt: skip
        assert head.probability(unread, "t", 0.0) is None
    assert 0 < head.probability(TAGGED, "t", 0.0) < head.probability(TAGGED, "t", 2.0) < 1  # type: ignore[operator]


def test_words_of_a_text_do_not_depend_on_its_neighbours() -> None:
    head = Relevance.read()
    together = head.words(["port strike halts exports", "", "요소 수출 중단"])
    alone = [float(head.words([text])[0]) for text in ("port strike halts exports", "")]
    assert together[:2].tolist() == pytest.approx(alone)
    assert np.diff(grams(["a text", "another"]).indptr).min() > 0


def test_no_reading_is_of_the_half_year_that_is_scored() -> None:
    readings = read_readings()
    assert len(readings) == 2800
    assert {one.feed for one in readings}.isdisjoint({"rss2023h2", "naver_titles_2023"})
    assert "title" not in READINGS.read_text(encoding="utf-8")


def test_the_fit_finds_what_decides_and_ranks_by_it() -> None:
    dice = np.random.default_rng(3)
    columns = dice.normal(size=(400, 3))
    truth = (columns[:, 1] + 0.3 * dice.normal(size=400) > 0).astype(float)
    rows = Rows(columns, grams(["x"] * 400), truth, np.ones(400), np.arange(400))
    weights, bias = fit_columns(rows, 1.0)
    assert abs(weights[1]) > 5 * max(abs(weights[0]), abs(weights[2]))
    assert ranking(columns @ weights + bias, truth)["auc"] > 0.95
    strong, weak = (ridge(columns, truth, np.ones(400), p)[0] for p in (1.0, 1e6))
    assert np.abs(weak).max() < 0.01 < np.abs(strong).max()
