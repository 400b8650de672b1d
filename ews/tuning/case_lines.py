"""Which cases are there, and what does each say? One line and one full row for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ews.acting import NotFound
from ews.model import Case
from ews.storage import Store
from ews.tuning import cases
from ews.tuning.casebook import shipped_rows, tables


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list."""

    id: str
    kind: str  # crisis | quiet | case
    en: str
    ko: str
    onset: str
    event_type: str
    severity: int | None
    expected_stage: str
    added_by: str  # "" shipped
    added_at: datetime | None
    alert_id: str
    withdrawn_at: datetime | None


def case_lines(store: Store, own: bool = True, withdrawn: bool = False) -> list[CaseLine]:
    """The shipped crises, the quiet weeks and, with `own`, what analysts keep; oldest first."""
    lines = [_line(row, "crisis") for row in shipped_rows()]
    lines += [
        CaseLine(name, "quiet", f"Quiet week {day}", f"조용한 주 {day}", day, "", None, "", "", None,
                 "", None)
        for name in cases.quiet() for day in (cases.facts(name)[0].row[:10],)
    ]  # fmt: skip
    kept = [one for one in store.cases() if own and (withdrawn or one.withdrawn_at is None)]
    return [*lines, *(_line(one.body, "case", one) for one in kept)]


def case_row(store: Store, id: str, own: bool = True) -> Mapping[str, object]:
    """The full row of a crisis or an analyst's case. NotFound names the cases there are."""
    row: Mapping[str, object] | None = next((r for r in shipped_rows() if r["id"] == id), None)
    if row is not None:
        told = tables()[id]
        return {**row, "reactions": told["reactions"], "reality": told["reality"]}
    case = store.case(id) if own else None
    if case is not None:
        return {**case.body, "added_by": case.added_by, "added_at": case.added_at,
                "alert_id": case.alert_id, "withdrawn_at": case.withdrawn_at}  # fmt: skip
    known = [line.id for line in case_lines(store, own) if line.kind != "quiet"]
    raise NotFound(f"no case {id[:64]!r}; there are: {', '.join(known[:30])}",
                   f"{id[:64]!r}(이)라는 사례가 없습니다. 있는 사례: {', '.join(known[:30])}")  # fmt: skip


def _line(row: Mapping[str, object], kind: str, case: Case | None = None) -> CaseLine:
    return CaseLine(
        str(row["id"]), kind, str(row["name_en"]), str(row["name_ko"]), str(row["onset"])[:10],
        str(row["event_type"]), int(str(row["severity"])), str(row["expected_stage"]),
        case.added_by if case else "", case.added_at if case else None,
        case.alert_id if case else "", case.withdrawn_at if case else None,
    )  # fmt: skip
