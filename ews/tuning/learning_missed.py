"""Why did no alert come of what a person says was missed? Followed through every stage, to the rule
that came nearest."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from alerts.rulebook import Book, Rule, read_book, setting
from ews.model import Act, Article, Event, Phase, RuleSet, TaggedArticle, utc
from ews.storage import Store
from ews.tuning.desk_knobs import ENDS
from ews.tuning.references import plain_link
from graph.reference import ITEMS, items_by_hs
from nlp.items import find_items

BEFORE, AFTER = timedelta(days=1), timedelta(days=10)  # around the day that a person gives
AGO = timedelta(days=14)  # before the report, where they give none
SHOWN = 5  # texts to choose from
LEAST = 2  # words of the report, its items counting three, that a text must have
WORDS = re.compile(r"[가-힣]{2,}|[A-Za-z0-9]{4,}")
ITEM_WEIGHT = 3
COMMON = 0.01  # share of the titles from which on a word tells nothing
# What became of it, the furthest first.
TOLD, NEAREST, CLOSED, IN_STORY, NO_EVENT, SCREENED, UNTAGGED, SILENT, NO_TEXT, UNKNOWN = (
    "told", "nearest", "not_open", "in_story", "no_event", "screened", "untagged", "source_silent", "no_text",
    "unknown_item",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Short:
    """A line of a rule that did not hold."""

    measure: str
    value: float
    needed: float

    @property
    def gap(self) -> float:
        """As a part of all that the measure can be."""
        return (self.needed - self.value) / ENDS.get(self.measure, max(1.0, abs(self.needed)))


@dataclass(frozen=True, slots=True)
class Nearest:
    """The rule that lacked least, and what it lacked."""

    rule: str
    stage: int
    event_id: str
    short: tuple[Short, ...]
    other: str = ""  # phase or corroboration: no threshold helps


@dataclass(frozen=True, slots=True)
class Text:
    """A text that may be meant."""

    article_id: str
    title: str
    url: str
    score: int


@dataclass(frozen=True, slots=True)
class Missed:
    """One report of a missed alert, and what became of what it tells of."""

    act_id: str
    by: str
    at: datetime
    note: str
    items: tuple[str, ...]
    why: str  # told | nearest | not_open | no_event | screened | untagged | source_silent | ...
    texts: tuple[Text, ...]
    certain: bool  # the text is the one whose link was given
    alert_id: str = ""
    nearest: Nearest | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def diagnose(store: Store, act: Act, ruleset: RuleSet) -> Missed:
    """What became of it, from what the store holds now under these rules."""
    items = items_named(act.detail.get("item", ""))
    since, until = window(act)
    texts, certain = find_texts(store, act, items, since, until)
    likely = [one.article_id for one in texts if one.score == texts[0].score]
    why, more = _why(store, act, items, likely, ruleset, since)
    return Missed(act.id, act.by, act.at, act.note, items, why, texts, certain, **more)  # type: ignore[arg-type]


def window(act: Act) -> tuple[datetime, datetime]:
    """When texts on it may have come."""
    if when := act.detail.get("when", ""):
        at = utc(when)
        return at - BEFORE, at + AFTER
    return act.at - AGO, act.at + BEFORE


def items_named(text: str) -> tuple[str, ...]:
    """Our items for a code, an HS code or a name; () when we know none of it.

    >>> items_named("요소"), items_named("280530")[:1], items_named("a thing")
    (('urea',), ('rare-earths',), ())
    """
    wanted = text.strip()
    if wanted in ITEMS:
        return (wanted,)
    folded = wanted.casefold()
    if same := [i.id for i in ITEMS.values() if folded in (i.en.casefold(), i.ko.casefold())]:
        return tuple(same)
    if wanted.replace(".", "").isdigit():
        return tuple(item.id for item in items_by_hs(wanted))
    return tuple(dict.fromkeys(one.code for one in find_items(wanted, "")))


# --------------------------------------------------------------------------- which text


def find_texts(
    store: Store, act: Act, items: Sequence[str], since: datetime, until: datetime
) -> tuple[tuple[Text, ...], bool]:
    """The text of the link, for certain; else the texts of those days that share most with what the
    person wrote."""
    lines = store.headlines(since, until)
    if link := act.detail.get("link", ""):
        wanted = plain_link(link)
        same = [Text(id, title, url, 0) for id, url, title in lines if plain_link(url) == wanted]
        if same:
            return tuple(same[:1]), True
    names = {name.casefold() for code in items for name in (ITEMS[code].en, ITEMS[code].ko)}
    folded = [title.casefold() for _, _, title in lines]
    words = telling(f"{act.note} {act.detail.get('item', '')}", folded)
    scored = [Text(id, title, url, alike(title, words, names)) for id, url, title in lines]
    near = sorted((one for one in scored if one.score >= LEAST), key=lambda one: -one.score)
    best = near[0].score if near else 0
    return tuple(one for one in near if 2 * one.score > best)[:SHOWN], False


def telling(report: str, titles: Sequence[str]) -> set[str]:
    """Words of the report that few titles of those days have."""
    most = max(3.0, COMMON * len(titles))
    words = {word.casefold() for word in WORDS.findall(report)}
    return {word for word in words if sum(word in title for title in titles) <= most}


def alike(title: str, words: Collection[str], names: Collection[str]) -> int:
    """Words that the title shares; the name of an item counts three.

    >>> alike("China halts urea exports", {"china", "exports"}, {"urea"})
    5
    """
    folded = title.casefold()
    shared = sum(word in folded for word in words if word not in names)
    return shared + (ITEM_WEIGHT if any(name in folded for name in names) else 0)


# --------------------------------------------------------------------------- how far it came


def _why(
    store: Store,
    act: Act,
    items: Sequence[str],
    texts: list[str],
    ruleset: RuleSet,
    since: datetime,
) -> tuple[str, dict[str, object]]:
    if not texts:
        if not items:
            return UNKNOWN, {"facts": {"item": act.detail.get("item", "")}}
        silent = _silent(store, act, since)
        return (SILENT, {"facts": {"source": silent}}) if silent else (NO_TEXT, {})
    of_event = store.events_with(texts, since - BEFORE)
    events = store.events_of(of_event)
    for alert in store.alerts(since=since - AGO):
        if {alert.event_id, *alert.members} & set(events):
            return TOLD, {"alert_id": alert.id, "facts": {"stage": alert.max_stage.en}}
    if events:
        return _short_of(store, list(events.values()), read_book(ruleset))
    return _unread(store, texts, setting(ruleset.rules, "news", "min_probability"))


def _silent(store: Store, act: Act, since: datetime) -> str:
    """The source of the link's host, when it brought nothing in those days."""
    host = (urlsplit(act.detail.get("link", "")).hostname or "").removeprefix("www.")
    if not host:
        return ""
    known = [
        one.source for one in store.readings(since - AGO, since)
        if host in one.source or one.source.casefold() in host
    ]  # fmt: skip
    if not known:
        return ""
    source = max(set(known), key=known.count)
    spoke = any(one.source == source for one in store.readings(since, since + BEFORE + AFTER))
    return "" if spoke else source


def _unread(store: Store, texts: list[str], floor: float) -> tuple[str, dict[str, object]]:
    """No event was made of any: what the model said."""
    tags = [(id, store.tagged(id)) for id in texts]
    read = [(id, one) for id, one in tags if one is not None]
    if not read:
        return UNTAGGED, {}
    full = [(id, one) for id, one in read if not one.screened]
    if not full:
        best = max(read, key=lambda pair: pair[1].p_event)
        return SCREENED, {"facts": {"article": best[0], "p": f"{best[1].p_event:.2f}"}}
    id, one = max(full, key=lambda pair: _strongest(pair[1])[1])
    type_, p = _strongest(one)
    # An event keeps the first and newest of its texts; one between is read and not found again.
    why = NO_EVENT if p < floor else IN_STORY
    return why, {"facts": {"article": id, "type": type_, "p": f"{p:.2f}"}}


def _strongest(one: TaggedArticle) -> tuple[str, float]:
    return max(((tag.type, tag.probability) for tag in one.tags), key=lambda pair: pair[1],
               default=("", 0.0))  # fmt: skip


def _short_of(
    store: Store, events: Sequence[Event], book: Book
) -> tuple[str, dict[str, object]]:  # fmt: skip
    found = [near for event in events for near in nearest_rules(store, event, book)]
    if not found:
        return CLOSED, {}
    best = min(found, key=lambda one: (bool(one.other), len(one.short), _gap(one), one.rule))
    return NEAREST, {"nearest": best, "facts": {"rule": best.rule}}


def _gap(one: Nearest) -> float:
    return sum(short.gap for short in one.short)


def nearest_rules(store: Store, event: Event, book: Book) -> Iterator[Nearest]:
    """Of every rule that may hold for the event's type: what it lacks."""
    exposures = [one for one in store.exposures(event_id=event.id) if one.firm is None]
    values = book.values(event, exposures)
    for rule in book.rules_for(event):
        if rule.types and event.type not in rule.types and not rule.types & set(event.also):
            continue
        yield lacking(rule, event.id, event.phase, values)


def lacking(rule: Rule, event_id: str, phase: Phase, values: Mapping[str, float]) -> Nearest:
    """What the rule lacks. Pure."""
    short = tuple(
        Short(measure, round(values[measure], 4), limit.raise_at)
        for measure, limit in rule.when.items()
        if values[measure] < limit.raise_at
    )
    other = "phase" if rule.phases and phase.value not in rule.phases else ""
    if rule.stage > 2 and not values["corroborated"]:
        other = other or "corroborated"
    return Nearest(rule.name, int(rule.stage), event_id, short, other)


def texts_of(store: Store, missed: Missed) -> list[tuple[Article, TaggedArticle | None]]:
    """The texts with what the model said of them."""
    found = store.articles([one.article_id for one in missed.texts])
    return [(found[one.article_id], store.tagged(one.article_id)) for one in missed.texts
            if one.article_id in found]  # fmt: skip
