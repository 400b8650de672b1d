"""Which receivers hear, once a month, of items that grow vulnerable while nobody watches them?

A line of the digest, never an alert. What it says was noted by the turn that computed the month
(ews.watching); those who see everything are told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from alerts.words import say
from ews.model import BulletinPart, Receiver
from ews.storage import Store

NOTED = "watch.unwatched"  # keys of the store: the newest month's line, written by ews.watching
TOLD = "watch.told"  # receiver -> the month that its digest told last


@dataclass(frozen=True, slots=True)
class Unwatched:
    """The blind spots of a month, as one line tells them."""

    month: str  # 2026-09
    count: int
    en: tuple[str, ...]  # the first few, by name
    ko: tuple[str, ...]
    synthetic: bool


def newest_unwatched(store: Store) -> Unwatched | None:
    """The line of the newest month that has one."""
    said = json.loads(store.get(NOTED) or "null")
    if not isinstance(said, dict):
        return None
    names = {lang: tuple(said[lang]) for lang in ("en", "ko")}
    return Unwatched(said["month"], said["count"], names["en"], names["ko"], said["synthetic"])


def unwatched_part(tx: Store, receiver: Receiver, link: str) -> tuple[BulletinPart, ...]:
    """What the receiver's digest says of it; nothing when it was told or is not for them. In the
    transaction that keeps the digest, so that it is told once."""
    line = newest_unwatched(tx)
    if line is None or not line.count or receiver.items or receiver.sectors or receiver.ministries:
        return ()
    told = json.loads(tx.get(TOLD) or "{}")
    if told.get(receiver.name, "") >= line.month:
        return ()
    tx.put(TOLD, json.dumps({**told, receiver.name: line.month}, ensure_ascii=False))
    lang = receiver.lang
    names = line.ko if lang == "ko" else line.en
    rest = line.count - len(names)
    text = say(
        "digest.unwatched_line", lang, n=line.count, month=line.month,
        names="; ".join(names) + (say("digest.unwatched_more", lang, n=rest) if rest else ""),
        made_up=say("digest.unwatched_made_up", lang) if line.synthetic else "",
    )  # fmt: skip
    at = f"{link.rstrip('/')}/watch/blind-spots" if link else ""
    return (BulletinPart(say("digest.unwatched", lang), (text,), (at,)),)
