"""Alerts of a store, or of a backtest, as the score needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath

from ews.model import Alert, AlertChange, AlertState, Article, Evidence, Stage, utc
from ews.storage import Store
from ews.tuning.raised import Content, Link, Raised, Step
from ews.tuning.references import plain_link, plain_name
from ews.tuning.scored import Window

HsOfItem = Callable[[str], Sequence[str]]  # item id -> HS codes
NamesOf = Callable[
    [str, str], Sequence[str]
]  # (chokepoint | port | firm, code) -> names, en and ko
Firms = Mapping[str, Sequence[tuple[datetime, Sequence[str]]]]  # event -> its firms from then on
FEED_FILES = (("rss_2023", "rss2023"), ("rss_2021", "rss2021"), ("kr_news", "kr_news"))


def last_window(
    store: Store, since: datetime | None = None, until: datetime | None = None
) -> Window:
    """The window of the store's last replay, or the days given (`until`: its end, not included).

    ValueError when the store was never replayed and the days are not given.
    """
    text = store.get("replay.last")
    last = json.loads(text) if text else {}
    if not last and (since is None or until is None):
        raise ValueError("this store has no replay; run `ews replay` first or give --from and --to")
    return Window(
        since or utc(str(last["from"])),
        until or utc(str(last["to"])) + timedelta(days=1),
        feed_kinds(last.get("feeds") or (), last.get("feed_kinds") or ()),
    )


def feed_kinds(files: Sequence[str], kinds: Sequence[str] = ()) -> tuple[str, ...]:
    """The `feed` values that replayed files stand for; empty (all) when one is not known.

    >>> feed_kinds(["feeds/rss2023/rss_2023_h2.jsonl.gz"]), feed_kinds(["mine.jsonl"])
    (('rss2023',), ())
    """
    found = dict.fromkeys(str(kind) for kind in kinds)
    for file in files:
        path = PurePath(str(file))
        known = [kind for prefix, kind in FEED_FILES
                 if path.name.startswith(prefix) or kind in path.parts[:-1]]  # fmt: skip
        if not known and not kinds:
            return ()
        found |= dict.fromkeys(known)
    return tuple(found)


def read_alerts(
    store: Store, window: Window, hs_of_item: HsOfItem, names_of: NamesOf
) -> list[Raised]:
    """Alerts raised in the window, with their changes and evidence, oldest first."""
    alerts = store.alerts(since=window.since, until=window.until)
    changes: dict[str, list[AlertChange]] = {alert.id: [] for alert in alerts}
    for change in store.changes(since=window.since):
        if change.alert.id in changes:
            changes[change.alert.id].append(change)
    named = {one for path in changes.values() for c in path for one in _events(c.alert)}
    named |= {one for alert in alerts for one in _events(alert)}
    events = store.events_of(named)
    firms = {
        one: [(e.updated_at, e.firms) for e in store.event_revisions(one)] for one in sorted(named)
    }
    texts = store.articles([e.signal_id for event in events.values() for e in event.evidence])
    reader = Reader(hs_of_item, names_of)
    return [
        reader.raised(
            alert,
            changes[alert.id],
            firms,
            [e for one in _events(alert) if one in events for e in events[one].evidence],
            texts,
        )
        for alert in sorted(alerts, key=lambda a: (a.raised_at, a.id))
    ]


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes `Raised` of alerts. One that is kept reads the same contents and links only once."""

    hs_of_item: HsOfItem
    names_of: NamesOf
    contents: dict[object, Content] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)  # by signal

    def raised(
        self,
        alert: Alert,
        changes: Sequence[AlertChange],
        firms: Firms,
        evidence: Iterable[Evidence],
        texts: Mapping[str, Article],
    ) -> Raised:
        """The alert (newest state), its changes (oldest first) and the evidence of its events.

        Evidence that several of its events share counts once.
        """
        path = [self._step(change, firms) for change in changes]
        path = path or [Step(alert.raised_at, alert.stage, self._content(alert, ()))]
        steps = tuple(sorted(path, key=lambda step: step.at))
        timed_out = alert.timed_out or any(change.alert.timed_out for change in changes)
        once = {one.signal_id: one for one in evidence}
        states = [*(change.alert for change in changes), alert]
        return Raised(
            id=alert.id,
            type=next(iter(steps[0].content.types), alert.type),
            steps=steps,
            links=tuple(self._link(one, texts.get(one.signal_id)) for one in once.values()),
            title=alert.title,
            unsigned=alert.max_stage > Stage.CAUTION and timed_out,
            rule=alert.rule,
            items=tuple(dict.fromkeys(item for one in states for item in one.items)),
            events=tuple(dict.fromkeys(event for one in states for event in _events(one))),
        )

    def _step(self, change: AlertChange, firms: Firms) -> Step:
        alert, named = change.alert, dict[str, None]()
        for event in _events(alert):
            known = [names for at, names in firms.get(event, ()) if at <= change.at]
            named |= dict.fromkeys(known[-1] if known else ())
        return Step(
            change.at,
            alert.stage,
            self._content(alert, tuple(named)),
            open=alert.state is not AlertState.RESOLVED,
            chance=alert.chance,
            probability=probability(alert),
        )

    def _content(self, alert: Alert, firms: tuple[str, ...]) -> Content:
        key = (alert.type, alert.countries, alert.items, alert.chokepoints, alert.ports, firms)
        if key not in self.contents:
            self.contents[key] = _content(alert, firms, self.hs_of_item, self.names_of)
        return self.contents[key]

    def _link(self, evidence: Evidence, article: Article | None) -> Link:
        found = self.links.get(evidence.signal_id)
        if found is None:
            found = self.links[evidence.signal_id] = _link(evidence, article)
        return found


def probability(alert: Alert) -> float | None:
    """The probability that the rule read, as its reasons say; None where it asks for none."""
    found = (re.match(r"probability=([0-9.]+)", reason) for reason in alert.reasons)
    return next((float(one[1]) for one in found if one), None)


def _events(alert: Alert) -> tuple[str, ...]:
    return tuple(dict.fromkeys((alert.event_id, *alert.members)))


def _content(
    alert: Alert, firms: Sequence[str], hs_of_item: HsOfItem, names_of: NamesOf
) -> Content:
    codes: Iterable[tuple[str, str]] = [
        *(("chokepoint", code) for code in alert.chokepoints),
        *(("port", code) for code in alert.ports),
        *(("firm", code) for code in firms),
    ]
    names = {name for kind, code in codes for name in (code, *names_of(kind, code))}
    return Content(
        types=frozenset({alert.type}),
        countries=frozenset(alert.countries),
        hs4=frozenset(code[:4] for item in alert.items for code in hs_of_item(item)) - {"9999"},
        names=frozenset(plain_name(name) for name in names if name),
    )


def _link(evidence: Evidence, article: Article | None) -> Link:
    return Link(
        url=plain_link(evidence.url or (article.url if article else "")),
        title=evidence.title or (article.title if article else ""),
        at=evidence.available_at,
        published=evidence.observed_at or evidence.available_at,
        summary=article.text if article else "",
        href=evidence.url or (article.url if article else ""),
        outlet=evidence.outlet or (article.outlet if article else ""),
        group=evidence.independence,
        lang=evidence.lang or (article.lang if article else ""),
    )
