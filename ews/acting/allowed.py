"""Who may do what: one table of roles and acts, and the person behind a viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ews.model import ActKind, Person, utc
from ews.storage import Store


class NotFound(LookupError):
    """What was asked for does not exist; the message says what to do."""


class NotAllowed(PermissionError):
    """Who asks may not do this; the message says who may."""


class Named(Protocol):
    """A viewer, as far as acting needs one."""

    @property
    def person(self) -> str | None: ...


_K = ActKind
_CARE = frozenset({
    _K.ACKNOWLEDGE, _K.HAND_OVER, _K.SILENCE, _K.UNSILENCE, _K.FALSE_ALARM, _K.MISSED, _K.CLEAR,
    _K.CLOSE, _K.NOTE,
})  # fmt: skip
SIGNING = frozenset({_K.SIGN_OFF, _K.REFUSE})  # besides the role, `Person.signs` is needed
MAY: Mapping[str, frozenset[ActKind]] = {
    "official": _CARE | SIGNING,
    "analyst": _CARE | {_K.RULES, _K.PLAN},
    "firm": frozenset({_K.FALSE_ALARM, _K.MISSED}),  # as a word to us: it changes no alert
    "operator": frozenset(ActKind),
}
# The operator of the machine as long as no person is an operator: may make people, nothing else.
MACHINE = Person("per-machine", "operator of the machine", "operator", utc("2000-01-01"))


def refusal(person: Person, kind: ActKind) -> str:
    """Why this person may not do this; "" when they may."""
    if person.disabled_at is not None:
        return f"{person.name} is disabled; an operator can change that (ews people change)"
    if kind not in MAY.get(person.role, frozenset()):
        roles = ", ".join(role for role, kinds in MAY.items() if kind in kinds)
        return f"{kind.value} is not for a person of role {person.role}; it is for: {roles}"
    if kind in SIGNING and not person.signs:
        return (
            f"{person.name} may not sign; an operator can change that (ews people change --signs)"
        )
    return ""


def person_of(store: Store, viewer: Named) -> Person:
    """The person who looks. NotAllowed for a viewer that names nobody."""
    found = store.person(name=viewer.person) if viewer.person else None
    if found is None:
        raise NotAllowed("this viewer names nobody, so nothing can be done in its name; ask the "
                         "operator for a token of your own (ews people token NAME)")  # fmt: skip
    return found


def permitted(tx: Store, person: Person, kind: ActKind) -> Person:
    """The person as they stand now. NotAllowed when they may not do this."""
    if person == MACHINE:
        if kind is not ActKind.PEOPLE or _has_operator(tx):
            raise NotAllowed("say who does it: --by NAME, a person of role operator")
        return person
    now = tx.person(name=person.name)
    if now is None or now.id != person.id:
        raise NotAllowed(f"nobody is called {person.name!r} here; `ews people list` lists people")
    if why := refusal(now, kind):
        raise NotAllowed(why)
    return now


def _has_operator(tx: Store) -> bool:
    return any(one.role == "operator" and one.disabled_at is None for one in tx.people())
