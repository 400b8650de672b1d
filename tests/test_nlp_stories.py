"""Stories: the same happening in any outlet and language is one; a later one is another."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from ews.model import Article, Mention, MentionKind, Phase, Story, Tag, TaggedArticle
from ews.storage.codec import from_json, to_json
from nlp import stories as placing
from nlp import storyscore
from nlp.stories import StoryIndex
from nlp.storyscore import GOLD, Happening, b_cubed, gold, pairs_met, placings, readers
from nlp.storywords import marks, terms
from nlp.wires import credited, repeats, sketch

T0 = datetime(2024, 3, 1, 9, tzinfo=UTC)


def told(
    title: str,
    type_: str = "labour_action",
    hours: float = 0.0,
    outlet: str = "A",
    lang: str = "en",
    also: tuple[str, ...] = (),
    **codes: str,
) -> tuple[Article, TaggedArticle]:
    at = T0 + timedelta(hours=hours)
    url = f"https://{outlet.lower()}.example/{abs(hash(title)) % 10**9}"
    article = Article(
        Article.make_id(outlet, url, title), outlet, outlet, url, title, "", lang, at, at
    )
    mentions = tuple(
        Mention(MentionKind(kind), code, 0.9, 0, 1, "x", in_title=True)
        for kind, joined in codes.items()
        for code in joined.split()
    )
    tags = (Tag(type_, 0.9), *(Tag(name, 0.7) for name in also))
    return article, TaggedArticle(article.id, "test.v1", tags, 0.95, Phase.ACTUAL, 1.5, mentions)


def stories(*pairs: tuple[Article, TaggedArticle]) -> list[int]:
    index = StoryIndex()
    seen = {}
    for article, tagged in pairs:
        story = index.place(article, tagged, 0.4)
        assert story is not None
        seen[story.id] = story
    return sorted(story.size for story in seen.values())


def test_two_languages_meet_on_the_codes_they_share() -> None:
    english = told("Dock workers at Vancouver walk out", country="CA", port="vancouver")
    korean = told(
        "밴쿠버 항만 노동자 파업 돌입",
        hours=3,
        outlet="B",
        lang="ko",
        country="CA",
        port="vancouver",
    )
    assert stories(english, korean) == [2]


def test_the_same_kind_at_the_same_place_a_month_later_is_another_story() -> None:
    first = told("Dock workers at Vancouver walk out", port="vancouver")
    later = told("Dock workers at Vancouver walk out again", hours=31 * 24, port="vancouver")
    assert stories(first, later) == [1, 1]


def test_a_follow_up_joins_while_the_story_is_alive() -> None:
    parts = [
        told(f"Vancouver dock strike, day {day}", hours=24 * day, port="vancouver")
        for day in range(1, 30)
    ]
    assert stories(*parts) == [29]


def test_another_item_of_the_same_country_is_another_story() -> None:
    gallium = told(
        "China limits gallium exports", "export_restriction", country="CN", item="gallium"
    )
    graphite = told(
        "China limits graphite exports",
        "export_restriction",
        48,
        country="CN",
        item="natural-graphite",
    )
    assert stories(gallium, graphite) == [1, 1]


def test_two_fires_in_one_country_stay_apart_unless_the_words_agree() -> None:
    paint = told("Blaze destroys paint works outside Lyon", "industrial_accident", country="FR")
    grain = told("Grain silo burns at Rouen terminal", "industrial_accident", 5, country="FR")
    again = told("Paint works near Lyon destroyed by blaze", "industrial_accident", 6, country="FR")
    assert stories(paint, grain, again) == [1, 2]


def test_a_stated_effect_joins_the_story_of_its_cause() -> None:
    cause = told("Strike closes port", also=("logistics_disruption",), country="CA", item="potash")
    effect = told(
        "Potash waits at sea as strike bites",
        "logistics_disruption",
        9,
        also=("labour_action",),
        country="CA",
        item="potash",
    )
    assert stories(cause, effect) == [2]


def test_an_article_is_counted_once_however_often_it_is_placed() -> None:
    index = StoryIndex()
    article, tagged = told("Strike closes port", port="busan")
    index.place(article, tagged, 0.4)
    story = index.place(article, tagged, 0.4)
    assert story is not None
    assert story.size == 1


def test_a_text_below_the_line_tells_no_event() -> None:
    article, tagged = told("Strike closes port", port="busan")
    story = StoryIndex().place(article, tagged, 0.95)
    assert story is not None
    assert story.quiet


def test_a_text_that_tells_next_to_nothing_opens_no_story() -> None:
    article, tagged = told("Strike closes port", port="busan")
    unlikely = replace(tagged, tags=(Tag("labour_action", 0.04),))
    assert StoryIndex().place(article, unlikely, 0.4) is None
    assert StoryIndex().place(article, replace(tagged, screened=True), 0.4) is None


def test_an_index_rebuilt_from_its_stories_places_as_before() -> None:
    pairs = [
        told(f"Busan dock strike hour {h}", hours=h, port="busan", outlet=f"O{h}") for h in range(8)
    ]
    whole, half = StoryIndex(), StoryIndex()
    for pair in pairs:
        last = whole.place(*pair, 0.4)
    for pair in pairs[:4]:
        half.place(*pair, 0.4)
    rebuilt = StoryIndex(half.touched())
    for pair in pairs[4:]:
        again = rebuilt.place(*pair, 0.4)
    assert last == again


def test_korean_particles_do_not_make_new_words() -> None:
    assert terms("중국의 요소 수출을 통제", "") & terms("중국 요소 수출이 막혔다", "") >= {
        "중국",
        "요소",
        "수출",
    }


# ---------------------------------------------------------------------- with story vectors


def vector(seed: int, near: bytes = b"", apart: float = 0.0) -> bytes:
    """Signed bytes of a random direction, or of one at that distance from `near`."""
    drawn = np.random.default_rng(seed).normal(size=128)
    drawn /= np.linalg.norm(drawn)
    if near:
        drawn = np.frombuffer(near, np.int8) / 127 + apart * drawn
    return np.round(127 * drawn / np.linalg.norm(drawn)).astype(np.int8).tobytes()


QUAKE = vector(1)
BLAST = vector(2)


def felt(
    title: str,
    *,
    hours: float = 0.0,
    outlet: str = "A",
    lang: str = "en",
    text: str = "",
    near: bytes = QUAKE,
    seed: int = 9,
    type_: str = "natural_disaster",
    probability: float = 0.9,
    country: str = "AF",
) -> tuple[Article, TaggedArticle]:
    """An article whose vector lies a little beside `near`."""
    article, tagged = told(title, type_, hours, outlet, lang, country=country)
    tags = (Tag(type_, probability),)
    beside = vector(seed, near, 0.4)
    return replace(article, text=text), replace(tagged, tags=tags, vector=beside)


def homes(*pairs: tuple[Article, TaggedArticle]) -> list[Story]:
    """The story of each article after its placing."""
    index = StoryIndex()
    found = [index.place(*pair, 0.4) for pair in pairs]
    assert all(found)
    return [story for story in found if story]


def test_korean_and_english_meet_by_vector_and_name() -> None:
    english, korean = homes(
        felt("Typhoon Ragasa shuts port of Kaohsiung", country="TW"),
        felt(
            "태풍 라가사에 가오슝 항구 폐쇄", hours=4, outlet="B", lang="ko", country="TW", seed=3
        ),
    )
    assert korean.id == english.id
    assert korean.groups == ("A", "B")


def test_unlike_vectors_of_one_country_and_type_stay_apart() -> None:
    quake, flood = homes(
        felt("Quake topples homes in Herat province"),
        felt("Flash flood buries Baghlan bridges", hours=3, near=BLAST, seed=3),
    )
    assert quake.id != flood.id


def test_the_same_words_a_month_later_tell_a_new_happening() -> None:
    first, later = homes(
        felt("Dock workers at Vancouver walk out", type_="labour_action", country="CA"),
        felt("Vancouver dock workers walk out", hours=31 * 24, type_="labour_action",
             country="CA"),
    )  # fmt: skip
    assert first.id != later.id


def test_a_follow_up_in_other_words_joins_and_is_an_update() -> None:
    first, after = homes(
        felt("Quake of magnitude 6.3 topples homes in Herat, Afghanistan"),
        felt("Herat, Afghanistan: rescuers dig for survivors of the quake", hours=30, outlet="B",
             seed=4),
    )  # fmt: skip
    assert after.id == first.id
    assert (after.updates, after.first_seen) == (1, first.first_seen)


WIRE = (
    "Dockers at the port of Vancouver walked out on Saturday after talks over pay broke down, "
    "the union said, leaving forty ships waiting in the bay and shippers looking for other ways."
)


def test_a_wire_copy_counts_once() -> None:
    *_, last = homes(
        felt("Dockers walk out at Vancouver port", outlet="A", text=WIRE),
        felt("Vancouver port dockers walk out", hours=1, outlet="B", text=f"VANCOUVER - {WIRE}"),
        felt("Vancouver port: dockers walk out", hours=2, outlet="C",
             text="Ships queue in the bay as the strike at the port enters its second hour today."),
    )  # fmt: skip
    assert last.size == 3
    assert last.groups == ("A", "C")
    assert last.updates == 1
    assert last.members[1].copy_of == last.members[0].article_id


def test_papers_that_credit_one_agency_are_one_source() -> None:
    *_, last = homes(
        felt("Dockers walk out at Vancouver port", outlet="A", text="VANCOUVER (Reuters) - Dockers left."),
        felt("밴쿠버 항만 파업 돌입", hours=1, outlet="B", lang="ko",
             text="밴쿠버 항만 노동자들이 파업에 들어갔다고 로이터통신이 보도했다."),
    )  # fmt: skip
    assert last.size == 2
    assert last.groups == ("reuters",)


def test_an_unsure_article_opens_no_event_but_follows_a_story() -> None:
    quiet, stated, after = homes(
        felt("Herat, Afghanistan shaken by quake", probability=0.2),
        felt("Quake in Herat, Afghanistan kills dozens", hours=1, outlet="B", seed=3),
        felt("Herat, Afghanistan: aid after the quake", hours=5, outlet="C", probability=0.15, seed=5),
    )  # fmt: skip
    assert quiet.quiet
    assert quiet.groups == ()
    assert not stated.quiet
    assert [member.states for member in after.members] == [False, True, False]
    assert after.groups == ("B",)


def made(count: int) -> list[tuple[Article, TaggedArticle]]:
    """A stream of happenings that mingle, some of them quiet, over seven weeks."""
    rng = random.Random(4)
    names = ["".join(rng.choices("bdfgklmnprstvz", k=6)).capitalize() for _ in range(90)]
    kinds = [(vector(100 + n), names[3 * n : 3 * n + 3], f"C{n}") for n in range(30)]
    pairs = []
    for number in range(count):
        near, words, country = rng.choice(kinds)
        pairs.append(
            felt(f"{' '.join(words)} {number}", hours=number * 49 * 24 / count, near=near, seed=number,
                 outlet=f"O{number % 7}", country=country, probability=rng.choice([0.2, 0.7]),
                 type_=rng.choice(["natural_disaster", "labour_action"]),
                 text=' '.join(words * 4) if number % 5 == 0 else "")
        )  # fmt: skip
    return pairs


@pytest.mark.parametrize("most_open", [20_000, 25])
def test_restarts_place_as_an_unbroken_run(most_open: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "MOST_OPEN", most_open)
    pairs = made(600)
    whole = StoryIndex()
    kept: dict[str, str] = {}
    expected: dict[str, Story] = {}
    for article, tagged in pairs:
        whole.place(article, tagged, 0.4)
        whole.close_before(article.available_at)
        expected |= {story.id: story for story in whole.touched()}
    broken = StoryIndex()
    for number, (article, tagged) in enumerate(pairs):
        if number % 23 == 0:  # as the pipeline: a store gives its stories back, closed ones too
            stored = [from_json(Story, text) for text in kept.values()]
            broken = StoryIndex(sorted(stored, key=lambda s: (s.last_seen, s.id)))
        broken.place(article, tagged, 0.4)
        kept |= {story.id: to_json(story) for story in broken.touched()}
    assert {key: from_json(Story, text) for key, text in kept.items()} == expected
    assert len(expected) > 40
    assert len(broken) <= most_open


def test_a_story_of_an_older_store_is_read_and_grows() -> None:
    _, tagged = felt("Quake in Herat")
    (story,) = homes(felt("Quake in Herat"))
    new = ("vector", "recent", "quiet", "updates")
    text = to_json(replace(story, vector=b"", recent=b""))
    for field, value in zip(new, ('""', '""', "false", "0"), strict=True):
        assert f',"{field}":{value}' in text
        text = text.replace(f',"{field}":{value}', "")
    old = from_json(Story, text)
    article, _ = felt("Quake in Herat", hours=2, outlet="B")
    grown = StoryIndex([old]).place(article, tagged, 0.4)
    assert grown is not None
    assert (grown.id, grown.size) == (story.id, 2)


# ---------------------------------------------------------------------- words, wires


def test_names_meet_across_scripts() -> None:
    english = marks("Quake near Aomori; tanker Novorossiysk damaged, 407 saved", "")
    korean = marks("아오모리 지진, 노보로시스크 유조선 파손, 407명 구조", "")
    assert {"~NPRSK", "#407"} <= english & korean


def test_a_year_and_a_photo_credit_tell_nothing() -> None:
    assert "#2023" not in marks("Port calls of 2023", "")
    assert credited("Storm nears", "The coast on Friday. Photo: Jo Doe/Associated Press") == ""


@pytest.mark.parametrize(
    ("title", "text", "group"),
    [
        ("Port shut", "NANTERRE, France (AP) &mdash; Hushed", "ap"),
        ("US resumes imports — Reuters", "", "reuters"),
        ("日 조사", "일본이 조사를 개시한다고 교도통신이 13일 보도했다.", "kyodo"),
        ("합참 발표", "(서울=연합뉴스) 홍길동 기자 = 합참은 9일 밝혔다.", "yonhap"),
        ("AP exams moved", "Pupils sit AP exams in May.", ""),
    ],
)
def test_credits(title: str, text: str, group: str) -> None:
    assert credited(title, text) == group


def test_a_sketch_knows_a_copy_and_no_other() -> None:
    assert repeats(sketch(WIRE), sketch(f"VANCOUVER, B.C. (AP) - {WIRE} Reporting by Jo Doe"))
    assert not repeats(sketch(WIRE), sketch(WIRE[::-1]))
    assert not repeats(sketch(""), sketch(""))


# ---------------------------------------------------------------------- the score


def happening(name: str, members: str, others: str = "") -> Happening:
    return Happening(
        name, "f", "dev", "x", tuple(members), tuple(others), False, tuple("bz"), frozenset("b")
    )


def test_b_cubed_by_hand() -> None:
    happenings = [happening("1", "abc", "x"), happening("2", "de", "y")]
    homes = {"a": "s", "b": "s", "d": "s", "c": "t", "e": "u", "x": "t", "y": "t"}
    found = {
        p.id: (round(p.precision, 2), round(p.recall, 2)) for p in placings(happenings, homes, {})
    }
    assert found == {
        "a": (0.67, 0.67),
        "b": (0.67, 0.67),
        "c": (0.5, 0.33),  # x is no part of happening 1; nobody says so of y
        "d": (0.33, 0.5),
        "e": (1.0, 0.5),
        "x": (0.5, 1.0),
        "y": (1.0, 1.0),
    }
    perfect = {**dict.fromkeys("abc", "1"), **dict.fromkeys("de", "2")}
    assert b_cubed(placings(happenings, perfect, {}))["f1"] == 1.0


def test_b_cubed_of_one_heap_and_of_single_items() -> None:
    happenings = [happening("1", "abc"), happening("2", "de")]
    heap = b_cubed(placings(happenings, dict.fromkeys("abcde", "s"), {}))
    assert heap == {"precision": 0.52, "recall": 1.0, "f1": 0.6842}  # (3 * 3/5 + 2 * 2/5) / 5
    single = b_cubed(placings(happenings, {}, {}))
    assert single == {"precision": 1.0, "recall": 0.4, "f1": 0.5714}


class Counted:
    """A classifier that counts what it reads and calls every second article irrelevant."""

    read: ClassVar[list[str]] = []

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        Counted.read += [article.id for article in articles]
        return [
            TaggedArticle(article.id, "m.v1", (), 0.5, None, 0.0, screened=number % 2 == 1)
            for number, article in enumerate(articles)
        ]


def test_answers_are_kept_until_what_decides_them_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storyscore, "TransformerClassifier", Counted)
    monkeypatch.setattr(Counted, "read", [])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    articles = [article for article, _ in made(4)]

    def kept() -> list[Article]:
        found = storyscore.classified("f", articles, folder, tmp_path / "cache")
        return [article for article, _ in found]

    assert kept() == kept() == articles[::2]
    assert len(Counted.read) == 4
    (folder / "manifest.json").write_text('{"version": "m.v2"}', encoding="utf-8")
    assert kept() == articles[::2]
    assert len(Counted.read) == 8


def test_pairs_and_readers_by_hand() -> None:
    happenings = [happening("1", "abc"), happening("2", "de")]
    langs = {"a": "ko", "b": "en", "c": "en", "d": "ko", "e": "ko"}
    met = pairs_met(happenings, {"a": "s", "b": "s", "c": "t"}, langs)
    assert (met["pairs"], met["met"], met["happenings"]) == (2, 0.5, 1)
    told = readers([happening("1", "abc")])
    assert (told["items"], told["agreement"], told["kappa"]) == (2, 1.0, 1.0)


def test_the_gold_set_is_whole() -> None:
    if not GOLD.is_file():
        pytest.skip("no gold in this tree")
    happenings = gold()
    members = [item for one in happenings for item in one.members]
    assert len(happenings) >= 60
    assert len(members) == len(set(members))
    assert all(not set(one.members) & set(one.others) for one in happenings)
    assert sum(bool(one.shown) for one in happenings) >= 50
    assert {one.half for one in happenings} == {"dev", "held"}


def test_an_unverified_text_changes_nothing_of_what_the_others_make() -> None:
    """The stories of trusted texts are the same with unverified ones between them; those stand beside
    the story that they tell, and open none."""
    rng = random.Random(8)
    ports = ["busan", "vancouver", "rotterdam"]
    trusted = [
        told(f"Dock strike {n} at {port}", hours=3 * n, outlet=f"O{n % 4}", port=port)
        for n, port in enumerate(rng.choices(ports, k=40))
    ]
    private = []
    for n, port in enumerate(rng.choices([*ports, "kaohsiung"], k=60)):
        article, tagged = told(f"Rumour {n} of {port}", hours=2 * n, outlet="P", port=port)
        private.append((replace(article, trusted=False), tagged))
    alone, mixed = StoryIndex(), StoryIndex()
    for article, tagged in trusted:
        alone.place(article, tagged, 0.4)
    for article, tagged in sorted([*trusted, *private], key=lambda one: one[0].available_at):
        mixed.place(article, tagged, 0.4)
    beside = mixed.touched()
    assert [replace(one, unverified=()) for one in beside] == alone.touched()
    assert any(one.unverified for one in beside)
    assert all(not m.states for one in beside for m in one.unverified)
    kept = [from_json(Story, to_json(one)) for one in beside]
    assert kept == beside


def test_a_story_without_unverified_texts_is_stored_as_it_was_before_there_were_any() -> None:
    index = StoryIndex()
    story = index.place(*told("Strike closes port", port="busan"), 0.4)
    assert story is not None
    assert "unverified" not in to_json(story)


def test_a_story_that_only_an_unverified_source_tells_does_not_exist() -> None:
    article, tagged = told("Strike closes port", port="busan")
    index = StoryIndex()
    assert index.place(replace(article, trusted=False), tagged, 0.4) is None
    assert (len(index), index.touched()) == (0, [])
