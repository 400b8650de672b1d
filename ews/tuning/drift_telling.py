"""Which drift is new, and what are the operators told of it? Once for each finding, in words."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.digests import carry
from alerts.routing import Routes
from alerts.words import say
from ews.model import Bulletin, BulletinKind, BulletinPart, Receiver, content_id
from ews.storage import StaleLeader, Store
from ews.tuning.drift import Drift, drift
from ews.tuning.drift_tests import Test
from ews.tuning.learning_teaching import gather
from nlp.taxonomy import TYPES

log = logging.getLogger(__name__)

LOOKED = "drift.looked_at"  # keys of the store
STANDING = "drift.standing"  # finding -> when it was found last
EVERY = timedelta(days=1)
FORGOTTEN = timedelta(days=28)  # a finding that was away for so long is told again
POLL_S = 300.0
SHOWN = 20  # lines of one bulletin


def look(store: Store, routes: Routes, now: datetime) -> Drift | None:
    """Once a day: look, and tell the operators of what was not found before. None: not due."""
    last = store.get(LOOKED)
    if last is not None and now - datetime.fromisoformat(last) < EVERY:
        return None
    found = drift(store, now)
    with store.begin() as tx:
        known = json.loads(tx.get(STANDING) or "{}")
        new = [one for one in found.findings if is_new(one, known, now)]
        told = [(bulletin(one, new, found, now), one) for one in routes.receivers if one.operator]
        if new and told:
            tx.save_bulletins(
                [one for one, _ in told], [carry(one, receiver) for one, receiver in told]
            )
        kept = {name: at for name, at in known.items() if not _old(at, now)}
        kept |= {key(one): now.isoformat() for one in found.findings}
        tx.put(STANDING, json.dumps(kept, ensure_ascii=False))
        tx.put(LOOKED, now.isoformat())
    if new:
        log.warning("drift: %s", "; ".join(sentence(one, "en") for one in new))
    return found


def key(test: Test) -> str:
    return f"{test.subject} {test.kind}"


def is_new(test: Test, known: Mapping[str, str], now: datetime) -> bool:
    same = [key(test)]
    if test.kind == "fewer":  # whoever was told that it is silent knows
        same.append(f"{test.subject} silent")
    return all(name not in known or _old(known[name], now) for name in same)


def _old(at: str, now: datetime) -> bool:
    return now - datetime.fromisoformat(at) >= FORGOTTEN


def bulletin(receiver: Receiver, new: Sequence[Test], found: Drift, now: datetime) -> Bulletin:
    lang = receiver.lang
    last = found.until - timedelta(days=1)
    lines = [sentence(one, lang) for one in new[:SHOWN]]
    if len(new) > SHOWN:
        lines.append(f"+ {len(new) - SHOWN}")
    window = say("drift.what", lang, since=f"{found.since:%m-%d}", until=f"{last:%m-%d}")
    return Bulletin(
        content_id("bul", "drift", receiver.name, now.date(), *map(key, new)),
        BulletinKind.OPERATOR, receiver.name, lang, now, say("drift.title", lang, n=len(new)),
        (BulletinPart(window, tuple(lines)),
         BulletinPart(say("drift.to_do_label", lang), (say("drift.to_do", lang),))),
    )  # fmt: skip


def sentence(test: Test, lang: str) -> str:
    """One finding in words."""
    facts = {"name" if name == "key" else name: value for name, value in test.facts.items()}
    if (type_ := TYPES.get(facts.get("name", ""))) is not None:
        facts["name"] = type_.label(lang)
    if test.kind in ("scores", "mix", "share"):
        facts["what"] = subject(test, lang)
    if test.kind in ("mix", "share"):
        facts |= {name: f"{float(facts[name]):.0%}" for name in ("before", "after")}
    past = "-" if test.past is None else f"{test.past:.2f}"
    return say(f"drift.{test.kind}", lang, effect=f"{test.effect:.2f}", past=past, **facts)


def subject(test: Test, lang: str) -> str:
    """What was tested, in words; of a source its name."""
    kind, _, name = test.subject.partition(":")
    return name if kind == "source" else say(f"drift_of.{name}", lang)


def watching(
    store: Store, routes: Routes, clock: Callable[[], datetime]
) -> Callable[[threading.Event], None]:
    """A task beside the cycles that gathers what people said and looks for drift, once a day for as
    long as this process leads."""

    def task(over: threading.Event) -> None:
        while not over.is_set():
            try:
                if look(store, routes, clock()) is not None:
                    gather(store, clock())
            except StaleLeader:
                raise
            except Exception:
                log.exception("drift could not be looked for; the next turn does it")
            over.wait(POLL_S)

    return task
