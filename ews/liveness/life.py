"""What did ews do in the last day? The proof of life that a heartbeat carries, from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.words import say
from ews.freshness import heard, silent_first_named
from ews.liveness.usual import PAST, Usual, Window, usual
from ews.model import DeliveryState, Source
from ews.storage import Store
from ews.storage.blind import BlindSpell
from ews.storage.tallies import SPAN

DAY = timedelta(days=1)
TOLD_WITHIN = timedelta(
    hours=25
)  # yesterday's digest of the same time counts, a little late or not
OTHERS = ("blind", "seeing", "digest", "planned")  # bulletins that show that ews works


@dataclass(frozen=True, slots=True)
class Life:
    """What a heartbeat tells, the same for every receiver."""

    sources: tuple[Source, ...]  # that are asked
    answered: int  # of them within the last day
    silent: tuple[Source, ...]  # failing, stale or never read
    texts: int  # new ones of the last day
    figures: int
    newest: datetime | None  # when new texts last came
    firing: int
    blind: tuple[BlindSpell, ...]
    unread: int
    unsent: int
    oldest: datetime | None  # since when the oldest unsent message waits
    dead: int
    drying: Mapping[str, Usual]  # sources that bring far less than usual
    told: Mapping[str, int]  # receiver -> messages of the last day


def life(store: Store, sources: Sequence[Source], now: datetime) -> Life:
    """What the store says of the last day; `sources` are those that are asked here."""
    known, spans = heard(store, sources, now), store.tallies(now - PAST)
    names = {one.name for one in sources}
    news = [at for one in known if (at := one.polling.news_at) is not None]
    recent = [t for name in names for t in spans.get(name, ()) if t.at >= now - DAY - SPAN / 2]
    states, oldest = store.delivery_counts()
    pending = (DeliveryState.NEW, DeliveryState.TRYING, DeliveryState.AMBIGUOUS)
    return Life(
        sources=tuple(sources),
        answered=sum(one.good is not None and one.good.at > now - DAY for one in known),
        silent=silent_first_named(known),
        texts=sum(one.new_texts for one in recent),
        figures=sum(one.new_figures for one in recent),
        newest=max(news, default=None),
        firing=len(store.open_alerts()),
        blind=tuple(store.blind_spells()),
        unread=store.waiting_counts()["unclassified"],
        unsent=sum(states.get(state.value, 0) for state in pending),
        oldest=oldest,
        dead=states.get(DeliveryState.DEAD.value, 0),
        drying={n: one for n, one in usual(sources, spans, now).items() if one.drying},
        told=store.told_since(now - TOLD_WITHIN, OTHERS),
    )  # fmt: skip


def usual_words(found: Usual, lang: str) -> str:
    """What a source brings against its past, in one sentence."""
    if found.day.few:
        return _said("day_few", found.day, lang)
    if found.week.few:
        return _said("week_few", found.week, lang)
    return _said("day_young" if found.day.usual is None else "day", found.day, lang)


def _said(key: str, window: Window, lang: str) -> str:
    usual_ = "-" if window.usual is None else f"{window.usual:.0f}"
    return say(f"usual.{key}", lang, seen=window.seen, usual=usual_, least=window.least)
