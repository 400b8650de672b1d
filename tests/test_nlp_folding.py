"""A text that repeats another takes its tags; one that turns it round, or names another, does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.model import Article, Mention, MentionKind, Tag, TaggedArticle
from ews.reading import Reader
from ews.storage import Store
from nlp.folding import Folds, repeats, taken, title_key
from nlp.mentions import find_mentions

NOW = datetime(2026, 3, 4, tzinfo=UTC)
LEDE = (
    "China's customs authority said on Monday that exporters of {item} must ask for inspection "
    "before shipment from {day} October, according to a notice on its web site."
)


def text(title: str, body: str = "", lang: str = "en", minutes: int = 0, id: str = "") -> Article:
    at = NOW + timedelta(minutes=minutes)
    return Article(
        id or Article.make_id("s", "", title + body + str(minutes)), "s", "o", "", title, body,
        lang, at, at,
    )  # fmt: skip


FIRST = text("China orders inspection of urea exports", LEDE.format(item="urea", day=15))


@pytest.mark.parametrize(
    ("title", "body"),
    [
        (FIRST.title, FIRST.text),
        ("UPDATE 1-China orders inspection of urea exports", FIRST.text),
        ("China orders inspection of urea exports (2nd LEAD)", FIRST.text),
        ("CHINA ORDERS INSPECTION OF UREA EXPORTS", FIRST.text.replace("China's", "China’s")),
    ],
)
def test_a_copy_is_known_whatever_its_marks(title: str, body: str) -> None:
    copy = text(title, body, minutes=5)
    assert title_key(copy.title) == title_key(FIRST.title)
    assert repeats(FIRST, copy)


@pytest.mark.parametrize(
    "body",
    [
        LEDE.format(item="urea", day=16),  # another day
        LEDE.format(item="urea", day=15).replace("must ask", "must not ask"),
        LEDE.format(item="urea", day=15).replace("must ask", "no longer must ask"),
        "Traders in Seoul wait for word on cargoes that are already paid for.",
    ],
)
def test_another_number_a_turn_or_another_text_is_no_copy(body: str) -> None:
    assert not repeats(FIRST, text(FIRST.title, body))


def test_a_korean_turn_word_keeps_texts_apart() -> None:
    body = "중국 해관총서는 요소와 인산비료 29종의 수출을 앞두고 반드시 검사를 받도록 한 조치를 {what} 밝혔다. 업계는 물량과 가격에 미칠 영향을 살피고 있다고 전했다."
    first = text("중국 요소 수출 검사 의무화 조치 발표", body.format(what="시행한다고"), "ko")
    ended = replace(first, text=body.format(what="해제한다고"))
    again = replace(first, title="[속보] 중국, 요소 수출검사 의무화 조치 발표(종합)")
    assert not repeats(first, ended)
    assert title_key(again.title) == title_key(first.title)
    assert repeats(first, again)


def test_another_item_or_country_in_a_near_copy_is_read_by_itself() -> None:
    many = " ".join(f"detail{n}" for n in range(60)).replace("0", "a").replace("1", "b")
    first = text("Exporters must ask for inspection", f"China limits urea. {many}")
    other = replace(first, id="art-2", text=f"China limits graphite. {many}")
    tags = TaggedArticle(first.id, "m.v1", (), 0.9, None, 2.0, find_mentions(first))
    assert repeats(first, other)
    assert taken(other, first, tags, find_mentions) is None
    comma = replace(first, id="art-3", text=f"China limits urea, {many}")
    took = taken(comma, first, tags, find_mentions)
    assert took is not None
    assert (took.article_id, took.folded) == ("art-3", first.id)
    assert all(
        comma.text[m.start - len(comma.title) - 1 :].startswith(m.text) for m in took.mentions
    )


class Counting:
    """Tags by length of the title; remembers what it was given."""

    version = "m.v1"

    def __init__(self) -> None:
        self.read: list[str] = []

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        self.read += [one.id for one in articles]
        return [
            TaggedArticle(
                one.id, self.version, (Tag("strike", len(one.title) / 100),), 0.5, None, 1.0,
                (Mention(MentionKind.COUNTRY, "CN", 1.0, 0, 5, one.title[:5]),),
            )
            for one in articles
        ]  # fmt: skip


TITLES = ("China orders inspection of urea", "Dockers at Ningbo walk out", "Short")
drawn = st.lists(
    st.tuples(st.sampled_from(TITLES), st.sampled_from(["", "Same lede."]), st.integers(0, 8000)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(drawn=drawn, cuts=st.sets(st.integers(1, 11)))
def test_batches_and_restarts_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str, int]], cuts: set[int]
) -> None:
    whole = [
        text(title, body, minutes=minutes, id=f"art-{n}")
        for n, (title, body, minutes) in enumerate(drawn)
    ]
    whole.sort(key=lambda one: (one.available_at, one.id))
    home: Path = tmp_path_factory.mktemp("fold")
    answers = []
    for name, starts in (("one", [0]), ("many", [0, *sorted(c for c in cuts if c < len(whole))])):
        store = Store.open(home / name)
        tagged: list[TaggedArticle] = []
        for first, last in zip(starts, [*starts[1:], len(whole)], strict=True):
            batch = whole[first:last]
            store.save_articles(batch)
            found = Reader(store).read(batch, Counting())  # a new one: as after a restart
            store.save_tagged(found, NOW)
            tagged += found
        store.close()
        answers.append(tagged)
    assert answers[0] == answers[1]
    assert [one.article_id for one in answers[0]] == [one.id for one in whole]


def test_only_the_first_costs_a_reading_and_only_for_three_days(tmp_path: Path) -> None:
    store, model = Store.open(tmp_path), Counting()
    texts = [
        text(TITLES[0], "Lede.", minutes=n, id=f"art-{n}") for n in (0, 1, 60, 3 * 1440 + 61 + 60)
    ]
    store.save_articles(texts)
    found = Reader(store).read(texts, model)
    assert model.read == ["art-0", "art-4441"]
    assert [one.folded for one in found] == ["", "art-0", "art-0", ""]
    assert found[1].tags == found[0].tags
    store.close()


def test_what_another_model_said_is_not_taken(tmp_path: Path) -> None:
    store, model = Store.open(tmp_path), Counting()
    first, copy = text(TITLES[0], minutes=0), text(TITLES[0], minutes=9)
    store.save_articles([first, copy])
    store.save_tagged([TaggedArticle(first.id, "lexicon.v1", (), 0.1, None, 0.0)], NOW)
    assert Reader(store).read([copy], model)[0].folded == ""
    assert model.read == [copy.id]
    store.close()


def test_old_titles_are_forgotten() -> None:
    folds = Folds()
    folds.add(text(TITLES[0], minutes=0, id="art-0"))
    folds.forget_before(NOW + timedelta(days=2))
    assert folds._known
    folds.forget_before(NOW + timedelta(days=4))
    assert not folds._known


def test_a_newsrooms_near_copy_of_an_unverified_text_is_read_by_itself() -> None:
    body = "The strike at the port of Busan began on Monday and goes on, the union told us today."
    first = text("Strike shuts the port of Busan", body, id="a")
    copy = text("Strike shuts the port of Busan", body + " More.", minutes=5, id="b")
    rumour = replace(first, trusted=False)
    assert repeats(first, copy)
    assert repeats(rumour, replace(copy, trusted=False))
    assert not repeats(rumour, copy)
    assert repeats(rumour, replace(rumour, id="c", trusted=True))
