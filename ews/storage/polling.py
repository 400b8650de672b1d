"""Store: how sources and hosts are polled. Survives a restart, so that we stay polite through one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from ews.model import Host, Polling
from ews.storage import schema
from ews.storage.codec import Row
from ews.storage.transactions import Transactions

POLLING = Row(Polling, schema.sources)
HOST = Row(Host, schema.hosts)


class PollingStore(Transactions):
    # ----- sources

    def polling(self, source: str) -> Polling:
        """How that source is polled; as never planned when it is not known."""
        return self.pollings([source]).get(source) or Polling(source)

    def pollings(self, sources: list[str] | None = None) -> dict[str, Polling]:
        """How sources are polled, by name: those asked for, or all that were ever planned."""
        query = sa.select(*POLLING.columns)
        if sources is not None:
            query = query.where(schema.sources.c.name.in_(sources))
        with self._read() as connection:
            found = [POLLING.read(row) for row in connection.execute(query)]
        return {one.name: one for one in found}

    def save_polling(self, polling: Polling) -> None:
        """Keep how that source is polled; what its kind remembers is left as it is."""
        self._upsert(schema.sources, [POLLING.write(polling, memory=None)], keep=["memory"])

    def memory(self, source: str) -> str:
        """What the source's kind wrote down at its last turn; "" when nothing."""
        query = sa.select(schema.sources.c.memory).where(schema.sources.c.name == source)
        with self._read() as connection:
            return connection.scalar(query) or ""

    def save_memory(self, source: str, memory: str) -> None:
        with self._write() as connection:
            self._on(connection)._insert_new(
                schema.sources, [POLLING.write(Polling(source), memory=None)]
            )
            table = schema.sources
            connection.execute(sa.update(table).where(table.c.name == source).values(memory=memory))

    # ----- hosts

    def host(self, name: str) -> Host:
        """What is known of a host; nothing, when it was never asked."""
        query = sa.select(*HOST.columns).where(schema.hosts.c.name == name)
        with self._read() as connection:
            row = connection.execute(query).first()
        return HOST.read(row) if row is not None else Host(name)

    def hosts(self) -> list[Host]:
        with self._read() as connection:
            return [HOST.read(row) for row in connection.execute(sa.select(*HOST.columns))]

    def drop_hosts(self, before: datetime) -> int:
        """Forget hosts that were not asked since; how many went. They are met anew as strangers."""
        hosts = schema.hosts
        late = (hosts.c.free_at < before) & (
            hosts.c.robots_at.is_(None) | (hosts.c.robots_at < before)
        )
        for column in (hosts.c.held_until, hosts.c.open_until):
            late &= column.is_(None) | (column < before)
        with self._write() as connection:
            return int(connection.execute(sa.delete(hosts).where(late)).rowcount)

    def save_host(self, host: Host) -> None:
        self._upsert(schema.hosts, [HOST.write(host)])

    def change_host(self, name: str, change: Callable[[Host], Host]) -> Host:
        """The host after `change`, committed before this returns.

        One writing transaction, so two threads or processes never book the same moment.
        """
        with self._write() as connection:
            on = self._on(connection)
            host = on.host(name)
            changed = change(host)
            if changed != host:
                on.save_host(changed)
            return changed
