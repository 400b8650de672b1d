"""What have people and time said of alerts that only a backtest raised? By the reports they share.

An alert of a candidate has the id of its first report. Other rules may let another report of the
same happening speak first: what was said of an alert holds for one that took in its first report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ews.model import Alert, Outcome, Resolution, content_id
from ews.storage import Store
from ews.storage.ledger import outcome_of
from ews.tuning.desk_figures import events_of
from ews.tuning.verdicts import Verdicts, read_verdicts

RIGHT = {Outcome.TRUE: True, Outcome.LATE: True, Outcome.PREVENTED: True, Outcome.FALSE: False}


def said_of(store: Store, files: Sequence[Path]) -> dict[str, bool]:
    """Alert id -> right or wrong: how alerts turned out (the ledger), then what verdict files say."""
    spoken: dict[str, list[Resolution]] = {}
    for one in store.resolutions():
        spoken.setdefault(one.alert_id, []).append(one)
    held = {id_: outcome_of(all_) for id_, all_ in spoken.items()}
    found = {id_: RIGHT[one.outcome] for id_, one in held.items() if one and one.outcome in RIGHT}
    for file in files:
        found |= read_verdicts(file).decided
    return found


def verdicts_for(alerts: Iterable[Alert], said: Mapping[str, bool]) -> Verdicts | None:
    """As if people had looked at these alerts; None when nobody has said anything of any."""
    decided = {}
    for alert in alerts:
        ids = (alert.id, *map(alert_of, events_of(alert)))
        known = next((said[id_] for id_ in ids if id_ in said), None)
        if known is not None:
            decided[alert.id] = known
    return Verdicts(decided, frozenset(), frozenset(), None) if decided else None


def alert_of(event_id: str) -> str:
    """The id of an alert whose first report that event is (alerts.happenings.raised)."""
    return content_id("alr", content_id("fp", event_id))
