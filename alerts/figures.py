"""What do figures say that a reader of an alert has to know, though its stage stands?"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.measures import SERIES, figures_alone
from ews.model import Alert, Event

FAR_STRONGER = 10.0  # times the odds: what counts as strong evidence (docs/fusion.md)
TOLD = ("fulfilled", "surge")  # facts of an event that figures beside a text bring


def figures_new(before: Alert, events: Sequence[Event]) -> list[str]:
    """Figures bear out, for the first time, what texts had told: that ships do stay away is news,
    however often it was written that they would."""
    stated = {one.event_id: set(one.groups) for one in before.witnesses}
    for event in events:
        if (
            event.id not in stated
            or figures_alone(event)
            or not any(k in event.facts for k in TOLD)
        ):
            continue
        series = {link.removeprefix(SERIES) for link in event.links if link.startswith(SERIES)}
        providers = {one.independence for one in event.evidence if one.signal_id in series}
        if providers and providers.isdisjoint(stated[event.id]):
            return ["figures show it too"]
    return []


def far_stronger(before: Alert, after: Alert, events: Sequence[Event]) -> list[str]:
    """A person ended what figures alone told; the next figure alike is no news, but far stronger
    figures are: a series has no second story that could speak for it."""
    if not any(figures_alone(event) for event in events):
        return []
    then, now = before.chance, after.chance
    if then is None or now is None or not (0 < then < 1 and 0 < now < 1):
        return []
    stronger = now / (1 - now) >= FAR_STRONGER * then / (1 - then)
    return ["the figures speak far more strongly than then"] if stronger else []
