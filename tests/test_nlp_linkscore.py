"""The score of the linking: known marks give known figures; recorded texts are found by id."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nlp import linkscore
from nlp.linkscore import Named, Read, Tally
from nlp.mention_scores import Score
from nlp.recorded import FEEDS, Text, feed_id, find
from nlp.session import FirmSpan


def mark(
    text: str, surface: str, code: str, item: str = "", kind: str = "item", role: str = "hit"
) -> Named:
    start = text.index(surface)
    return Named(surface, start, start + len(surface), kind, code, item, role)


def text(title: str) -> Text:
    return Text("own-1", "own", "Own Wire", "en", "2024-03-01", title, "")


def read(*named: Named, second: tuple[Named, ...] | None = None) -> Read:
    return Read("own-1", "dev", "en", named, second)


# ------------------------------------------------------------------------------------- items

COAL = "China halts urea exports as coal runs short"


def test_a_good_is_right_by_item_or_by_heading() -> None:
    urea, coal = mark(COAL, "urea", "9999", "urea"), mark(COAL, "coal", linkscore.hs4("coal"))
    assert linkscore.score_items(read(urea, coal), text(COAL)) == Tally(2, 0, 0)


def test_a_wrong_heading_is_missed_and_a_good_without_a_mark_invented() -> None:
    wrong = mark(COAL, "urea", "2709")
    assert linkscore.score_items(read(wrong), text(COAL)) == Tally(0, 2, 1)


def test_a_mark_too_wide_for_a_heading_counts_neither_way() -> None:
    urea, wide = mark(COAL, "urea", "", "urea"), mark(COAL, "coal", "")
    assert linkscore.score_items(read(urea, wide), text(COAL)) == Tally(1, 0, 0)


def test_goods_of_one_role_are_scored_alone() -> None:
    urea = mark(COAL, "urea", "", "urea", role="comment")
    coal = mark(COAL, "coal", "2709")
    assert linkscore.score_items(read(urea, coal), text(COAL), "comment").missed == 0
    assert linkscore.score_items(read(urea, coal), text(COAL), "hit").missed == 1


# --------------------------------------------------------------------------- places and firms

BUSAN = "Strike shuts the port of Busan; ships avoid the Suez Canal and Port Nowhere"


def test_ports_are_sets_of_codes() -> None:
    busan = mark(BUSAN, "Busan", "busan", kind="port")
    nowhere = mark(BUSAN, "Port Nowhere", "other:Port Nowhere", kind="port")
    assert linkscore.score_places(read(busan, nowhere), text(BUSAN)) == Tally(1, 1, 0)
    assert linkscore.score_all_ports(read(busan, nowhere), text(BUSAN)) == Tally(1, 1, 1)


FIRMS = "Samsung SDI and Acme Widgets halt a plant"


def test_a_firm_outside_the_list_is_found_where_the_encoder_marks_it() -> None:
    listed = mark(FIRMS, "Samsung SDI", "samsung-sdi", kind="firm")
    other = mark(FIRMS, "Acme Widgets", "other:Acme Widgets", kind="firm")
    reading = read(listed, other)
    assert linkscore.score_firms(reading, text(FIRMS)) == Tally(1, 0, 1)
    spans = [FirmSpan(other.start, other.end, 0.9)]
    assert linkscore.score_firms(reading, text(FIRMS), spans) == Tally(2, 0, 0)
    assert linkscore.score_firms(read(listed), text(FIRMS), spans) == Tally(1, 1, 0)


# ----------------------------------------------------------------------------------- figures


def test_figures_of_a_sum_of_texts() -> None:
    row = linkscore._row([Tally(1, 1, 0), Tally(2, 0, 1)], linkscore._f1)
    assert (row["texts"], row["marked"]) == (2, 4)
    assert (row["precision"], row["recall"], row["f1"]) == (0.75, 0.75, 0.75)
    # a draw is the first text twice, the second twice, or one of each
    assert row["interval"] == [0.667, 0.8]


def test_nothing_marked_has_no_figure() -> None:
    row = linkscore._row([Tally()], linkscore._f1)
    assert (row["precision"], row["recall"], row["f1"], row["interval"]) == (None,) * 4
    assert linkscore.interval([], linkscore._f1) is None


def test_two_readers_agree_on_codes_and_on_the_code_of_one_place() -> None:
    urea, coal = mark(COAL, "urea", "3102"), mark(COAL, "coal", "2701")
    other = mark(COAL, "coal", "2704")
    found = linkscore.agreement("items", [read(urea, coal, second=(urea, other)), read(urea)])
    assert found == {
        "texts": 1,
        "f1": 0.5,
        "both_marked": 2,
        "same_code_where_both_marked": 0.5,
    }


def test_country_scores_count_codes() -> None:
    score = Score()
    assert score.f1 == 0.0
    score.add({"CN", "JP"}, {"CN", "KR", "US"})
    assert (score.right, score.invented, score.missed) == (1, 1, 2)
    assert (score.precision, score.recall) == (1 / 2, 1 / 3)
    assert score.f1 == pytest.approx(0.4)


# ------------------------------------------------------------------------------ recorded texts


def packed(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    news = {"lang": "ko", "published": "2024-01-01", "title": "N", "text": "x" * 500}
    packed(tmp_path / "news" / "a.jsonl.gz", [{**news, "id": "a-1"}, {**news, "id": "a-2"}])
    packed(tmp_path / "news" / "b.jsonl.gz", [{**news, "id": "b-1"}])
    packed(tmp_path / FEEDS["rss2021"], [ITEM, {**ITEM, "title": "Other"}])
    return tmp_path


ITEM = {"link": "https://own.example/1", "title": "F", "published": "2021-05-01", "summary": None}


def test_texts_are_found_by_id_in_feeds_and_news(data: Path) -> None:
    wanted = {"a-2", "b-1", feed_id("rss2021", ITEM)}
    found = find(wanted, data)
    assert found.keys() == wanted
    assert (found["a-2"].source, found["a-2"].lang, len(found["a-2"].text)) == ("a", "ko", 400)
    item = found[feed_id("rss2021", ITEM)]
    assert (item.title, item.text, item.lang, item.link) == ("F", "", "en", ITEM["link"])


def test_feeds_that_no_id_names_are_not_read(data: Path) -> None:
    (data / FEEDS["rss2021"]).unlink()
    assert find(["a-1"], data)["a-1"].title == "N"
    assert find([], data) == {}


def test_ids_that_are_nowhere_are_named(data: Path) -> None:
    with pytest.raises(KeyError, match=r"2 ids are not in .*'a-9', 'rss2021-000000000000'"):
        find(["a-1", "a-9", "rss2021-000000000000"], data)
