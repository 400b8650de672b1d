"""What readers judged afterwards, and what a person says of an alert: brought into the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alerts.life import ActRefused
from ews.acting import Acted, act, recorded
from ews.model import ActKind, Basis, Outcome, Person, Proof, Resolution, content_id
from ews.storage import Store
from ews.tuning.ledger_people import TURNED_OUT
from ews.tuning.ledger_settling import settle
from ews.tuning.verdicts import Verdicts, read_verdicts


@dataclass(frozen=True, slots=True)
class Imported:
    """What a verdict file brought."""

    true: int
    false: int
    unsure: int  # no majority: decides nothing
    unknown: int  # no alert of this home
    new: int  # decisions that were not there
    annotators: int
    agreement: float | None  # share of alerts with several annotators on which all agree


def import_verdicts(
    store: Store, path: Path, person: Person, now: datetime, via: str, key: str
) -> Imported:
    """Keep the majority of a verdict file as outcomes (basis: review) under the name of who brings
    it. The same file again changes nothing. VerdictFileError names a line that cannot be read."""
    verdicts = read_verdicts(path)
    file = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    with store.begin() as tx:
        ids = {alert.id for alert in tx.alerts()}
        made = [
            _reviewed(id, real, verdicts, file, person, now)
            for id, real in sorted(verdicts.decided.items())
            if id in ids
        ]
        known = {one.id for one in tx.resolutions([one.alert_id for one in made])}
        new = [one for one in made if one.id not in known]
        if new:
            recorded(
                tx, person, ActKind.NOTE, note=f"verdicts: {path.name}",
                detail={"file": file, "alerts": str(len(new))}, via=via, key=key, now=now,
            )  # fmt: skip
        written = tx.save_resolutions(new)
    return Imported(
        true=sum(one.outcome is Outcome.TRUE for one in made),
        false=sum(one.outcome is Outcome.FALSE for one in made),
        unsure=len(verdicts.unsure),
        unknown=len(verdicts.all_ids - ids),
        new=written,
        annotators=len(verdicts.annotators),
        agreement=verdicts.agreement,
    )


def _reviewed(
    alert_id: str, real: bool, verdicts: Verdicts, file: str, person: Person, now: datetime
) -> Resolution:
    outcome = Outcome.TRUE if real else Outcome.FALSE
    says = f"verdict:{'real' if real else 'not_real'};of={len(verdicts.annotators)}"
    return Resolution(
        content_id("res", alert_id, Basis.REVIEW, file, outcome), alert_id, outcome, now,
        Basis.REVIEW, person.name, (Proof("verdict", f"{file}#{alert_id}", now, says),),
    )  # fmt: skip


def turned_out(
    store: Store,
    person: Person,
    alert_id: str,
    outcome: Outcome,
    reason: str,
    now: datetime,
    via: str,
    key: str,
    detail: dict[str, str] | None = None,
) -> Acted:
    """A person says how an alert turned out; it holds over every other basis. `open` says that
    nobody can say. ActRefused without a reason, and for prevented, which needs the action."""
    if outcome is Outcome.PREVENTED:
        raise ActRefused(
            "prevented needs the action in writing: ews close ALERT --decision ... --outcome ... "
            "--turned-out prevented",
            "막았다고 하려면 조치를 적어야 합니다. 결정·결과 적기에서 '막음'을 고르십시오.",
        )
    done = act(
        store, person, ActKind.NOTE, alert_id=alert_id, note=reason,
        detail={**(detail or {}), TURNED_OUT: outcome.value}, via=via, key=key, now=now,
    )  # fmt: skip
    settle(store, now, [done.act.alert_id or alert_id])
    return done
