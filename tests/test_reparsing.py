"""Kept bodies read again: nothing differs when nothing changed, and what a mended parser says is put
right once, with ids and times as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ews.model import (
    Article,
    Fetch,
    FetchOutcome,
    Phase,
    Polling,
    Raw,
    Source,
    Story,
    StoryMember,
    Tag,
    TaggedArticle,
    content_id,
)
from ews.pipeline import Pipeline, Rooms
from ews.reparsing import Reparsed, reparse
from ews.storage import Store
from scrapers import Collected, Parser, SourceError, load_source, load_sources, parse
from scrapers.collected import vouched
from scrapers.golden import SAMPLE_NOW, sample_file
from scrapers.kinds import KINDS
from scrapers.mapping import Parsed

NOW = SAMPLE_NOW + timedelta(hours=1)
FEED = """<rss version="2.0"><channel><title>t</title>{}</channel></rss>"""
ITEM = "<item><title>{0}</title><link>https://example.org/{1}</link><pubDate>{2}</pubDate></item>"
SOURCE = replace(load_source("bbc_world"), expect_min=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def keep(
    store: Store, source: Source, at: datetime, bodies: list[bytes], parser: Parser = parse
) -> None:
    """One turn, as `ews run` keeps it; nothing is fetched."""
    raws = [Raw(source.name, at, n, source.url, {}, body) for n, body in enumerate(bodies)]
    memory = store.memory(source.name)
    parts = [parser(source, body, at, "", memory) for body in bodies]
    signals = {one.id: one for part in parts for one in vouched(source, part.signals)}
    series = {one.name: one for part in parts for one in part.series}
    told = Collected(
        Fetch(source.name, at, FetchOutcome.NEW), list(signals.values()), list(series.values()),
        raws, parts[-1].memory,
    )  # fmt: skip
    rooms = cast(Rooms, SimpleNamespace(keep_raws=True))  # keeping asks no other room
    pipeline = Pipeline(store, rooms)
    pipeline._keep_fetched(source, told, Polling(source.name, at), at)


def feed(*items: tuple[str, str]) -> bytes:
    dated = (ITEM.format(title, link, "Mon, 23 Nov 2026 08:00:00 GMT") for title, link in items)
    return FEED.format("".join(dated)).encode()


def again(
    store: Store, source: Source = SOURCE, write: bool = False, parser: Parser = parse
) -> Reparsed:
    return reparse(store, source, lambda: NOW, write=write, who="kim", parser=parser)


def marked(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
    """A parser that was mended: it reads another text in every item."""
    parsed = parse(source, body, now, label, memory)
    return replace(parsed, signals=[
        replace(one, text="mended") if isinstance(one, Article) else replace(one, value=one.value * 2)
        for one in parsed.signals
    ])  # fmt: skip


def renamed(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
    """A parser that was mended so that ids change: it reads another title."""
    parsed = parse(source, body, now, label, memory)
    articles = [one for one in parsed.signals if isinstance(one, Article)]
    return replace(parsed, signals=[
        replace(one, title=one.title + "!", id=Article.make_id(one.source, one.url, one.title + "!"))
        for one in articles
    ])  # fmt: skip


def tag(store: Store, articles: list[Article]) -> None:
    store.save_tagged(
        [TaggedArticle(a.id, "m.v1", (Tag("labour_action", 0.9),), 0.9, Phase.ACTUAL, 1.0)
         for a in articles], NOW,
    )  # fmt: skip
    store.mark_detected([a.id for a in articles], NOW)


def unchanged_over(store: Store, sources: list[Source]) -> list[Reparsed]:
    for source in sources:
        body = sample_file(source).read_bytes()
        keep(store, source, SAMPLE_NOW, [body])
        keep(store, source, NOW, [body])
    found = [again(store, source) for source in sources]
    assert [(one.source, one.examples) for one in found if one.differs] == []
    assert [one.unreadable for one in found if one.unreadable] == []
    return found


def test_nothing_changes_when_nothing_changed_over_a_sample_of_every_kind(store: Store) -> None:
    firsts: dict[str, Source] = {}
    for one in load_sources():
        if KINDS[one.kind].turn is None:
            firsts.setdefault(one.kind, one)
    found = unchanged_over(store, list(firsts.values()))
    assert sum(one.same for one in found) >= 3
    assert sum(one.values_same for one in found) >= 100


@pytest.mark.torture
def test_nothing_changes_when_nothing_changed_over_every_shipped_sample(store: Store) -> None:
    sources = [one for one in load_sources() if KINDS[one.kind].turn is None]
    found = unchanged_over(store, sources)
    assert sum(one.turns for one in found) >= 2 * len(sources) - 10
    assert sum(one.same for one in found) >= 200
    assert sum(one.values_same for one in found) >= 900


def test_a_dry_run_writes_nothing_and_tells_what_would_be_written(store: Store) -> None:
    keep(store, SOURCE, SAMPLE_NOW, [feed(("Port shut", "a"), ("Mine opens", "b"))])
    before = store.counts("articles", "audit")
    told = again(store, parser=marked)
    assert (told.changed, told.new, told.gone) == (2, 0, 0)
    assert "mended" in told.examples[0].after
    assert store.counts("articles", "audit") == before
    assert {one.text for one in store.articles_of(SOURCE.name, SAMPLE_NOW)} == {""}


def test_a_mended_text_takes_the_place_of_the_old_one_and_waits_for_the_classifier(
    store: Store,
) -> None:
    keep(store, SOURCE, SAMPLE_NOW, [feed(("Port shut", "a"))])
    (old,) = store.articles_of(SOURCE.name, SAMPLE_NOW)
    tag(store, [old])
    assert store.unclassified(NOW) == []
    again(store, write=True, parser=marked)
    (new,) = store.articles_of(SOURCE.name, SAMPLE_NOW)
    assert new == replace(old, text="mended")
    assert (store.tagged(new.id), [one.id for one in store.unclassified(NOW)]) == (None, [new.id])
    assert not again(store, parser=marked).differs
    (row,) = store.audit_rows(subject=SOURCE.name)
    assert (row.kind, row.who) == ("source", "kim")
    assert '"changed": 1' in row.body


def test_an_item_that_the_feed_itself_edits_is_no_difference(store: Store) -> None:
    keep(store, SOURCE, SAMPLE_NOW, [feed(("Port shut", "a"))])
    keep(store, SOURCE, NOW, [feed(("Port shut", "a")).replace(b"08:00:00", b"09:30:00")])
    assert not again(store).differs


def test_what_is_found_only_now_takes_the_time_of_its_fetch(store: Store) -> None:
    def blind(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
        parsed = parse(source, body, now, label, memory)
        return replace(parsed, signals=parsed.signals[:1])

    keep(store, SOURCE, SAMPLE_NOW, [feed(("Port shut", "a"), ("Mine opens", "b"))], blind)
    keep(store, SOURCE, NOW, [feed(("Port shut", "a"), ("Mine opens", "b"))], blind)
    told = again(store, write=True)
    assert (told.new, told.same, told.changed, told.gone) == (1, 1, 0, 0)
    titles = {one.title: one.available_at for one in store.articles_of(SOURCE.name, SAMPLE_NOW)}
    assert titles == {"Port shut": SAMPLE_NOW, "Mine opens": SAMPLE_NOW}
    assert len(store.unclassified(NOW)) == 2


@pytest.mark.parametrize("trusted", [True, False])
def test_after_a_mended_mapping_the_right_titles_stand_where_the_wrong_ones_stood(
    store: Store, trusted: bool
) -> None:
    rows = [{"a": f"공지 {n}", "b": f"이상한 {n}", "day": f"2026-11-{n + 10}"} for n in range(3)]
    wrong = {"title": "{b}", "url": "https://example.org/list", "date": "day"}
    source = replace(
        SOURCE, name="notices", kind="json", options={"article": wrong}, trusted=trusted
    )
    keep(store, source, SAMPLE_NOW, [json.dumps(rows).encode()])
    mended = replace(source, options={"article": wrong | {"title": "{a}"}})
    done = again(store, mended, write=True)
    assert (done.new, done.gone) == (3, 3)
    kept = store.articles_of(source.name, SAMPLE_NOW)
    assert sorted(one.title for one in kept) == ["공지 0", "공지 1", "공지 2"]
    assert {one.available_at for one in kept} == {SAMPLE_NOW}
    assert not again(store, mended).differs


def by_key(parser: Parser) -> Parser:
    """The parser, with ids by a publisher's key."""

    def keyed(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
        parsed = parser(source, body, now, label, memory)
        return replace(parsed, signals=[
            replace(one, id=content_id("art-k", one.title)) if isinstance(one, Article) else one
            for one in parsed.signals
        ])  # fmt: skip

    return keyed


@pytest.mark.parametrize(
    ("before", "renamed"), [(parse, renamed), (by_key(parse), by_key(renamed))], ids=["text", "key"]
)
def test_what_no_turn_gives_any_more_goes_unless_a_story_names_it(
    store: Store, before: Parser, renamed: Parser
) -> None:
    feeds = [feed(("Port shut", "a"), ("Mine opens", "b"))]
    keep(store, SOURCE, SAMPLE_NOW, feeds, before)
    first, second = store.articles_of(SOURCE.name, SAMPLE_NOW)
    member = StoryMember(
        first.id, "bbc", "BBC", first.title, first.url, "en", SAMPLE_NOW, SAMPLE_NOW, 0.9, 1.0,
        Phase.ACTUAL,
    )  # fmt: skip
    store.save_stories([
        Story("sty-1", "labour_action", SAMPLE_NOW, SAMPLE_NOW, 1, (member,), ("bbc",),
              {}, {}, {}, {}, {}, {}, {})
    ])  # fmt: skip
    told = again(store, write=True, parser=renamed)
    assert (told.new, told.gone, told.kept) == (2, 1, 1)
    left = {one.id for one in store.articles_of(SOURCE.name, SAMPLE_NOW)}
    assert first.id in left
    assert second.id not in left
    assert len(left) == 3
    assert not again(store, parser=renamed).differs


def test_a_run_that_was_killed_between_two_turns_ends_as_one_that_was_not(
    tmp_path: Path,
) -> None:
    ends = []
    for name, dies in (("whole", False), ("killed", True)):
        store = Store.open(tmp_path / name)
        for n in range(3):
            at = SAMPLE_NOW + timedelta(minutes=n)
            keep(store, SOURCE, at, [feed((f"Port {n} shut", str(n)))])
        calls = [0]

        def dying(
            source: Source, body: bytes, now: datetime, label: str, memory: str,
            calls: list[int] = calls, dies: bool = dies,
        ) -> Parsed:  # fmt: skip
            calls[0] += 1
            if dies and calls[0] == 2:
                raise KeyboardInterrupt
            return marked(source, body, now, label, memory)

        if dies:
            with pytest.raises(KeyboardInterrupt):
                again(store, write=True, parser=dying)
            assert len({one.text for one in store.articles_of(SOURCE.name, SAMPLE_NOW)}) == 2
        again(store, write=True, parser=dying)
        ends.append((store.articles_of(SOURCE.name, SAMPLE_NOW),
                     [row.body for row in store.audit_rows(subject=SOURCE.name)]))  # fmt: skip
        store.close()
    assert ends[0] == ends[1]


def test_a_body_that_cannot_be_read_is_told_and_its_articles_stay(store: Store) -> None:
    def broken(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
        raise SourceError("the feed is cut off")

    keep(store, SOURCE, SAMPLE_NOW, [feed(("Port shut", "a"))])
    told = again(store, write=True, parser=broken)
    assert told.unreadable == [(SAMPLE_NOW, "the feed is cut off")]
    assert (told.gone, len(store.articles_of(SOURCE.name, SAMPLE_NOW))) == (0, 1)


def test_a_value_read_otherwise_is_corrected_in_its_vintage(store: Store) -> None:
    source = load_source("fred_brent")
    body = sample_file(source).read_bytes()
    keep(store, source, SAMPLE_NOW, [body])
    held = store.vintages(NOW)
    told = again(store, source, write=True, parser=marked)
    assert told.values_changed > 0
    assert (told.values_new, told.unreadable) == (0, [])
    assert store.vintages(NOW) == [replace(one, value=one.value * 2) for one in held]
    assert not again(store, source, parser=marked).differs


def test_a_value_that_was_not_read_before_becomes_a_vintage_of_its_fetch(store: Store) -> None:
    def blind(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
        parsed = parse(source, body, now, label, memory)
        return replace(parsed, signals=parsed.signals[1:])

    source = load_source("portwatch_chokepoints")
    body = sample_file(source).read_bytes()
    keep(store, source, SAMPLE_NOW, [body], blind)
    told = again(store, source, write=True)
    assert (told.values_new, told.values_changed) == (1, 0)
    whole = Store.open(Path(str(store._engine.url.database)).parent / "whole")
    keep(whole, source, SAMPLE_NOW, [body])
    assert store.vintages(NOW) == whole.vintages(NOW)
    whole.close()


def test_a_list_told_by_its_difference_is_read_from_its_first_kept_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
        lines = body.decode().split()
        known = memory.split()
        new = [line for line in lines if line not in known] if known else []
        articles = [
            Article(Article.make_id("", f"https://example.org/{line}", line), source.name, "o",
                    f"https://example.org/{line}", line, "", "en", now, now) for line in new
        ]  # fmt: skip
        return Parsed([*articles], len(lines), now, memory=" ".join(lines))

    kind = replace(KINDS["rss"], parse=listed, remembers=True)
    monkeypatch.setitem(KINDS, "rss", kind)
    for n, lines in enumerate((b"a b", b"a b c", b"a c d")):
        keep(store, SOURCE, SAMPLE_NOW + timedelta(hours=n), [lines])
    assert [one.title for one in store.articles_of(SOURCE.name, SAMPLE_NOW)] == ["c", "d"]
    assert again(store, write=True).same == 2
    store.drop_raws(SAMPLE_NOW + timedelta(minutes=1))
    told = again(store, write=True)
    assert (told.same, told.new, told.changed, told.gone) == (1, 0, 0, 0)
