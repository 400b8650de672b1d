"""What of the ledger is asked, by a page or the API; one answer for all who ask the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from fastapi import HTTPException, Request

from ews.model import Outcome, Stage
from ews.reports import find_alert
from ews.reports.receivers import sees_work
from ews.reports.viewer import NotFound
from ews.tuning.ledger import Account, Asked, Ledger, account, ledger
from ews.web.asked import known, moment, stage_number
from ews.web.site import Site
from nlp.taxonomy import TYPES

KEPT = 16  # answers remembered


@dataclass(slots=True)
class Ledgers:
    """Answers of late. Whatever can change one is in the audit, whose head is part of the question."""

    kept: OrderedDict[Hashable, Ledger] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def answer(self, site: Site, request: Request, asked: Asked, as_of: datetime | None) -> Ledger:
        named, now = sees_work(request.state.viewer), site.clock()
        key = (site.store.audit_head(), asked, as_of or now.date(), named)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        found = site.models.run(
            ("ledger", key), lambda: ledger(site.store, as_of or now, asked, named)
        )
        with self.lock:
            self.kept[key] = found
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return found


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
