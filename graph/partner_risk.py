"""How often has supply from each country been hit lately, as far as our own events tell?

The table for `Trade.partner_risk`. It holds nothing but events that this service saw, so it is only
as wide as its sources; without any event it is empty, and the index is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from math import exp

from ews.model import Event, EventStatus
from graph.reference import COUNTRIES, EU_MEMBERS

# What a state or a calamity does to supply; a firm's own trouble says nothing of its country.
TYPES = frozenset({
    "export_restriction",
    "sanctions",
    "armed_conflict_or_unrest",
    "natural_disaster",
    "epidemic",
    "labour_action",
    "energy_outage",
    "logistics_disruption",
})  # fmt: skip
HALF_LIFE_DAYS = 365.0  # assumed: a measure of last year weighs half of one of today
FULL = 2.0  # assumed: two sure and most severe events within a year make a risk of 0.63
MOST_SEVERE = 3.0


def partner_risk(events: Iterable[Event], now: datetime) -> dict[str, float]:
    """Country -> 0..1 from the events first seen by `now`; {} when there are none.

    1 - exp(-weight / 2), the weight of an event being probability x severity / 3, halved each year.
    A country without an event has 0: it is watched like the others. An event of the EU is one of
    each member.
    """
    weight: defaultdict[str, float] = defaultdict(float)
    for event in events:
        hit = {event.type, *event.also} & TYPES
        if not hit or event.status is EventStatus.DISMISSED or event.first_seen > now:
            continue
        age = (now - event.first_seen).total_seconds() / 86400
        each = event.probability * event.severity / MOST_SEVERE * 0.5 ** (age / HALF_LIFE_DAYS)
        named = set(event.countries)
        for country in named | (EU_MEMBERS if "EU" in named else set()):
            weight[country] += each
    if not weight:
        return {}
    return {code: 1.0 - exp(-weight.get(code, 0.0) / FULL) for code in COUNTRIES}
