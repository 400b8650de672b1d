"""Which changes of the rules does feedback speak for, and what becomes of them? For every face.

No rule moves by itself: a suggestion waits until a named analyst accepts it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerts.rulebook import read_book
from ews.acting import NotFound, permitted
from ews.model import ActKind, Person, ProposalState, Suggestion
from ews.storage import Store
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate, Period
from ews.tuning.learning_judged import judged_of, peaks_of
from ews.tuning.learning_suggestions import suggestions
from ews.tuning.learning_teaching import decided_before, misses, reasoned
from ews.tuning.learning_trials import trials
from ews.tuning.rules import Changer


def suggest(desk: Desk, now: datetime, period: Period | None = None) -> list[Suggestion]:
    """Work out what feedback speaks for, under the rules in force, over the period (default: of the
    last replay, else the last 180 days); kept until a person decides."""
    store, base = desk.store, desk.base(now)
    period = period or desk.period(now)
    judged = judged_of(store, now, period.since, period.until)
    reports = misses(store, now, base)
    if not any(one.against for one in judged) and not reports:
        return []
    trial = trials(desk, base.version, period, judged)
    earlier = store.suggestions()
    found = suggestions(
        judged, reports, read_book(base), trial, earlier, now, peaks_of(store, judged)
    )
    known = {one.id: one for one in earlier}
    for one in found:
        if one.id not in known or _differ(one, known[one.id]):
            store.save_suggestion(one)
    return found


def _differ(one: Suggestion, before: Suggestion) -> bool:
    return (one.changes, one.facts, one.acts) != (before.changes, before.facts, before.acts)


def accept_suggestion(
    desk: Desk, id: str, changer: Changer, now: datetime, *, rebase: bool = False
) -> Suggestion:
    """Save the change as a new version that names the suggestion, in force at once. RulesConflict
    when somebody saved since it was worked out, FailingCases when rule tests fail."""
    store = desk.store
    one = _open_suggestion(store, id)
    permitted(store, changer.person, ActKind.RULES)
    name = f"suggestion {one.id}"
    saved = next((rules for rules in store.rulesets() if rules.name == name), None)
    if saved is None:  # else it was saved, and the process ended before this was written down
        saved = desk.save(
            Candidate(int(one.facts["base"]), {k: str(v) for k, v in one.changes.items()}),
            name=name, reason=reason_of(one), now=now, changer=changer, rebase=rebase,
        )  # fmt: skip
    done = replace(one, state=ProposalState.ACCEPTED, decided_by=changer.person.name,
                   decided_at=now, ruleset=saved.version)  # fmt: skip
    store.save_suggestion(done)
    return done


def reason_of(one: Suggestion) -> str:
    """Why, as it is kept with the version."""
    facts = one.facts
    if one.why == "missed":
        return (f"{one.id}: a missed alert lacked {facts['measure']} {facts['value']} < "
                f"{facts['needed']} of {facts['rule']}")  # fmt: skip
    return (f"{one.id}: {facts['against']} of {facts['judged']} judged alerts of "
            f"{facts['subject']} were called wrong; drops {facts['drops_wrong']} of them")  # fmt: skip


def reject_suggestion(
    store: Store, id: str, person: Person, now: datetime, reason: str
) -> Suggestion:
    """It is not made again unless twice as many acts speak for it."""
    with store.begin() as tx:
        by = permitted(tx, person, ActKind.RULES).name
        reasoned(reason)
        one = _open_suggestion(tx, id)
        done = replace(one, state=ProposalState.REJECTED, decided_by=by, decided_at=now,
                       note=reason.strip())  # fmt: skip
        tx.save_suggestion(done)
    return done


def find_suggestion(store: Store, id: str) -> Suggestion:
    """By id or a unique beginning of it."""
    alike = [one for one in store.suggestions() if id and one.id.startswith(id)]
    if len(alike) != 1:
        raise NotFound(f"no suggestion {id[:40]!r}, or several; `ews learn suggestions` lists them",
                       f"{id[:40]!r}: 그런 제안이 없거나 여럿입니다.")  # fmt: skip
    return alike[0]


def _open_suggestion(store: Store, id: str) -> Suggestion:
    one = find_suggestion(store, id)
    if one.state is not ProposalState.OPEN:
        raise decided_before(one.state, one.decided_by)
    return one
