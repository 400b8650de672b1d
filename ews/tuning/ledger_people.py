"""What do people's acts say of how an alert turned out?

Reasons of a false alarm: not_real, opinion and old_news say that it was no present happening
(false); duplicate leaves it to the alert of the same happening that came first; too_high says that
it was real (true); wrong_item, wrong_place and wrong_type say that a part was wrong, not whether it
happened, and decide nothing. A close or a note decides only where it says how it turned out
(`turned_out`): a free text is not read as one. Clearing says that it is over, not that it was so.
"""

from __future__ import annotations

from collections.abc import Mapping

from ews.model import Act, ActKind, Basis, Outcome, Proof
from ews.tuning.ledger_known import Found, Known

TURNED_OUT = "turned_out"  # detail of a CLOSE or a NOTE: an Outcome
OF_REASON: Mapping[str, Outcome] = {
    "not_real": Outcome.FALSE,
    "opinion": Outcome.FALSE,
    "old_news": Outcome.FALSE,
    "too_high": Outcome.TRUE,
}
DUPLICATE = "duplicate:"  # how the note of a resolution names the twin


def by_people(known: Known) -> list[Found]:
    """One outcome for each act that says one, oldest first."""
    return [found for act in known.acts if (found := _of_act(act, known)) is not None]


def _of_act(act: Act, known: Known) -> Found | None:
    outcome, note = _said(act), ""
    if act.kind is ActKind.FALSE_ALARM and act.detail.get("reason") == "duplicate":
        outcome, note = known.twin_outcome, f"{DUPLICATE}{known.twin}"
    if outcome is None:
        return None
    return Found(outcome, Basis.FEEDBACK, act.at, (_proof(act),), act.by, note, act.id)


def _said(act: Act) -> Outcome | None:
    if act.kind is ActKind.FALSE_ALARM:
        return OF_REASON.get(act.detail.get("reason", ""))
    said = act.detail.get(TURNED_OUT, "")
    if said not in set(Outcome):
        return None
    # Prevented needs the action in writing, which a close always has.
    if said == Outcome.PREVENTED and act.kind is not ActKind.CLOSE:
        return None
    return Outcome(said)


def _proof(act: Act) -> Proof:
    what = act.detail.get("reason") or act.detail.get(TURNED_OUT, "")
    return Proof("act", act.id, act.at, f"{act.kind.value}:{what}")
