"""What of the ledger is asked, by a page or the API; one answer for all who ask the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from fastapi import HTTPException, Request

from ews.model import Outcome, Stage
from ews.reports import find_alert
from ews.reports.receivers import sees_work
from ews.reports.viewer import NotFound
from ews.tuning.ledger import Account, Asked, Ledger, account, ledger
from ews.tuning.ledger_sent import Memory
from ews.web.asked import known, moment, stage_number
from ews.web.site import Site
from nlp.taxonomy import TYPES

KEPT = 16  # answers remembered
FRESH = timedelta(seconds=60)  # an answer says as of when it is, so that it may be so old


@dataclass(slots=True)
class Ledgers:
    """Answers of late, and what was sent, which never changes."""

    kept: OrderedDict[Hashable, Ledger] = field(default_factory=OrderedDict)
    sent: Memory = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def answer(self, site: Site, request: Request, asked: Asked, as_of: datetime | None) -> Ledger:
        named, now = sees_work(request.state.viewer), site.clock()
        key = (asked, as_of, named)
        with self.lock:
            found = self.kept.get(key)
            if found is not None and timedelta(0) <= now - found.as_of < FRESH and as_of is None:
                return found
        found = site.models.run(
            ("ledger", key), lambda: ledger(site.store, as_of or now, asked, named, self.sent)
        )
        with self.lock:
            self.kept.pop(key, None)
            self.kept[key] = found
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Somebody has just said how an alert turned out."""
        with self.lock:
            self.kept.clear()


def question(
    since: str | None, until: str | None, stage: str | None, type_: str | None, outcome: str | None
) -> Asked:
    """The question of a query. 400 says what is wrong."""
    number = stage_number(stage)
    if type_ and type_ not in TYPES:
        raise HTTPException(400, f"type: {type_[:40]!r} is none of {', '.join(TYPES)}")
    if outcome and outcome not in set(Outcome):
        raise HTTPException(400, f"outcome: {outcome[:40]!r} is none of {', '.join(Outcome)}")
    return Asked(
        moment(since), moment(until), Stage(number) if number else None, type_ or "",
        Outcome(outcome) if outcome else None,
    )  # fmt: skip


def account_of(site: Site, request: Request, alert_id: str, as_of: str | None) -> Account:
    """One alert of the ledger. NotFound when there is none, or was none then."""
    alert = find_alert(site.store, alert_id)
    at = known(as_of, site.clock()) or site.clock()
    found = account(site.store, alert, at, sees_work(request.state.viewer))
    if found is None:
        raise NotFound(f"alert {alert.id} was not raised by {at:%Y-%m-%d %H:%M} UTC")
    return found
