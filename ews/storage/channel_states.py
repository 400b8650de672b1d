"""Store: how is each address of a channel doing? Its pause, its rate, and since when it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from ews.model import ChannelState
from ews.storage import schema
from ews.storage.audit import AuditStore

TABLE = schema.channel_states
COLUMNS = [TABLE.c[field.name] for field in fields(ChannelState)]
Address = tuple[str, str]  # (channel, address)


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast an address may be sent to: so many a second, after a pause `burst` at once."""

    per_s: float
    burst: int = 1

    def next_ok(self, before: datetime | None, now: datetime) -> datetime:
        """When the next one may go, after one went now; `before` said when this one might.

        One moment per address is all that is kept, so a restart forgets nothing (the generic cell
        rate algorithm): idle time is saved up, to at most `burst`.
        """
        step = timedelta(seconds=1 / self.per_s)
        saved = now - step * (self.burst - 1)
        return (saved if before is None else max(before, saved)) + step

    def ended(self, next_ok_at: datetime | None, done: datetime) -> datetime:
        """The same moment once the sending is over. It may have reached the address as late as
        that, and what was saved up until then must not be used a second time."""
        latest = done - timedelta(seconds=1 / self.per_s) * (self.burst - 2)
        return latest if next_ok_at is None else max(next_ok_at, latest)


class ChannelStates(AuditStore):
    def channel_state(self, channel: str, address: str) -> ChannelState:
        """The state of that address; one never heard of is well."""
        here = (TABLE.c.channel == channel, TABLE.c.address == address)
        return next(iter(self._states(*here)), ChannelState(channel, address))

    def channel_states(self) -> list[ChannelState]:
        """Every address that was sent to, by channel and address."""
        return self._states()

    def failing_addresses(self) -> set[Address]:
        """Addresses whose last try did not get through."""
        return {(s.channel, s.address) for s in self._states(TABLE.c.failing_since.is_not(None))}

    def change_channel_state(
        self, channel: str, address: str, change: Callable[[ChannelState], ChannelState]
    ) -> ChannelState:
        """Read, change and keep the state of an address in one transaction."""
        with self._write() as connection:
            store = self._on(connection)
            before = store.channel_state(channel, address)
            after = change(before)
            if after != before:
                row = {field.name: getattr(after, field.name) for field in fields(ChannelState)}
                store._upsert(TABLE, [row])
            return after

    def take_slot(self, channel: str, address: str, rate: Rate, now: datetime) -> None:
        """Count one sending now against the rate of that address."""

        def taken(state: ChannelState) -> ChannelState:
            return replace(state, next_ok_at=rate.next_ok(state.next_ok_at, now))

        self.change_channel_state(channel, address, taken)

    def _states(self, *where: ColumnElement[bool]) -> list[ChannelState]:
        query = sa.select(*COLUMNS).where(*where).order_by(TABLE.c.channel, TABLE.c.address)
        with self._read() as connection:
            return [ChannelState(*row) for row in connection.execute(query)]
