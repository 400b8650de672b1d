"""Which texts does feedback teach from, with which labels? Proposed here, used once a person accepts.

An act says what was wrong with an alert; the text that led it there is the example. What an act does
not say is left to the person who accepts: `note` of an open example names it (ASKS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ews.model import Act, ActKind, Example, Outcome, TaggedArticle, content_id
from ews.tuning.learning_judged import RIGHT, Judged
from ews.tuning.ledger_people import TURNED_OUT
from nlp.taxonomy import NAMES

STATES = 0.5  # a text states a type that is at least so probable
# What is asked of who accepts.
LABELS_UNREAD = (
    "labels_unread"  # the labels are the model's own: give --labels, or they are not used
)
TYPE_ASKED = "type_asked"  # the right type is not known: --labels is needed
ITEMS_ASKED = "items_asked"  # the right items are not known: --items is needed
CHOICE = "choice"  # one of several texts that may be meant: accepting one puts the others away
ASKS = (LABELS_UNREAD, TYPE_ASKED, ITEMS_ASKED, CHOICE)
RELEVANT: Mapping[str, bool | None] = {
    "not_real": False, "old_news": False, "opinion": False, "too_high": True,
    "wrong_type": None, "wrong_item": None,
}  # fmt: skip


def of_alert(judged: Judged, acts: Sequence[Act], tagged: TaggedArticle | None) -> Example | None:
    """What the newest word on an alert teaches about the text that led it; None: nothing, or no text
    did. A duplicate teaches nothing of its text, a wrong place nothing that a label holds."""
    if judged.lead is None or judged.repeats:
        return None
    said = next((act for act in reversed(acts) if _says(act)), None)
    if said is not None:
        return _of_act(judged, said, tagged)
    return _of_review(judged, tagged)


def _says(act: Act) -> bool:
    return act.kind is ActKind.FALSE_ALARM or TURNED_OUT in act.detail


def _of_act(judged: Judged, act: Act, tagged: TaggedArticle | None) -> Example | None:
    reason = act.detail.get("reason", "")
    if act.kind is not ActKind.FALSE_ALARM:
        return _turned(judged, act.detail[TURNED_OUT], act, tagged)
    if reason not in RELEVANT:
        return None
    labels, asks = stated(tagged), LABELS_UNREAD
    items: tuple[str, ...] = ()
    if reason == "opinion":
        labels, asks = (), ""  # an opinion or a forecast reports no event
    if reason == "wrong_type":
        right = tuple(one for one in act.detail.get("type", "").split(",") if one in NAMES)
        labels, asks = right, "" if right else TYPE_ASKED
    if reason == "wrong_item":
        items = tuple(filter(None, act.detail.get("item", "").split(",")))
        asks = LABELS_UNREAD if items else ITEMS_ASKED
    return _example(judged, act.id, act, labels, RELEVANT[reason], asks, items)


def _turned(
    judged: Judged, outcome: str, act: Act, tagged: TaggedArticle | None
) -> Example | None:  # fmt: skip
    if outcome == Outcome.OPEN or outcome not in set(Outcome):
        return None
    right = Outcome(outcome) in RIGHT
    return _example(judged, act.id, act, stated(tagged), right, LABELS_UNREAD)


def _of_review(judged: Judged, tagged: TaggedArticle | None) -> Example | None:
    held = judged.resolution
    if held is None or judged.lead is None:
        return None
    made = Example(
        example_id(judged.lead.signal_id, held.id), judged.lead.signal_id, stated(tagged),
        not judged.wrong, held.id, held.at, judged.alert.id, note=LABELS_UNREAD,
    )  # fmt: skip
    return made


def _example(
    judged: Judged,
    source: str,
    act: Act,
    labels: tuple[str, ...],
    relevant: bool | None,
    asks: str,
    items: tuple[str, ...] = (),
) -> Example:
    assert judged.lead is not None
    article = judged.lead.signal_id
    return Example(
        example_id(article, source), article, labels, relevant, source, act.at, judged.alert.id,
        items, note=asks,
    )  # fmt: skip


def of_missed(act: Act, texts: Sequence[tuple[str, TaggedArticle | None]], items: Sequence[str],
              certain: bool) -> list[Example]:  # fmt: skip
    """What a report of a missed alert teaches: each text that may be meant, `certain` when it is the
    one that was named."""
    asks = LABELS_UNREAD if certain else CHOICE
    return [
        Example(example_id(id, act.id), id, stated(tagged), True, act.id, act.at, "",
                tuple(items), note=asks)
        for id, tagged in texts
    ]  # fmt: skip


def example_id(article: str, source: str) -> str:
    return content_id("exa", article, source)


def stated(tagged: TaggedArticle | None) -> tuple[str, ...]:
    """Types that the model says the text reports."""
    if tagged is None:
        return ()
    return tuple(tag.type for tag in tagged.tags if tag.probability >= STATES)
