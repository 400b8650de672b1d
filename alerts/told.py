"""What does each receiver know of each alert? Read from what was sent and held before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ews.model import ChangeKind, Notification, RouteReason, Stage

ENDS = frozenset({ChangeKind.RESOLVED, ChangeKind.RETRACTED})
# A person is called by these; the clock of an acknowledgement runs from the newest.
CALLS = frozenset({
    ChangeKind.RAISED, ChangeKind.STAGE_UP, ChangeKind.REOPENED, ChangeKind.PROPOSED,
    ChangeKind.HANDED_OVER,
})  # fmt: skip
JOINED = "the routes name this receiver now"  # reason of a change for a receiver that is new to it


@dataclass(frozen=True, slots=True)
class Word:
    """What one receiver knows of one alert, and what was held back since its last message."""

    posts: int = 0
    highest: Stage | None = None  # highest stage it was told
    last_post: datetime | None = None
    open: bool = False  # it was told, and has not been told of the end
    held: tuple[Notification, ...] = ()  # since the last post, oldest first
    called: Notification | None = None  # newest message that asks somebody to act
    escalated: tuple[Notification, ...] = ()  # since then, oldest first

    @property
    def known(self) -> bool:
        return self.posts > 0


NOTHING = Word()


@dataclass(frozen=True, slots=True)
class Told:
    """Words by (alert id, receiver); a pair that is not there was told nothing."""

    words: Mapping[tuple[str, str], Word]

    def of(self, alert_id: str, receiver: str) -> Word:
        return self.words.get((alert_id, receiver), NOTHING)


def told_of(notifications: Iterable[Notification], dead: Collection[str] = ()) -> Told:
    """What everybody knows after these notifications, in any order. `dead` names those (by id) that
    a channel refused for good: nobody read them."""
    words: dict[tuple[str, str], Word] = defaultdict(Word)
    for one in sorted(notifications, key=lambda n: (n.at, n.alert_revision)):
        if one.bulletin is None and one.id not in dead:
            pair = (one.alert_id, one.receiver)
            words[pair] = heard(words[pair], one)
    return Told(dict(words))


def heard(word: Word, one: Notification) -> Word:
    """The word after one more notification. One that posts nothing tells nothing."""
    if one.edit:
        return word
    if not one.reason.sent:
        held = (*word.held, one)
        return Word(
            word.posts, word.highest, word.last_post, word.open, held, word.called, word.escalated
        )  # not dataclasses.replace: this runs for everything that is held
    escalates = one.change is ChangeKind.ESCALATED
    asks = one.change in CALLS or one.reason is RouteReason.FIRST or not word.known
    calls = asks or (bool(one.mentions) and not escalates)  # also what was held back and asks now
    stage = one.stage or Stage.WATCH
    return Word(
        posts=word.posts + 1,
        highest=max(stage, word.highest or stage),
        last_post=one.at,
        open=one.change not in ENDS,
        called=one if calls else word.called,
        escalated=() if calls else (*word.escalated, one) if escalates else word.escalated,
    )
