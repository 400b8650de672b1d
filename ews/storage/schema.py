"""Tables of ews, in SQLAlchemy Core. The only place that knows a column's name and type.

Columns exist for what queries ask; nested parts of a noun (evidence, mentions, a path) are compact
JSON text under the field's own name. A field of a noun that has no column yet travels in `more`, so
that a field added to `ews.model` is kept before a migration gives it a column.
"""

from __future__ import annotations

import sqlalchemy as sa

from ews.storage.schema_base import EPOCH as EPOCH
from ews.storage.schema_base import MICROSECOND as MICROSECOND
from ews.storage.schema_base import Moment as Moment
from ews.storage.schema_base import (
    flag,
    key,
    moment,
    more,
    nested,
    number,
    of,
    partial,
    whole,
    words,
)
from ews.storage.schema_base import metadata as metadata
from ews.storage.schema_polling import bodies as bodies
from ews.storage.schema_polling import hosts as hosts
from ews.storage.schema_polling import raws as raws
from ews.storage.schema_polling import sources as sources
from ews.storage.schema_polling import tallies as tallies

# --------------------------------------------------------------------------- collection

meta = sa.Table("meta", metadata, key("key"), words("value"))

leases = sa.Table("leases", metadata, key("name"), words("owner"), moment("until"), whole("token"))

fetches = sa.Table(
    "fetches", metadata, key("id"),
    words("source"), moment("at"), words("outcome"), whole("status", null=True),
    words("etag", null=True), words("last_modified", null=True), words("sha256", null=True),
    whole("signals"), moment("newest", null=True), words("error", null=True), flag("permanent"),
    whole("retry_after_s", null=True), more(),
    sa.Index("ix_fetches_source_at", "source", "at"),
)  # fmt: skip

articles = sa.Table(
    "articles", metadata, key("id"),
    words("source"), words("outlet"), words("url"), words("title"), words("text"), words("lang"),
    moment("observed_at"), moment("available_at"), words("independence"),
    words("authority", null=True), more(),
    words("model", null=True),  # version whose tags are current; null: not classified yet
    moment("tagged_at", null=True),
    moment("detected_at", null=True),
    sa.Index("ix_articles_source_available_at", "source", "available_at"),
)  # fmt: skip
UNCLASSIFIED = articles.c.model.is_(None)
UNDETECTED = sa.and_(articles.c.detected_at.is_(None), articles.c.model.is_not(None))
partial("ix_articles_unclassified", articles.c.available_at, articles.c.id, where=UNCLASSIFIED)
partial("ix_articles_undetected", articles.c.available_at, articles.c.id, where=UNDETECTED)

series = sa.Table(
    "series", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String, nullable=False, unique=True),
    words("provider"), words("measure"), words("place"), words("item"),
    words("frequency", null=True),  # null until its source has described it
    words("unit"), words("source"), words("currency"), words("classification"),
    words("valuation"), words("title"), flag("synthetic"),
    moment("oldest_period", null=True), moment("newest_period", null=True),
    moment("newest_available", null=True),
    whole("saved"),  # turns that brought a value
    whole("scored"),  # `saved` when the detectors last read it
    moment("scored_until", null=True),  # the newest value that they could have read
    sa.Index("ix_series_item", "item"), sa.Index("ix_series_measure", "measure"),
)  # fmt: skip
# Narrow, and in the order of its key: millions of rows are read by series and period.
series_values = sa.Table(
    "series_values", metadata,
    sa.Column("series_id", sa.ForeignKey("series.id"), primary_key=True, autoincrement=False),
    sa.Column("period", Moment, primary_key=True, autoincrement=False),
    sa.Column("available_at", Moment, primary_key=True, autoincrement=False),
    number("value"),
    sa.Column("calendar", sa.SmallInteger, nullable=False),  # 1: dated by the release calendar
    sqlite_with_rowid=False,
)  # fmt: skip

detections = sa.Table(
    "detections", metadata, key("id"),
    words("series"), words("detector"), moment("period"), moment("found_at"), words("direction"),
    number("value"), number("expected", null=True), number("score"), number("p"), number("alpha"),
    nested("items"), flag("revised"), words("event_id"), nested("facts"), flag("synthetic"),
    more(),
    sa.Index("ix_detections_found_at", "found_at"), sa.Index("ix_detections_series", "series"),
    sa.Index("ix_detections_event_id", "event_id"),
)  # fmt: skip

detector_turns = sa.Table(
    "detector_turns", metadata, key("detector"),
    sa.Column("at", Moment, primary_key=True, autoincrement=False),
    whole("tests"), number("expected"), whole("alarms"), more(),
)  # fmt: skip

vulnerabilities = sa.Table(
    "vulnerabilities", metadata, key("item"),
    sa.Column("month", Moment, primary_key=True, autoincrement=False),
    moment("computed_at"), words("weights"), nested("indices"), number("score", null=True),
    number("coverage"), nested("facts"), flag("synthetic"), more(),
    sa.Index("ix_vulnerabilities_month", "month"),
)  # fmt: skip

# --------------------------------------------------------------------------- text

tagged = sa.Table(
    "tagged", metadata,
    sa.Column(
        "article_id", sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True
    ),
    key("model"), nested("tags"), number("p_event"), words("phase", null=True),
    number("severity"), nested("mentions"), flag("screened"), flag("degraded"),
    words("price_direction", null=True), more(), moment("tagged_at"),
)  # fmt: skip

stories = sa.Table(
    "stories", metadata, key("id"), moment("last_seen"), nested("story"),
    sa.Index("ix_stories_last_seen", "last_seen"),
)  # fmt: skip

# --------------------------------------------------------------------------- events

events = sa.Table(
    "events", metadata, key("id"),
    words("type"), nested("also"), words("status"), words("phase"), number("probability"),
    number("severity"), nested("countries"), nested("items"), nested("ports"),
    nested("chokepoints"), nested("firms"), words("title"), moment("first_seen"),
    moment("updated_at"), nested("evidence"), words("detector"), whole("revision"),
    moment("onset", null=True), words("model"), flag("authority"), nested("facts"),
    moment("last_seen", null=True), more(),
    moment("seen_at"),  # last_seen, else updated_at
    whole("propagated_revision"), whole("evaluated_revision"),
    sa.Index("ix_events_seen_at", "seen_at"),
)  # fmt: skip
OPEN_EVENT = events.c.status.not_in(
    [sa.literal_column("'closed'"), sa.literal_column("'dismissed'")]
)
UNPROPAGATED = events.c.revision > events.c.propagated_revision
UNEVALUATED = events.c.revision > events.c.evaluated_revision
partial("ix_events_open", events.c.seen_at, where=OPEN_EVENT)
partial("ix_events_unpropagated", events.c.updated_at, where=UNPROPAGATED)
partial("ix_events_unevaluated", events.c.updated_at, where=UNEVALUATED)

event_revisions = sa.Table(
    "event_revisions", metadata,
    sa.Column("event_id", sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    moment("recorded_at"), nested("event"),
    sa.Index("ix_event_revisions_recorded_at", "recorded_at"),
)  # fmt: skip

shocks = sa.Table(
    "shocks", metadata,
    sa.Column("event_id", sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
    words("target_kind"), words("target"), number("magnitude"), number("probability"),
    number("duration_days"), moment("start"), number("lag_days"), words("basis"), more(),
)  # fmt: skip

exposures = sa.Table(
    "exposures", metadata, key("id"),
    of("event_id", "events.id"),
    whole("rank"),  # 0 is the event's strongest
    number("loss", null=True), words("item"), words("origin", null=True), words("use_id"),
    words("industry"), nested("ministries"), number("share_at_risk", null=True),
    number("magnitude"), number("probability"), number("impact_day", null=True),
    number("time_to_survive_days", null=True), number("time_to_recover_days"), nested("path"),
    words("firm", null=True), flag("synthetic"), flag("critical"), more(),
    sa.Index("ix_exposures_event_id_rank", "event_id", "rank"),
    sa.Index("ix_exposures_item", "item"), sa.Index("ix_exposures_industry", "industry"),
    sa.Index("ix_exposures_origin", "origin"), sa.Index("ix_exposures_firm", "firm"),
)  # fmt: skip

# What the exposures were at a revision that is past, of events that an alert names; no firm's own.
exposure_revisions = sa.Table(
    "exposure_revisions", metadata,
    sa.Column("event_id", sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("exposures", sa.LargeBinary, nullable=False),  # JSON, compressed
)  # fmt: skip

# --------------------------------------------------------------------------- alerts

alerts = sa.Table(
    "alerts", metadata, key("id"),
    words("fingerprint"), of("event_id", "events.id"), whole("stage"), whole("max_stage"),
    words("state"), moment("raised_at"), moment("updated_at"), whole("revision"),
    whole("ruleset"), words("rule"), nested("reasons"), words("type"), nested("countries"),
    nested("items"), nested("chokepoints"), nested("ports"), nested("ministries"),
    words("title"), words("signed_off_by", null=True), whole("event_revision"),
    nested("exposure_ids"), moment("resolved_at", null=True), more(),
    sa.Index("ix_alerts_event_id", "event_id"), sa.Index("ix_alerts_raised_at", "raised_at"),
)  # fmt: skip
OPEN_ALERT = alerts.c.state != sa.literal_column("'resolved'")
partial("ix_alerts_open", alerts.c.raised_at, where=OPEN_ALERT)

alert_changes = sa.Table(
    "alert_changes", metadata, key("id"),
    of("alert_id", "alerts.id"), whole("revision"), words("kind"), moment("at"),
    whole("before", null=True), words("reason"), nested("alert"), flag("routed"), more(),
    sa.Index("ix_alert_changes_alert_id_revision", "alert_id", "revision", unique=True),
    sa.Index("ix_alert_changes_at", "at"),
)  # fmt: skip
UNROUTED = alert_changes.c.routed.is_(sa.false())
partial("ix_alert_changes_unrouted", alert_changes.c.at, where=UNROUTED)

# What went into a turn of the rules that changed an alert: ews.storage.judgings.
judgings = sa.Table(
    "judgings", metadata, key("id"), moment("at"),
    sa.Column("given", sa.LargeBinary, nullable=False),  # JSON, compressed
    sa.Index("ix_judgings_at", "at"),
)  # fmt: skip

notifications = sa.Table(
    "notifications", metadata, key("id"),
    words("alert_id"),  # or the bulletin's id
    whole("alert_revision"), words("change"), words("receiver"),
    words("channel"), words("address"), words("lang"), words("reason"), moment("at"),
    words("why"), more(),
    sa.Index(
        "ix_notifications_alert_id_receiver", "alert_id", "receiver", "alert_revision", unique=True
    ),
    sa.Index("ix_notifications_at", "at"),
)  # fmt: skip

deliveries = sa.Table(
    "deliveries", metadata,
    sa.Column(
        "notification_id", sa.ForeignKey("notifications.id", ondelete="CASCADE"), primary_key=True
    ),
    # Copied from the notification, so that the claim reads one small index.
    words("alert_id"), whole("alert_revision"), words("receiver"), moment("at"),
    words("state"), whole("attempts"), moment("first_try_at", null=True),
    moment("next_try_at", null=True), moment("lease_until", null=True), words("owner", null=True),
    words("external_id", null=True), words("thread_id", null=True), moment("sent_at", null=True),
    words("error", null=True), more(),
    sa.Index("ix_deliveries_alert_id_receiver", "alert_id", "receiver", "alert_revision"),
)  # fmt: skip
PENDING = deliveries.c.state.in_(
    [sa.literal_column("'new'"), sa.literal_column("'trying'"), sa.literal_column("'ambiguous'")]
)
partial("ix_deliveries_pending", deliveries.c.at, where=PENDING)

rulesets = sa.Table(
    "rulesets", metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    words("by"), words("reason"), moment("created_at"), nested("rules"), more(),
)  # fmt: skip

silences = sa.Table(
    "silences", metadata, key("id"),
    words("by"), words("reason"), moment("starts_at"), moment("ends_at"), nested("matchers"),
    more(), sa.Index("ix_silences_ends_at", "ends_at"),
)  # fmt: skip

# --------------------------------------------------------------------------- firms, viewers

firm_files = sa.Table(
    "firm_files", metadata, key("owner"), key("shape"),
    words("digest"), whole("rows"), moment("imported_at"),
)  # fmt: skip

firm_rows = sa.Table(
    "firm_rows", metadata, key("owner"), key("shape"),
    sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
    words("firm"),  # as graph.firms.firm_key writes it: exposures name it
    nested("row"),
    sa.Index("ix_firm_rows_firm", "firm"),
)  # fmt: skip

viewers = sa.Table(
    "viewers", metadata, key("id"),
    words("digest"),  # SHA-256 of the token, which itself is nowhere
    words("role"), words("owner", null=True), words("label"), moment("added_at"),
    words("person", null=True),  # name of the person whose token it is; null: nobody's
    moment("expires_at", null=True),  # of a session; a token has no end
    sa.Index("ix_viewers_digest", "digest", unique=True),
)  # fmt: skip

# --------------------------------------------------------------------------- people, acts, audit

people = sa.Table(
    "people", metadata, key("id"),
    words("name"), words("role"), moment("added_at"), words("owner", null=True),
    words("slack_id", null=True), words("email", null=True), flag("signs"), nested("ministries"),
    moment("disabled_at", null=True), more(),
    words("password", null=True),  # argon2id, as argon2-cffi writes it
    sa.Index("ix_people_name", "name", unique=True),
    sa.Index("ix_people_slack_id", "slack_id", unique=True),
)  # fmt: skip

acts = sa.Table(
    "acts", metadata, key("id"),
    words("kind"), words("by"), moment("at"), words("via"), words("alert_id", null=True),
    words("note"), nested("detail"), more(),
    sa.Index("ix_acts_alert_id", "alert_id"), sa.Index("ix_acts_at", "at"),
)  # fmt: skip

bulletins = sa.Table(
    "bulletins", metadata, key("id"),
    words("kind"), words("receiver"), words("lang"), moment("at"), words("title"),
    nested("parts"), nested("alerts"), more(),
    sa.Index("ix_bulletins_receiver_at", "receiver", "at"),
)  # fmt: skip

blind_spells = sa.Table(
    "blind_spells", metadata, key("id"),
    words("subject"),  # item:<code>, country:<ISO2>, or "all"
    moment("since"), nested("sources"), moment("told_at", null=True),
    moment("ended_at", null=True),
    sa.Index("ix_blind_spells_subject", "subject", "since"),
)  # fmt: skip

# What a channel's address asked for: a pause, and since when nothing gets through.
channel_states = sa.Table(
    "channel_states", metadata, key("channel"), key("address"),
    moment("next_ok_at", null=True), moment("failing_since", null=True), whole("failures"),
    words("error", null=True), moment("paged_at", null=True),
)  # fmt: skip

# --------------------------------------------------------------------------- ledger, learning

resolutions = sa.Table(
    "resolutions", metadata, key("id"),
    of("alert_id", "alerts.id"), words("outcome"), moment("at"), words("basis"), words("by"),
    nested("proofs"), words("note"), more(),
    sa.Index("ix_resolutions_alert_id", "alert_id"), sa.Index("ix_resolutions_at", "at"),
)  # fmt: skip

examples = sa.Table(
    "examples", metadata, key("id"),
    of("article_id", "articles.id"), nested("labels"), words("source"), moment("at"),
    words("state"), more(), sa.Index("ix_examples_article_id", "article_id"),
)  # fmt: skip

suggestions = sa.Table(
    "suggestions", metadata, key("id"),
    moment("at"), nested("changes"), words("why"), nested("facts"), nested("acts"),
    words("state"), more(),
)  # fmt: skip

cases = sa.Table(
    "cases", metadata, key("id"),
    nested("body"), words("added_by"), moment("added_at"), more(),
)  # fmt: skip

audit = sa.Table(
    "audit", metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    moment("at"), words("kind"), words("subject"), words("who"), nested("body"),
    words("before"), words("hash"),
    sa.Index("ix_audit_subject", "subject"),
)  # fmt: skip
# Append-only also for whoever has the database's password and makes a slip.
APPEND_ONLY = {
    "sqlite": [
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ],
}
for _dialect, _statements in APPEND_ONLY.items():
    for _text in _statements:
        _ddl = sa.DDL(_text)  # type: ignore[no-untyped-call]
        sa.event.listen(audit, "after_create", _ddl.execute_if(dialect=_dialect))
