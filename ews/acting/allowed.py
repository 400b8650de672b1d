"""Who may do what: one table of roles and acts, and the person behind a viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from alerts.words import Bilingual
from ews.model import ActKind, Person, utc
from ews.storage import Store


class NotFound(Bilingual, LookupError):
    """What was asked for does not exist; the message says what to do."""


class NotAllowed(Bilingual, PermissionError):
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


ROLES_KO = {"official": "공무원", "analyst": "분석가", "firm": "기업", "operator": "운영자"}


def refusal(person: Person, kind: ActKind, lang: str = "en") -> str:
    """Why this person may not do this; "" when they may."""
    korean = lang == "ko"
    if person.disabled_at is not None:
        return (
            f"{person.name} 님은 사용 중지되었습니다. 운영자가 바꿀 수 있습니다."
            if korean
            else f"{person.name} is disabled; an operator can change that (ews people change)"
        )
    if kind not in MAY.get(person.role, frozenset()):
        roles = [role for role, kinds in MAY.items() if kind in kinds]
        return (
            f"이 일은 {', '.join(ROLES_KO[role] for role in roles)}이(가) 할 수 있습니다."
            if korean
            else f"{kind.value} is not for a person of role {person.role}; it is for: "
            + ", ".join(roles)
        )
    if kind in SIGNING and not person.signs:
        return (
            f"{person.name} 님에게는 서명 권한이 없습니다. 운영자가 줄 수 있습니다."
            if korean
            else f"{person.name} may not sign; an operator can change that (ews people change "
            "--signs)"
        )
    return ""


def person_of(store: Store, viewer: Named) -> Person:
    """The person who looks. NotAllowed for a viewer that names nobody."""
    found = store.person(name=viewer.person) if viewer.person else None
    if found is None:
        raise NotAllowed(
            "this viewer names nobody, so nothing can be done in its name; ask the operator for a "
            "token of your own (ews people token NAME)",
            "이름이 없는 토큰으로는 아무것도 할 수 없습니다. 운영자에게 본인의 토큰을 청하십시오.",
        )
    return found


def permitted(tx: Store, person: Person, kind: ActKind) -> Person:
    """The person as they stand now. NotAllowed when they may not do this."""
    if person == MACHINE:
        if kind is not ActKind.PEOPLE or _has_operator(tx):
            raise NotAllowed(
                "say who does it: --by NAME, a person of role operator",
                "누가 하는지 이름을 대십시오. 운영자여야 합니다.",
            )
        return person
    now = tx.person(name=person.name)
    if now is None or now.id != person.id:
        raise NotAllowed(
            f"nobody is called {person.name!r} here; `ews people list` lists people",
            f"{person.name!r}(이)라는 사람이 없습니다.",
        )
    if why := refusal(now, kind):
        raise NotAllowed(why, refusal(now, kind, "ko"))
    return now


def _has_operator(tx: Store) -> bool:
    return any(one.role == "operator" and one.disabled_at is None for one in tx.people())
