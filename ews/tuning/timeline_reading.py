"""What does the store of a case that was played say? Alerts of the case, who was told, the lead.

An alert is of the case when evidence of it is a signal of the case; it is on the happening itself
when the rules that alerts are scored by say so (`ews.tuning.matching`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.rules import setting
from ews.model import Alert, AlertChange, Article, RuleSet, Stage
from ews.storage import Store
from ews.tuning.matching import match_one
from ews.tuning.references import BEFORE
from ews.tuning.score import Window
from ews.tuning.scored_alerts import read_alerts
from ews.tuning.timeline_rows import (
    First,
    Happened,
    Known,
    Lead,
    Played,
    Reached,
    Script,
    Seen,
    Setting,
    Step,
    Timeline,
    Told,
)
from graph.reference import CHOKEPOINTS, ITEMS, PORTS

GAP = 32  # days after its last text in which an alert can still end by itself
DAY_S = 86_400


def read_timeline(store: Store, script: Script, by: Setting) -> Timeline:
    """The time line of a script that was played in the store, maybe among others."""
    own = {signal for fact in script.facts for signal in fact.signals}
    every = store.changes()
    matched = _matched(store, script, {change.alert.id for change in every})
    changes = [c for c in every if c.alert.id in matched or _evidence(store, c.alert) & own]
    told = _told(store, {change.alert.id for change in changes})
    steps = tuple(
        _step(c, c.alert.id in matched, told.get((c.alert.id, c.alert.revision), ()))
        for c in changes
    )
    return Timeline(
        name=script.name, kind=script.kind, en=script.en, ko=script.ko, onset=script.onset,
        reference_time=script.episode.reference_time if script.episode else None,
        expected_stage=int(script.episode.expected) if script.episode else None,
        played=_played(script, by, store), known=_known(store, script, by.ruleset),
        seen=_seen(store, changes), steps=steps, reached=_reached(store, changes, matched, by, told),
        lead=_lead(script, changes, matched), reactions=script.reactions, reality=script.reality,
    )  # fmt: skip


def public(found: Timeline) -> Timeline:
    """The time line for who may not know which receivers there are and what each was told."""
    return replace(
        found,
        played=replace(found.played, receivers=(), routes=""),
        steps=tuple(replace(step, told=()) for step in found.steps),
        reached=tuple(replace(one, told=()) for one in found.reached),
    )


def _evidence(store: Store, alert: Alert) -> set[str]:
    events = store.events_of((alert.event_id, *alert.members)).values()
    return {one.signal_id for event in events for one in event.evidence}


def _matched(store: Store, script: Script, ids: Collection[str]) -> dict[str, datetime]:
    """Alerts on the happening itself, by the rules that alerts are scored by, since when."""
    if script.episode is None or not script.signals:
        return {}
    since, until = script.signals[0].available_at, script.signals[-1].available_at
    window = Window(since - BEFORE, until + timedelta(days=GAP))
    found = {
        raised.id: match_one(raised, script.episode)
        for raised in read_alerts(store, window, hs_of, names_of) if raised.id in ids
    }  # fmt: skip
    return {id_: match.at for id_, match in found.items() if match is not None}


def hs_of(item: str) -> tuple[str, ...]:
    return ITEMS[item].hs if item in ITEMS else ()


def names_of(kind: str, code: str) -> tuple[str, ...]:
    """English and Korean name of a strait or port."""
    known = (CHOKEPOINTS if kind == "chokepoint" else PORTS if kind == "port" else {}).get(code)
    return (code,) if known is None else tuple(dict.fromkeys((known.en, known.ko)))


def _told(store: Store, ids: Collection[str]) -> Mapping[tuple[str, int], tuple[Told, ...]]:
    found: dict[tuple[str, int], list[Told]] = {}
    for one in store.notifications_of(ids):
        if one.bulletin is None and not one.edit:
            told = Told(one.receiver, one.reason.sent, one.reason.value, one.lang)
            found.setdefault((one.alert_id, one.alert_revision), []).append(told)
    return {key: tuple(rows) for key, rows in found.items()}


def _step(change: AlertChange, of_case: bool, told: Sequence[Told]) -> Step:
    alert = change.alert
    return Step(
        change.at, alert.id, change.kind.value, int(alert.stage),
        None if change.before is None else int(change.before), alert.title, alert.type,
        alert.countries, alert.items, alert.chokepoints, alert.chance, change.reason, of_case,
        tuple(told),
    )  # fmt: skip


def _known(store: Store, script: Script, ruleset: RuleSet) -> tuple[Known, ...]:
    least = setting(ruleset.rules, "news", "min_probability")
    rows = []
    for fact in script.facts:
        tagged = [one for id_ in fact.signals if (one := store.tagged(id_)) is not None]
        types = {
            t.type: t.probability for one in tagged for t in one.tags if t.probability >= least
        }
        rows.append(Known(
            fact.observed_at, fact.available_at, fact.en, fact.ko, fact.outlet, fact.url,
            bool(fact.signals), "time of day assumed" in fact.note, "page read is dated" in fact.note,
            tuple(sorted(types)), fact.value, fact.unit,
        ))  # fmt: skip
    return tuple(rows)


def _seen(store: Store, changes: Sequence[AlertChange]) -> tuple[Seen, ...]:
    ids = dict.fromkeys(id_ for c in changes for id_ in (c.alert.event_id, *c.alert.members))
    firsts = [min(store.event_revisions(id_), key=lambda e: e.revision) for id_ in ids]
    return tuple(
        Seen(one.updated_at, one.id, one.type, one.detector, one.title, one.countries, one.items,
             one.chokepoints, one.probability, one.severity)
        for one in sorted(firsts, key=lambda e: (e.updated_at, e.id))
    )  # fmt: skip


def _reached(
    store: Store,
    changes: Sequence[AlertChange],
    matched: Collection[str],
    by: Setting,
    told: Mapping[tuple[str, int], Sequence[Told]],
) -> tuple[Reached, ...]:
    """Ministries that the graph names, those with most uses first, and who of them was told."""
    events = {id_ for c in changes if c.alert.id in matched
              for id_ in (c.alert.event_id, *c.alert.members)}  # fmt: skip
    heard = {one.receiver for (alert, _), rows in told.items() if alert in matched
             for one in rows if one.sent}  # fmt: skip
    uses: dict[str, list[tuple[str, str]]] = {}
    for event in sorted(events):
        for exposure in store.exposures(event_id=event):
            for ministry in exposure.ministries if exposure.firm is None else ():
                uses.setdefault(ministry, []).append((exposure.industry, exposure.item))
    return tuple(
        Reached(
            ministry,
            tuple(dict.fromkeys(industry for industry, _ in found if industry)),
            tuple(dict.fromkeys(item for _, item in found)),
            tuple(r.name for r in by.routes.receivers
                  if r.name in heard and (ministry in r.ministries or _sees_all(r))),
        )
        for ministry, found in sorted(uses.items(), key=lambda pair: (-len(set(pair[1])), pair[0]))
    )  # fmt: skip


def _sees_all(receiver: object) -> bool:
    return not any(getattr(receiver, name) for name in ("ministries", "items", "sectors"))


def _lead(
    script: Script, changes: Sequence[AlertChange], matched: Mapping[str, datetime]
) -> Lead | None:
    if script.episode is None:
        return None
    onset = script.onset or script.episode.reference_time
    own = [c for c in changes if c.alert.id in matched and c.at >= matched[c.alert.id]]
    grave = [c for c in own if c.alert.stage >= Stage.CAUTION]
    hint, hint_caution = _first(own), _first(grave)
    measure = _first([c for c in grave if c.at >= onset - BEFORE])
    reaction = next((one for one in script.reactions if one.meets), None)
    shortage = next((one for one in script.reality if one.shortage), None)
    return Lead(
        hint, hint_caution, measure, reaction, shortage,
        _days(hint_caution, reaction), _days(measure, reaction), _days(measure, shortage),
    )  # fmt: skip


def _first(changes: Sequence[AlertChange]) -> First | None:
    found = min(changes, key=lambda c: (c.at, -c.alert.stage), default=None)
    return None if found is None else First(found.at, found.alert.id, int(found.alert.stage))


def _days(first: First | None, then: Happened | None) -> float | None:
    if first is None or then is None:
        return None
    return round((then.at - first.at).total_seconds() / DAY_S, 1) + 0.0  # never -0.0


def _played(script: Script, by: Setting, store: Store) -> Played:
    articles = [s for s in script.signals if isinstance(s, Article)]
    tags = [one for a in articles if (one := store.tagged(a.id)) is not None]
    times = [signal.available_at for signal in script.signals]
    return Played(
        by.ruleset.digest, by.rules_from, tuple(sorted({one.model for one in tags})),
        bool(script.tags), by.network,
        by.routes_from, tuple(one.name for one in by.routes.receivers), min(times), max(times),
        len(articles), len(script.signals) - len(articles),
    )  # fmt: skip
