"""Store: what a mended parser says otherwise of bodies that were read before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from ews.model import ARTICLE_ID, Article, Observation
from ews.storage import schema
from ews.storage.collection import ARTICLE
from ews.storage.series_rows import numbers_of
from ews.storage.transactions import Transactions, batches
from ews.storage.value_rows import mark, ticks


class CorrectionStore(Transactions):
    def articles_of(self, source: str, since: datetime) -> list[Article]:
        """What that source gave from then on, oldest first."""
        table = schema.articles
        query = (
            sa.select(*ARTICLE.columns)
            .where(table.c.source == source, table.c.available_at >= since)
            .order_by(table.c.available_at, table.c.id)
        )
        with self._read() as connection:
            return [ARTICLE.read(row) for row in connection.execute(query)]

    def correct_articles(self, articles: Sequence[Article], again: Collection[str]) -> None:
        """Put these in the place of those of the same ids; those named in `again` lose their tags
        and wait to be classified and detected."""
        table, tagged = schema.articles, schema.tagged
        with self._write() as connection:
            for one in articles:
                row = ARTICLE.write(one)
                connection.execute(sa.update(table).where(table.c.id == row.pop("id")).values(row))
            for batch in batches(again):
                connection.execute(sa.delete(tagged).where(tagged.c.article_id.in_(batch)))
                connection.execute(
                    sa.update(table)
                    .where(table.c.id.in_(batch))
                    .values(model=None, tagged_at=None, detected_at=None)
                )

    def cited(self, article_ids: Collection[str]) -> set[str]:
        """Those of these articles that a story, an event (at any revision) or a lesson names."""
        wanted = set(article_ids)
        if not wanted:
            return set()
        found: set[str] = set()
        columns = (
            schema.stories.c.story, schema.events.c.evidence, schema.event_revisions.c.event,
        )  # fmt: skip
        with self._read() as connection:
            for column in columns:
                for text in connection.scalars(sa.select(column)):
                    found.update(wanted.intersection(ARTICLE_ID.findall(text)))
            lessons = schema.examples.c.article_id
            for batch in batches(wanted):
                found.update(connection.scalars(sa.select(lessons).where(lessons.in_(batch))))
        return found

    def drop_articles(self, article_ids: Collection[str]) -> None:
        """Forget articles with their tags; ask `cited` before, in the same transaction."""
        with self._write() as connection:
            for batch in batches(article_ids):
                for table, column in (
                    (schema.tagged, schema.tagged.c.article_id),
                    (schema.articles, schema.articles.c.id),
                ):
                    connection.execute(sa.delete(table).where(column.in_(batch)))

    def correct_values(self, observations: Sequence[Observation]) -> None:
        """Put these values in the place of the vintages of the same series, period and
        `available_at`; their series wait for the detectors again."""
        if not observations:
            return
        with self._write() as connection:
            ids = numbers_of(connection, sorted({one.series for one in observations}))
            sign = mark(connection)
            connection.exec_driver_sql(
                f"UPDATE series_values SET value = {sign} WHERE series_id = {sign} "
                f"AND period = {sign} AND available_at = {sign}",
                [(one.value, ids[one.series], ticks(one.observed_at), ticks(one.available_at))
                 for one in observations],
            )  # fmt: skip
            table = schema.series
            for batch in batches(ids.values()):
                connection.execute(
                    sa.update(table).where(table.c.id.in_(batch)).values(saved=table.c.saved + 1)
                )
