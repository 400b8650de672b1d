"""Doing: an act and all that it changes in one transaction, once for a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.life import ActRefused
from ews.acting.allowed import NotFound, permitted
from ews.acting.steps import OF_AN_ALERT, STEPS
from ews.model import Act, ActKind, Alert, AlertChange, Person
from ews.storage import Store


@dataclass(frozen=True, slots=True)
class Acted:
    act: Act
    change: AlertChange | None = None
    repeated: bool = False  # the key was used before: nothing was done now


def act(
    store: Store,
    person: Person,
    kind: ActKind,
    *,
    alert_id: str | None = None,
    note: str = "",
    detail: Mapping[str, str] | None = None,
    via: str,
    key: str,
    now: datetime,
) -> Acted:
    """Do it, once for a key. NotAllowed, NotFound or ActRefused, and nothing is written, otherwise.

    `detail` by kind: hand_over to= · sign_off, refuse revision= (that was seen) · false_alarm
    reason= · close decision=, outcome=, turned_out= · silence hours=, minutes= or until=, match.<matcher>=,
    stage= · unsilence silence= · plan title=, from=, until=, match.<matcher>= · missed item=,
    when=, link= · resend notification=. `note` is the reason of refuse, clear, silence and unsilence, what was missed, and
    the text of a note. RULES and PEOPLE go through `recorded`.
    """
    if kind not in STEPS:
        raise ActRefused(f"{kind.value} is not done this way", "이 길로는 할 수 없는 일입니다.")
    with store.begin() as tx:
        by = permitted(tx, person, kind)
        alert = _alert(tx, kind, alert_id)
        told = Act(
            Act.make_id(key), kind, by.name, now, via, alert.id if alert else None,
            clean(note, NOTE), _details(detail),
        )  # fmt: skip
        if (done := _done(tx, told)) is not None:
            return Acted(done, repeated=True)
        told, change = STEPS[kind](tx, by, told, alert)
        if change is not None:
            tx.save_changes([change])
        tx.save_act(told)
    return Acted(told, change)


def recorded(
    tx: Store,
    person: Person,
    kind: ActKind,
    *,
    note: str = "",
    detail: Mapping[str, str] | None = None,
    via: str,
    key: str,
    now: datetime,
    own: bool = False,
) -> Act:
    """Permit and keep an act whose work the caller does in the same transaction; `own` is of what
    everybody may do with what is their own."""
    by = person if own else permitted(tx, person, kind)
    made = Act(Act.make_id(key), kind, by.name, now, via, None, clean(note, NOTE), _details(detail))
    if not tx.save_act(made):
        raise ActRefused("this was done already: its key was used before", "이미 한 일입니다.")
    return made


def _done(tx: Store, told: Act) -> Act | None:
    """The act that this key did before. ActRefused when that was another one."""
    done = tx.act(told.id)
    if done is not None and (done.by, done.kind, done.alert_id) != (
        told.by, told.kind, told.alert_id,
    ):  # fmt: skip
        raise ActRefused(
            "this key was used for another act; use a new one",
            "이미 다른 일에 쓴 양식입니다. 화면을 새로 여십시오.",
        )
    return done


NOTE, VALUE = 2_000, 1_000  # letters kept of a note, of a value


def clean(text: str, longest: int) -> str:
    """Text without control characters, bidi marks and half letters; ActRefused when too long."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c == "\n").strip()
    if len(kept) > longest:
        raise ActRefused(
            f"this is longer than {longest:,} letters; make it shorter",
            f"글이 너무 깁니다. {longest:,}자 안으로 줄여 주십시오.",
        )
    return kept


def _details(detail: Mapping[str, str] | None) -> dict[str, str]:
    found = {clean(key, 40): clean(value, VALUE) for key, value in (detail or {}).items()}
    return {key: value for key, value in found.items() if value}


def _alert(tx: Store, kind: ActKind, alert_id: str | None) -> Alert | None:
    if alert_id is None:
        if kind in OF_AN_ALERT:
            raise ActRefused(
                f"{kind.value} needs an alert; `ews alerts` lists them", "어느 경보인지 고르십시오."
            )
        return None
    wrong = NotFound(
        f"no alert {alert_id[:80]!r}; `ews alerts` lists them",
        f"{alert_id[:80]!r}(이)라는 경보가 없습니다.",
    )
    if not alert_id.isprintable():
        raise wrong
    try:
        found = tx.alert(alert_id)
    except ValueError as err:  # several begin with it
        raise NotFound(str(err)) from err
    if found is None:
        raise wrong
    return found
