"""Store: what texts say. Tagged articles, the queues before and after the classifier, stories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from ews.model import Article, Story, TaggedArticle
from ews.storage import schema
from ews.storage.codec import Row, from_json, to_json
from ews.storage.collection import ARTICLE
from ews.storage.transactions import Transactions, batches

TAGGED = Row(TaggedArticle, schema.tagged)


class TextStore(Transactions):
    def unclassified(self, now: datetime, limit: int | None = None) -> list[Article]:
        """Articles available at `now` that have no tags yet, oldest first."""
        table = schema.articles
        query = (
            sa.select(*ARTICLE.columns)
            .where(schema.UNCLASSIFIED, table.c.available_at <= now)
            .order_by(table.c.available_at, table.c.id)
            .limit(limit)
        )
        with self._read() as connection:
            return [ARTICLE.read(row) for row in connection.execute(query)]

    def save_tagged(self, tagged: Sequence[TaggedArticle], at: datetime) -> None:
        """Keep the tags, one row per article and model version; the last saved is the current.

        Another version's tags stay beside it. The article must be saved first (IntegrityError).
        """
        if not tagged:
            return
        articles = schema.articles
        current = (
            sa.update(articles)
            .where(articles.c.id == sa.bindparam("of"))
            .values(model=sa.bindparam("by"), tagged_at=sa.bindparam("on"))
        )
        with self._write() as connection:
            self._on(connection)._insert_new(
                schema.tagged, [TAGGED.write(t, tagged_at=at) for t in tagged]
            )
            connection.execute(
                current, [{"of": t.article_id, "by": t.model, "on": at} for t in tagged]
            )

    def tagged(self, article_id: str, model: str | None = None) -> TaggedArticle | None:
        """The article's current tags, or those of the named model version."""
        table = schema.tagged
        query = sa.select(*TAGGED.columns).where(table.c.article_id == article_id)
        if model is None:
            current = sa.select(schema.articles.c.model).where(schema.articles.c.id == article_id)
            query = query.where(table.c.model == current.scalar_subquery())
        else:
            query = query.where(table.c.model == model)
        with self._read() as connection:
            row = connection.execute(query).first()
            return None if row is None else TAGGED.read(row)

    def undetected(
        self, now: datetime, limit: int | None = None
    ) -> list[tuple[Article, TaggedArticle]]:
        """Articles with their current tags that no detector has seen, oldest available first."""
        articles, tagged = schema.articles, schema.tagged
        query = (
            sa.select(*ARTICLE.columns, *TAGGED.columns)
            .join_from(
                articles,
                tagged,
                (tagged.c.article_id == articles.c.id) & (tagged.c.model == articles.c.model),
            )
            .where(schema.UNDETECTED, articles.c.available_at <= now)
            .order_by(articles.c.available_at, articles.c.id)
            .limit(limit)
        )
        width = len(ARTICLE.columns)
        with self._read() as connection:
            rows = connection.execute(query).all()
        return [(ARTICLE.read(row[:width]), TAGGED.read(row[width:])) for row in rows]

    def read_texts(self, since: datetime, until: datetime) -> list[tuple[Article, TaggedArticle]]:
        """Articles that could be read in [since, until) and that the first pass did not skip, with
        their current tags, oldest available first."""
        articles, tagged = schema.articles, schema.tagged
        current = (tagged.c.article_id == articles.c.id) & (tagged.c.model == articles.c.model)
        query = (
            sa.select(*ARTICLE.columns, *TAGGED.columns)
            .join_from(articles, tagged, current)
            .where(articles.c.available_at >= since, articles.c.available_at < until)
            .where(sa.not_(tagged.c.screened))
            .order_by(articles.c.available_at, articles.c.id)
        )
        width = len(ARTICLE.columns)
        with self._read() as connection:
            rows = connection.execute(query).all()
        return [(ARTICLE.read(row[:width]), TAGGED.read(row[width:])) for row in rows]

    def mark_detected(self, article_ids: Collection[str], at: datetime) -> None:
        """Take the articles out of `undetected`; a second mark keeps the first time."""
        table = schema.articles
        with self._write() as connection:
            for batch in batches(article_ids):
                waiting = table.c.id.in_(batch) & table.c.detected_at.is_(None)
                connection.execute(sa.update(table).where(waiting).values(detected_at=at))

    # ----- stories

    def save_stories(self, stories: Sequence[Story]) -> None:
        """Insert or replace stories."""
        rows = [{"id": s.id, "last_seen": s.last_seen, "story": to_json(s)} for s in stories]
        self._upsert(schema.stories, rows)

    def stories(self, ids: Collection[str]) -> list[Story]:
        """The stories of those ids, by id; an unknown id is absent."""
        table = schema.stories
        query = sa.select(table.c.story).where(table.c.id.in_(list(ids))).order_by(table.c.id)
        with self._read() as connection:
            return [from_json(Story, text) for text in connection.scalars(query)]

    def open_stories(self, since: datetime) -> list[Story]:
        """Stories last told at or after `since`, oldest first."""
        table = schema.stories
        query = sa.select(table.c.story).where(table.c.last_seen >= since)
        with self._read() as connection:
            texts = connection.scalars(query.order_by(table.c.last_seen, table.c.id))
            return [from_json(Story, text) for text in texts]
