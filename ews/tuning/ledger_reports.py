"""What do later reports of the same happening say of how an alert turned out?

That others tell it too says that it is so, not that it matters: of the alerts of January to June
2023 and of the Korean autumn of 2025, readers found 16% of those that nobody else told of to be
supply events for Korea, and 21% of those that further groups told of. So an outcome is true only
where the later reports also read, surely, as a present happening that can change what Korea buys.
Silence decides nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ews.model import Basis, Ending, Event, EventStatus, Evidence, Outcome, Proof
from ews.tuning.ledger_known import Found, Known

WITHIN = timedelta(days=30)  # a later report is another happening
FURTHER = 2  # independence groups that had not told it when the alert was raised
MATTERS = 0.8  # relevance of the event, read from its reports
EARLIER = timedelta(days=3)  # those who are told had it by then
HAD_IT = 2  # independence groups that told it so long before


def by_reports(known: Known, now: datetime) -> Found | None:
    """False when refuted or dismissed; true, or late, when confirmed as one that matters."""
    refuted = _refuted(known, now)
    if refuted is not None:
        return refuted
    proofs = _confirmed(known)
    if not proofs or not _matters(known):
        return None
    early = _early(known)
    if early:
        return Found(Outcome.LATE, Basis.REPORTS, now, (*early, *proofs))
    return Found(Outcome.TRUE, Basis.REPORTS, now, proofs)


def _refuted(known: Known, now: datetime) -> Found | None:
    """Every event of it dismissed, or the rules took it back; a person's act speaks for itself."""
    alert = known.alert
    dismissed = [event for event in known.events if event.status is EventStatus.DISMISSED]
    by_rules = alert.ending is Ending.RETRACTED and not alert.mistake
    if not by_rules and (not dismissed or len(dismissed) < len(known.events)):
        return None
    said = "retracted" if by_rules else "dismissed"
    proofs = tuple(
        Proof("event", event.id, event.updated_at, f"{said}:{event.probability:.2f}")
        for event in (known.events if by_rules else dismissed)
    )
    return Found(Outcome.FALSE, Basis.REPORTS, now, proofs) if proofs else None


def _confirmed(known: Known) -> tuple[Proof, ...]:
    """The first report of each further group, or the notice of the authority itself."""
    raised = known.alert.raised_at
    evidence = _texts(known)
    told = {one.independence for one in evidence if one.available_at <= raised}
    further: dict[str, Evidence] = {}
    for one in evidence:
        if raised < one.available_at <= raised + WITHIN and one.independence not in told:
            further.setdefault(one.independence, one)
    proofs = tuple(_article(one) for one in further.values())
    authority = tuple(
        Proof("event", event.id, event.updated_at, "authority:" + ",".join(event.countries))
        for event in known.events
        if event.authority and event.detector == "news"
    )
    return (*authority, *proofs) if authority or len(further) >= FURTHER else ()


def _matters(known: Known) -> bool:
    return any((event.relevance or 0.0) >= MATTERS for event in known.events if _is_text(event))


def _early(known: Known) -> tuple[Proof, ...]:
    """The first report of each group that told it well before the alert; few of them: none."""
    limit = known.alert.raised_at - EARLIER
    first: dict[str, Evidence] = {}
    for one in _texts(known):
        if (one.observed_at or one.available_at) <= limit:
            first.setdefault(one.independence, one)
    return tuple(_article(one) for one in first.values()) if len(first) >= HAD_IT else ()


def _texts(known: Known) -> list[Evidence]:
    found = {
        one.signal_id: one for event in known.events if _is_text(event) for one in event.evidence
    }
    return sorted(found.values(), key=lambda one: (one.available_at, one.signal_id))


def _is_text(event: Event) -> bool:
    return event.detector == "news"


def _article(one: Evidence) -> Proof:
    return Proof("article", one.signal_id, one.available_at, one.title)
