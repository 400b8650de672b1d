"""Store: what was fetched. Meta, sources, fetches, articles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from ews.model import Article, Fetch, FetchOutcome
from ews.storage import schema
from ews.storage.codec import Row
from ews.storage.transactions import Transactions, batches

FETCH = Row(Fetch, schema.fetches)
ARTICLE = Row(Article, schema.articles)
VALUE_OF = sa.select(schema.meta.c.value).where(schema.meta.c.key == sa.bindparam("wanted"))


class CollectionStore(Transactions):
    # ----- meta: small facts the service keeps about itself

    def get(self, key: str) -> str | None:
        with self._read() as connection:
            return connection.scalar(VALUE_OF, {"wanted": key})

    def put(self, key: str, value: str) -> None:
        self._upsert(schema.meta, [{"key": key, "value": value}])

    # ----- sources

    def save_fetch(self, fetch: Fetch) -> None:
        self._insert_new(schema.fetches, [FETCH.write(fetch, id=fetch.id)])

    def fetches(self, source: str | None = None, limit: int | None = 50) -> list[Fetch]:
        """Attempts at a source (or at all), newest first."""
        return self._fetches(source, limit)

    def last_fetch(self, source: str) -> Fetch | None:
        return next(iter(self._fetches(source, 1)), None)

    def newest_fetches(self, sources: Iterable[str]) -> tuple[dict[str, Fetch], dict[str, Fetch]]:
        """Per source the newest attempt, and the newest one that was answered; in two questions,
        however many sources there are."""
        names = set(sources)
        with self._read() as connection:
            planned = names & set(connection.scalars(sa.select(schema.sources.c.name)))
        rest = sorted(names - planned)  # of a store without how they are polled
        found = []
        for good in (False, True):
            # Over all that were ever planned: a statement that stays the same is put together once,
            # and putting one together with hundreds of names costs more than to run it.
            newest = self._newest(schema.sources, good) if planned else {}
            newest = {name: fetch for name, fetch in newest.items() if name in planned}
            if rest:
                wanted = sa.values(sa.column("name", sa.String), name="wanted")
                newest |= self._newest(wanted.data([(name,) for name in rest]).cte("asked"), good)
            found.append(newest)
        return found[0], found[1]

    def _newest(self, asked: sa.FromClause, good: bool) -> dict[str, Fetch]:
        """The newest fetch of each name of `asked`, or the newest that was answered."""
        table, one = schema.fetches, schema.fetches.alias("one")
        where = [table.c.outcome != FetchOutcome.FAILED.value] if good else []
        newest = (  # read from the end of the source's part of the index, not sorted
            sa.select(table.c.id)
            .where(table.c.source == asked.c.name, *where)
            .order_by(table.c.at.desc())
            .limit(1)
            .correlate(asked)
            .scalar_subquery()
        )
        query = sa.select(*(one.c[column.name] for column in FETCH.columns))
        query = query.select_from(asked.join(one, one.c.id == newest))
        with self._read() as connection:
            found = [FETCH.read(row) for row in connection.execute(query)]
        return {fetch.source: fetch for fetch in found}

    def _fetches(
        self, source: str | None, limit: int | None, *where: sa.ColumnElement[bool]
    ) -> list[Fetch]:
        table = schema.fetches
        query = sa.select(*FETCH.columns).where(*where).order_by(table.c.at.desc()).limit(limit)
        if source is not None:
            query = query.where(table.c.source == source)
        with self._read() as connection:
            return [FETCH.read(row) for row in connection.execute(query)]

    # ----- articles

    def save_articles(self, articles: Sequence[Article]) -> int:
        """Keep the articles whose id is new; how many those were. An old id is left as it is."""
        waiting = {"model": None, "tagged_at": None, "detected_at": None}
        return self._insert_counting(
            schema.articles, [ARTICLE.write(a, **waiting) for a in articles]
        )

    def article(self, id: str) -> Article | None:
        return self.articles([id]).get(id)

    def articles(self, ids: Collection[str]) -> dict[str, Article]:
        """Articles by id; an unknown id is absent."""
        found: dict[str, Article] = {}
        with self._read() as connection:
            for batch in batches(dict.fromkeys(ids)):
                query = sa.select(*ARTICLE.columns).where(schema.articles.c.id.in_(batch))
                for row in connection.execute(query):
                    article = ARTICLE.read(row)
                    found[article.id] = article
        return found

    def newest_articles(self, source: str, limit: int = 20) -> list[Article]:
        """What that source gave, as it came, newest first."""
        table = schema.articles
        query = (
            sa.select(*ARTICLE.columns)
            .where(table.c.source == source)
            .order_by(table.c.available_at.desc())
            .limit(limit)
        )
        with self._read() as connection:
            return [ARTICLE.read(row) for row in connection.execute(query)]
