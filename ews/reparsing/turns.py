"""Turn after turn: what do its bodies say now, what did the store keep of them, and what is to do?

Articles are compared where they were first seen (`available_at` is the turn), so that an item which
a feed edited later is no difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ews.model import Article, Observation, Series, Source
from ews.own_sources import as_at, promotions
from ews.reparsing.told import Corrections, Difference, Reparsed
from ews.reparsing.values import Book
from ews.storage import Store
from ews.storage.audit import Audited
from ews.storage.numbers import UnitChanged
from scrapers import KINDS, Parser, SourceError, parse, reread
from scrapers.voices import own_id

READ = ("title", "text", "lang", "observed_at")  # what classifier and detectors read
COMPARED = (*READ, "outlet", "url", "independence", "authority")
BEGINNING = datetime.min.replace(tzinfo=UTC)


def reparse(
    store: Store,
    source: Source,
    clock: Callable[[], datetime],
    since: datetime | None = None,
    write: bool = False,
    who: str = "operator",
    parser: Parser = parse,
) -> Reparsed:
    """Read the kept bodies of `source` (turns from `since`) and compare; with `write` put the store
    right. A turn that cannot be read is told and left as it is; nothing is fetched."""
    return _Rereading(store, source, clock, since or BEGINNING, write, who, parser).run()


class _Rereading:
    def __init__(
        self, store: Store, source: Source, clock: Callable[[], datetime], since: datetime,
        write: bool, who: str, parser: Parser,
    ) -> None:  # fmt: skip
        self.store, self.source, self.clock, self.since = store, source, clock, since
        self.write, self.who, self.parser = write, who, parser
        self.told = Reparsed(source.name)
        self.book = Book(store, source, self.told)
        self.produced: set[str] = set()
        self.read: set[datetime] = set()
        self.promotion = promotions(store).get(source.name)

    def run(self) -> Reparsed:
        remembers = KINDS[self.source.kind].remembers
        # a list told by its difference needs what came before: it is read from its beginning
        turns = self.store.raw_turns(self.source.name, None if remembers else self.since)
        self.given = self.store.articles_of(self.source.name, turns[0]) if turns else []
        memory = ""
        for place, at in enumerate(turns):
            memory = self._turn(at, memory, baseline=remembers and place == 0)
        self._gone()
        return self.told

    def _turn(self, at: datetime, memory: str, baseline: bool) -> str:
        try:
            parsed = reread(
                self._as_then(at), self.store.raws(self.source.name, at), memory, self.parser
            )
        except SourceError as error:
            self.told.unreadable.append((at, error.message))
            return memory
        articles = [one for one in parsed.signals if isinstance(one, Article)]
        if baseline or at < self.since:
            self.produced.update(one.id for one in articles)
        else:
            values = [one for one in parsed.signals if isinstance(one, Observation)]
            self._compare(at, articles, values, parsed.series)
        # what another source gave before was kept under an id of its own (scrapers.voices), which may
        # be the one that it has anyway: only later turns may find it told
        self.produced.update(own_id(self.source.name, one) for one in articles)
        return memory if parsed.memory is None else parsed.memory

    def _as_then(self, at: datetime) -> Source:
        """The source as trusted as it was: as what it gave at that turn, else by its promotion."""
        for one in self.given:
            if one.available_at == at:
                return replace(self.source, trusted=one.trusted)
        return as_at(self.source, self.promotion, at)

    def _compare(
        self, at: datetime, articles: Sequence[Article], values: Sequence[Observation],
        series: Sequence[Series],
    ) -> None:  # fmt: skip
        self.told.turns += 1
        self.read.add(at)
        new, changed, again = self._articles(at, articles)
        frequencies = {one.name: one.frequency for one in series}
        fresh, corrected = self.book.compare(at, values, frequencies) if values else ([], [])
        found = Corrections(new, changed, again, fresh, corrected)
        if not (self.write and found.counts):
            return
        try:
            self._put_right(at, found, series)
        except UnitChanged as error:
            self.told.unreadable.append((at, str(error)))

    def _articles(
        self, at: datetime, articles: Sequence[Article]
    ) -> tuple[list[Article], list[Article], list[str]]:
        known = self.store.articles({one.id for one in articles})
        new, changed, again = [], [], []
        for one in articles:
            old = known.get(one.id)
            if old is None and one.id not in self.produced:
                new.append(one)
                self.told.show(Difference("new", one.id, at, "", one.title))
            elif old is not None and (old.source, old.available_at) == (self.source.name, at):
                fields = [name for name in COMPARED if getattr(old, name) != getattr(one, name)]
                self.told.same += not fields
                if fields:
                    changed.append(replace(one, trusted=old.trusted))
                    again += [one.id] if set(fields) & set(READ) else []
                    self.told.show(_difference(old, one, fields))
            self.produced.add(one.id)
        self.told.new += len(new)
        self.told.changed += len(changed)
        return new, changed, again

    def _put_right(self, at: datetime, found: Corrections, series: Sequence[Series]) -> None:
        said = {one.series for one in found.values}
        past = self.source.options.get("past")  # a source of old periods does not say what is now
        with self.store.begin() as tx:
            tx.save_articles(found.new)
            tx.correct_articles(found.changed, found.again)
            tx.describe_series([one for one in series if one.name in said and not past])
            tx.correct_values(found.corrected)
            tx.save_observations(found.values)
            tx.audit([self._audited({"turn": at.isoformat(), **found.counts})])

    def _gone(self) -> None:
        """What these turns gave before and none gives now; deleted where nothing names it."""
        gone = [
            one for one in self.given
            if one.available_at in self.read and one.id not in self.produced
        ]  # fmt: skip
        if not gone:
            return
        with self.store.begin() as tx:
            cited = tx.cited({one.id for one in gone})
            drop = [one.id for one in gone if one.id not in cited]
            if self.write and drop:
                tx.drop_articles(drop)
                tx.audit([self._audited({"gone": len(drop), "kept": len(cited)})])
        self.told.gone, self.told.kept = len(drop), len(cited)
        for one in gone:
            what = "kept" if one.id in cited else "gone"
            self.told.show(Difference(what, one.id, one.available_at, one.title, ""))

    def _audited(self, counts: dict[str, object]) -> Audited:
        body = json.dumps({"done": "reparsed", **counts}, ensure_ascii=False)
        return Audited(self.clock(), "source", self.source.name, self.who, body)


def _difference(old: Article, new: Article, fields: Sequence[str]) -> Difference:
    before, after = (
        "; ".join(f"{name}: {getattr(one, name)!s:.120}" for name in fields) for one in (old, new)
    )
    return Difference("changed", old.id, old.available_at, before, after)
