"""Alerts of a store, as the score needs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import PurePath

from ews.model import Alert, AlertChange, AlertState, Article, Evidence, Stage, utc
from ews.storage import Store
from ews.tuning.matching import Content, Link, Raised, Step
from ews.tuning.references import plain_link, plain_name
from ews.tuning.score import Window

HsOfItem = Callable[[str], Sequence[str]]  # item id -> HS codes
NamesOf = Callable[
    [str, str], Sequence[str]
]  # (chokepoint | port | firm, code) -> names, en and ko
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
    steps = _steps(store, {alert.id for alert in alerts}, window, hs_of_item, names_of)
    timed_out = {c.alert.id for c in store.changes(since=window.since) if c.alert.timed_out}
    found = []
    for alert in sorted(alerts, key=lambda a: (a.raised_at, a.id)):
        events = store.events_of((alert.event_id, *alert.members)).values()
        evidence = [one for event in events for one in event.evidence]
        texts = store.articles([e.signal_id for e in evidence])
        first = (Step(alert.raised_at, alert.stage, _content(alert, (), hs_of_item, names_of)),)
        path = steps.get(alert.id) or first
        type_ = min(path, key=lambda step: step.at).content.types
        found.append(
            Raised(
                id=alert.id,
                type=next(iter(type_), alert.type),
                steps=path,
                links=tuple(_link(e, texts.get(e.signal_id)) for e in evidence),
                title=alert.title,
                unsigned=alert.max_stage > Stage.CAUTION and alert.id in timed_out,
            )
        )
    return found


def _steps(
    store: Store, ids: set[str], window: Window, hs_of_item: HsOfItem, names_of: NamesOf
) -> dict[str, tuple[Step, ...]]:
    firms: dict[str, list[tuple[datetime, tuple[str, ...]]]] = {}
    paths: dict[str, list[Step]] = {}
    for change in store.changes(since=window.since):
        if change.alert.id not in ids:
            continue
        named: dict[str, None] = {}
        for event_id in dict.fromkeys((change.alert.event_id, *change.alert.members)):
            if event_id not in firms:
                firms[event_id] = [(e.updated_at, e.firms) for e in store.event_revisions(event_id)]
            known = [names for at, names in firms[event_id] if at <= change.at]
            named |= dict.fromkeys(known[-1] if known else ())
        paths.setdefault(change.alert.id, []).append(
            _step(change, tuple(named), hs_of_item, names_of)
        )
    return {id_: tuple(sorted(path, key=lambda s: s.at)) for id_, path in paths.items()}


def _step(
    change: AlertChange, firms: Sequence[str], hs_of_item: HsOfItem, names_of: NamesOf
) -> Step:
    return Step(
        change.at,
        change.alert.stage,
        _content(change.alert, firms, hs_of_item, names_of),
        open=change.alert.state is not AlertState.RESOLVED,
    )


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
    )
