"""Stories: the same happening in any outlet and language is one; a later one is another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ews.model import Article, Mention, MentionKind, Phase, Tag, TaggedArticle
from nlp.stories import StoryIndex, terms

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


def test_a_text_below_the_line_tells_no_story() -> None:
    article, tagged = told("Strike closes port", port="busan")
    assert StoryIndex().place(article, tagged, 0.95) is None


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
