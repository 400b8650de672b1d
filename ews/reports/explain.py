"""Why this alert? Walks from the delivery back to the sentence that was published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from ews.model import Alert, Event, Exposure, flatten
from ews.reports.rows import (
    alert_line,
    change_line,
    delivery_line,
    event_line,
    exposure_line,
    measure_label,
    ruleset_line,
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
    facts: tuple[Label, ...] = ()  # `reasons` in words


def find_alert(store: Store, alert_id: str) -> Alert:
    """The alert with that ID or unique prefix. NotFound, with what to do, otherwise."""
    try:
        alert = store.alert(alert_id)
    except ValueError as err:  # several begin with it
        raise NotFound(str(err)) from err
    if alert is None:
        raise NotFound(f"no alert {alert_id!r}; `ews alerts` lists them")
    return alert


def explain(store: Store, alert_id: str, *, viewer: Viewer = OPEN) -> Explanation:
    """Delivery <- notification <- rule and RuleSet <- exposure path <- event <- tags <- article."""
    alert = find_alert(store, alert_id)
    event = store.event(alert.event_id)
    ruleset = store.ruleset(alert.ruleset)
    before = store.ruleset(alert.ruleset - 1) if alert.ruleset > 1 else None
    return Explanation(
        alert=alert_line(alert, event),
        reasons=alert.reasons,
        deliveries=tuple(
            delivery_line(one, store.delivery(one.id))
            for one in store.notifications(alert_id=alert.id)
        ),
        changes=tuple(change_line(change, event) for change in store.changes(alert_id=alert.id)),
        ruleset=None if ruleset is None else ruleset_line(ruleset, before),
        thresholds={} if ruleset is None else thresholds_of(ruleset.rules, alert.rule),
        exposures=_exposures(store, alert, viewer),
        event=None if event is None else described_event(store, event),
        facts=tuple(map(measure_label, alert.reasons)),
    )


def _exposures(store: Store, alert: Alert, viewer: Viewer) -> tuple[ExposureLine, ...]:
    """Those the alert named, in its order; all of its event's when it named none."""
    found = visible(_named_exposures(store, alert), viewer)
    return tuple(exposure_line(exposure) for exposure in found)


def _named_exposures(store: Store, alert: Alert) -> list[Exposure]:
    if not alert.exposure_ids:
        return list(store.exposures(event_id=alert.event_id))
    order = {exposure_id: place for place, exposure_id in enumerate(alert.exposure_ids)}
    found = store.exposures(ids=list(alert.exposure_ids))
    return sorted(found, key=lambda exposure: order[exposure.id])


def described_event(store: Store, event: Event) -> EventLine:
    """An event with each article behind it and what the classifier said of it."""
    ids = [one.signal_id for one in event.evidence]
    tagged = {one: found for one in ids if (found := store.tagged(one)) is not None}
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
