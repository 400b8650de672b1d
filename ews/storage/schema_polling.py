"""Tables of how sources and hosts are polled, and of the bodies that came."""

from __future__ import annotations

import sqlalchemy as sa

from ews.storage.schema_base import (
    Moment,
    flag,
    key,
    metadata,
    moment,
    more,
    nested,
    of,
    whole,
    words,
)

sources = sa.Table(
    "sources", metadata, key("name"), moment("next_due", null=True),
    words("why"), whole("failures"), words("circuit"), moment("opened_at", null=True),
    words("moved_to", null=True), moment("moved_at", null=True), moment("changed_at", null=True),
    whole("every_s", null=True), more(),
    nested("memory", null=True),  # of the source's kind, opaque here
)  # fmt: skip

hosts = sa.Table(
    "hosts", metadata, key("name"), moment("free_at", null=True), moment("held_until", null=True),
    whole("failures"), moment("open_until", null=True), nested("robots", null=True),
    whole("robots_status", null=True), moment("robots_at", null=True), more(),
)  # fmt: skip

# A body is kept once, however often it came.
bodies = sa.Table(
    "bodies", metadata, key("sha256"),
    sa.Column("packed", sa.LargeBinary, nullable=False),  # zlib
    whole("size"),  # of the body itself, in bytes
)  # fmt: skip
raws = sa.Table(
    "raws", metadata, key("source"),
    sa.Column("at", Moment, primary_key=True, autoincrement=False),
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    words("url"), nested("headers"), of("sha256", "bodies.sha256"), flag("parsed"), more(),
    sa.Index("ix_raws_at", "at"), sa.Index("ix_raws_sha256", "sha256"),
)  # fmt: skip

# How often a source was asked and what came of it, summed by quarters of a UTC day; the row at
# EPOCH is the sum of all time.
tallies = sa.Table(
    "tallies", metadata, key("source"),
    sa.Column("at", Moment, primary_key=True, autoincrement=False),
    whole("turns"), whole("unchanged"), whole("failed"),  # `turns` counts all that were asked
    whole("texts"), whole("figures"),  # as they came
    whole("new_texts"), whole("new_figures"),  # that the store did not have
    sa.Index("ix_tallies_at", "at"),
)  # fmt: skip
