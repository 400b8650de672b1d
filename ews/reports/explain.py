"""Why this alert? Walks from the delivery back to the sentence that was published; now, or as of
a past moment from what was known then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.public import public_alert, public_changes
from ews.model import Act, Alert, Event, Evidence, TaggedArticle, flatten
from ews.reports.acts import ActLine, act_row
from ews.reports.explain_views import RevisionLine, StandingLine
from ews.reports.history import Then
from ews.reports.ledger_words import outcome_label
from ews.reports.receivers import sees_work
from ews.reports.rows import (
    alert_line,
    change_line,
    delivery_line,
    event_line,
    evidence_line,
    exposure_line,
    measure_label,
    revision_line,
    ruleset_line,
    standing_line,
)
from ews.reports.viewer import OPEN, NotFound, Viewer, visible
from ews.reports.views import (
    AlertLine,
    ChangeLine,
    DeliveryLine,
    EventLine,
    ExposureLine,
    Label,
    RuleSetLine,
)
from ews.storage import Store


@dataclass(frozen=True, slots=True)
class Explanation:
    """One alert, and each step that led to it, newest step first."""

    alert: AlertLine
    reasons: tuple[str, ...]
    deliveries: tuple[DeliveryLine, ...]
    changes: tuple[ChangeLine, ...]
    ruleset: RuleSetLine | None
    thresholds: dict[str, str]  # the keys of the rule that holds, as they stood in that version
    exposures: tuple[ExposureLine, ...]
    event: EventLine | None
    facts: tuple[Label, ...] = ()  # `reasons` in words: the values that passed
    as_of: datetime | None = None  # what was known then; null: what is known now
    standing: StandingLine | None = None  # what waits for a person, and whose it is
    joined: tuple[EventLine, ...] = ()  # further events that the alert took in
    revisions: tuple[RevisionLine, ...] = ()  # of the event, oldest first
    acts: tuple[ActLine, ...] = ()  # what people did, for readers who may know; oldest first
    notes: tuple[Label, ...] = ()  # what of a past moment cannot be rebuilt
    outcome: Label | None = None  # how it turned out, by the ledger; null while nobody could say
    public: bool = False  # what waits, who was told and what people did is left out for this reader

    @property
    def decisions(self) -> tuple[ActLine, ...]:
        """What was decided, with its outcome."""
        return tuple(one for one in self.acts if one.kind == "close")


def find_alert(store: Store, alert_id: str) -> Alert:
    """The alert with that ID or unique prefix. NotFound, with what to do, otherwise."""
    try:
        alert = store.alert(alert_id)
    except ValueError as err:  # several begin with it
        raise NotFound(str(err)) from err
    if alert is None:
        raise NotFound(f"no alert {alert_id!r}; `ews alerts` lists them")
    return alert


def explain(
    store: Store, alert_id: str, *, viewer: Viewer = OPEN, as_of: datetime | None = None
) -> Explanation:
    """Delivery <- notification <- rule and RuleSet <- exposure path <- event <- tags <- article.

    `as_of` answers from what was known then; NotFound when the alert was not raised yet. Whoever is
    not of the state under a name reads what is for everybody.
    """
    then = Then(store, find_alert(store, alert_id).id, as_of)
    named = sees_work(viewer)
    event = then.event
    alert = then.alert if named else public_alert(then.alert)
    changes = then.changes if named else public_changes(then.changes)
    told = then.notifications if named else ()
    ruleset = store.ruleset(alert.ruleset)
    before = store.ruleset(alert.ruleset - 1) if alert.ruleset > 1 else None
    return Explanation(
        alert=alert_line(alert, event),
        reasons=alert.reasons,
        deliveries=tuple(delivery_line(one, then.delivery(one)) for one in told),
        changes=tuple(change_line(change, event, named) for change in changes),
        ruleset=None if ruleset is None else ruleset_line(ruleset, before),
        thresholds={} if ruleset is None else thresholds_of(ruleset.rules, alert.rule),
        exposures=tuple(map(exposure_line, visible(then.exposures, viewer))),
        event=None if event is None else _with_unverified(store, event, then, viewer),
        facts=tuple(map(measure_label, alert.reasons)),
        as_of=as_of,
        standing=standing_line(alert),
        joined=tuple(described_event(store, one, then.tagged) for one in then.joined),
        revisions=tuple(map(revision_line, then.revisions)),
        acts=tuple(map(act_row, acts_known(store, then, viewer))),
        notes=tuple(_notes(then, viewer)),
        outcome=outcome_label(store.resolutions([alert.id], until=as_of)),
        public=not named,
    )


def acts_known(store: Store, then: Then, viewer: Viewer) -> list[Act]:
    """A firm's person knows what their own firm did; nobody else outside knows any."""
    if sees_work(viewer):
        return list(then.acts)
    if viewer.role != "firm" or viewer.person is None:
        return []
    own = {one.name for one in store.people() if one.owner == viewer.owner}
    return [one for one in then.acts if one.by in own]


def _notes(then: Then, viewer: Viewer) -> Iterator[Label]:
    """What a past answer leaves out."""
    if then.at is None:
        return
    yield Label(
        "evidence",
        "evidence is that of the event's revision then; reports that added nothing are not dated",
        "근거는 그때 판의 것이며, 보탠 것이 없는 보도는 때를 따로 남기지 않음",
    )
    if then.paths_lost:
        yield Label(
            "paths",
            "the paths computed for that revision were not kept, so none is shown",
            "그 판에 대해 계산한 경로는 남아 있지 않아 보이지 않음",
        )
    if viewer.owner is not None:
        yield Label(
            "own-paths",
            "a firm's own paths of the past are not kept",
            "기업 자신의 지난 경로는 남기지 않음",
        )
    if sees_work(viewer) and then.on_their_way:
        yield Label(
            "tries",
            "how often a message had been tried by then is not kept",
            "그때까지 몇 번 보내려 했는지는 남기지 않음",
        )


def _with_unverified(store: Store, event: Event, then: Then, viewer: Viewer) -> EventLine:
    """The event; for those who work here also what sources that nobody promoted tell beside it."""
    line = described_event(store, event, then.tagged)
    if not sees_work(viewer):
        return line
    ids = [one.removeprefix("story:") for one in event.links if one.startswith("story:")]
    told = [m for story in store.stories(ids) for m in story.unverified] if ids else []
    known = [m for m in told if then.at is None or m.available_at <= then.at]
    articles = store.articles([m.article_id for m in known])
    return replace(line, unverified=tuple(
        evidence_line(
            Evidence(m.article_id, m.independence, m.available_at, m.title, m.outlet, m.url,
                     m.observed_at, m.lang),
            articles.get(m.article_id), then.tagged(m.article_id),
        )
        for m in known
    ))  # fmt: skip


def described_event(
    store: Store, event: Event, tagged_of: Callable[[str], TaggedArticle | None] | None = None
) -> EventLine:
    """An event with each article behind it and what the classifier said of it."""
    ids = [one.signal_id for one in event.evidence]
    look = tagged_of or store.tagged
    tagged = {one: found for one in ids if (found := look(one)) is not None}
    return event_line(event, store.articles(ids), tagged)


def thresholds_of(rules: Mapping[str, object], rule: str) -> dict[str, str]:
    """The dotted keys of the named rule, wherever the document keeps it.

    >>> thresholds_of({"rules": {"export_ban": {"raise_at": 0.3}}}, "export_ban")
    {'rules.export_ban.raise_at': '0.3'}
    """
    flat = flatten(rules)
    return {key: str(value) for key, value in flat.items() if rule and f".{rule}." in f".{key}."}


def alert_list(
    store: Store,
    *,
    since: datetime | None = None,
    stage: int | None = None,
    state: str | None = None,
    items: Collection[str] | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
) -> tuple[AlertLine, ...]:
    """Alerts as rows, newest first: raised since, at or above a stage, touching one of the items;
    `as_of` shows them as they stood then."""
    found = store.alerts(since=since) if as_of is None else store.alerts_as_of(as_of)
    wanted = [
        alert
        for alert in found
        if (stage is None or alert.stage >= stage)
        and (state is None or alert.state.value == state)
        and (items is None or set(items) & set(alert.items))
        and (since is None or alert.raised_at >= since)
    ]
    wanted.sort(key=lambda alert: alert.raised_at, reverse=True)
    return tuple(alert_line(one, store.event(one.event_id)) for one in wanted[:limit])


def ruleset_lines(store: Store) -> tuple[RuleSetLine, ...]:
    """Every version of the rules, newest first, each with what it changed."""
    found = sorted(store.rulesets(), key=lambda ruleset: ruleset.version)
    pairs = zip(found, [None, *found[:-1]], strict=True)
    return tuple(ruleset_line(one, before) for one, before in pairs)[::-1]
