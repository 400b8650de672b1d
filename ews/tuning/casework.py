"""How does an analyst keep a reference case? From a file, an alert or a report of a missed one.

A case is never deleted: it is withdrawn, and who did what stands in the audit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from alerts.words import Bilingual
from ews.acting import NotFound, permitted
from ews.model import ActKind, Alert, Case, Person
from ews.storage import Store
from ews.tuning import cases
from ews.tuning.case_fields import full, missing
from ews.tuning.casebook import file_rows, kept, shipped_rows
from ews.tuning.references import WINDOW_DAYS
from ews.tuning.timeline_reading import hs_of, names_of

LINKS = 30  # of an alert's evidence that a case keeps


class CaseRefused(Bilingual, ValueError):
    """A case that cannot be kept; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps cases: a named person, or a plain name in a home where nobody is known yet."""

    name: str
    person: Person | None = None

    def check(self, tx: Store) -> str:
        """The name. NotAllowed for a person who may not change rules: cases judge the rules."""
        if self.person is None and not tx.people():
            if not self.name.strip():
                raise CaseRefused("say who keeps it: --by NAME", "누가 하는지 이름을 적으십시오.")
            return self.name.strip()
        if self.person is None:
            raise CaseRefused("say who keeps it: --by NAME, an analyst of `ews people list`",
                              "누가 하는지 분석가의 이름을 대십시오.")  # fmt: skip
        return permitted(tx, self.person, ActKind.RULES).name


def add_case(
    store: Store, row: Mapping[str, object], who: Keeper, now: datetime, alert_id: str = ""
) -> Case:
    """Keep a new case. CaseFieldError, CaseRefused or NotAllowed, and nothing kept, otherwise."""
    with store.begin() as tx:
        by = who.check(tx)
        body = full(row)
        _check_new(tx, str(body["id"]))
        case = Case(str(body["id"]), body, by, now, alert_id)
        tx.save_case(case, by, now)
    return case


def edit_case(
    store: Store, id: str, changes: Mapping[str, object], who: Keeper, now: datetime
) -> Case:
    """Change fields of a case; an empty value takes a field away."""
    with store.begin() as tx:
        by = who.check(tx)
        case = find_kept(tx, id)
        row = {**case.body, **changes, "id": case.id}
        if not changes.keys() & {"match_window"} and changes.keys() & WINDOWED:
            row.pop("match_window", None)  # worked out anew
        body = full({key: value for key, value in row.items() if value not in ("", None, [])})
        changed = replace(case, body=body)
        tx.save_case(changed, by, now)
    return changed


WINDOWED = {"onset", "reference_time", "end", "first_weak_signal", "event_type"}


def withdraw_case(store: Store, id: str, who: Keeper, now: datetime) -> Case:
    """Take a case out of what alerts are held against; it stays on record."""
    with store.begin() as tx:
        by = who.check(tx)
        case = replace(find_kept(tx, id), withdrawn_at=now)
        tx.save_case(case, by, now)
    return case


def import_cases(store: Store, files: Sequence[Path], who: Keeper, now: datetime) -> list[Case]:
    """Keep every episode of the files, all or none. The message of what is wrong names file, line
    and field."""
    with store.begin() as tx:
        by = who.check(tx)
        made = []
        for file in files:
            for where, row in file_rows(file):
                body = full(row, where)
                _check_new(tx, str(body["id"]), where)
                case = Case(str(body["id"]), body, by, now)
                tx.save_case(case, by, now)
                made.append(case)
    return made


def exported(store: Store) -> str:
    """The cases of the store as JSON Lines, as `import_cases` reads them."""
    return "".join(json.dumps(one.body, ensure_ascii=False) + "\n" for one in kept(store))


def find_kept(store: Store, id: str) -> Case:
    """The case of that id that is not withdrawn. NotFound names the cases there are."""
    case = store.case(id)
    if case is None or case.withdrawn_at is not None:
        known = ", ".join(one.id for one in kept(store)[:20])
        raise NotFound(f"no case {id[:64]!r} is kept here; " + (f"there are: {known}" if known else
                       "`ews case list` lists what there is, `ews case add` keeps one"),
                       f"{id[:64]!r}(이)라는 사례가 없습니다.")  # fmt: skip
    return case


def _check_new(tx: Store, id: str, where: str = "") -> None:
    ours = {str(row["id"]) for row in shipped_rows()} | set(cases.quiet())
    at = f"{where}: " if where else ""
    if id in ours:
        raise CaseRefused(f"{at}{id} is a shipped case; use another id",
                          f"{at}{id}: 기본으로 든 사례의 이름입니다. 다른 이름을 쓰십시오.")  # fmt: skip
    if tx.case(id) is not None:
        raise CaseRefused(
            f"{at}there is a case {id} already; `ews case edit {id}` changes it, and the name of a "
            "withdrawn one is not used again",
            f"{at}{id}: 이미 쓴 이름입니다. 고치려면 ews case edit, 새로 만들려면 다른 이름을 쓰십시오.",
        )


# --------------------------------------------------------------------------- drafts


@dataclass(frozen=True, slots=True)
class Draft:
    """A case that is begun: what could be filled in, and what only a person can say."""

    row: Mapping[str, object]
    missing: tuple[str, ...]
    alert_id: str = ""


def draft(
    row: Mapping[str, object], given: Mapping[str, object] | None = None, alert_id: str = ""
) -> Draft:
    said = {key: value for key, value in (given or {}).items() if value not in (None, "", [])}
    made = {**row, **said}
    lacking = missing(made)
    if not (made.get("name_en") or made.get("name_ko")):
        lacking = (*lacking, "name_en")
    return Draft(made, lacking, alert_id)


def from_alert(store: Store, alert: Alert, given: Mapping[str, object]) -> Draft:
    """A case from an alert: type, places, goods, names and links are the alert's; severity, stage
    and reference time are for a person to say. The first evidence is offered as the onset."""
    events = store.events_of((alert.event_id, *alert.members))
    evidence = sorted(
        {e.signal_id: e for event in events.values() for e in event.evidence}.values(),
        key=lambda e: (e.available_at, e.signal_id),
    )
    firms = [firm for event in events.values() for firm in event.firms]
    names = [name for code in alert.chokepoints for name in names_of("chokepoint", code)[:1]]
    names += [name for code in alert.ports for name in names_of("port", code)[:1]]
    goods = [item for item in alert.items if hs_of(item)]
    links = [e.url for e in evidence if e.url.startswith("http")]
    first = evidence[0].observed_at or evidence[0].available_at if evidence else alert.raised_at
    row: dict[str, object] = {
        "event_type": alert.type if alert.type in WINDOW_DAYS else "",
        "onset": first.date().isoformat(), "countries": list(alert.countries), "items": goods,
        "names": list(dict.fromkeys((*names, *firms))),
        "links": list(dict.fromkeys(links))[:LINKS],
    }  # fmt: skip
    return draft(row, given, alert.id)


def from_missed(store: Store, act_id: str, given: Mapping[str, object]) -> Draft:
    """A case from a report that no alert came. NotFound unless the act is such a report."""
    act = store.act(act_id)
    if act is None or act.kind is not ActKind.MISSED:
        raise NotFound(
            f"{act_id[:64]!r} is no report of a missed alert (`ews missed` prints the id)",
            f"{act_id[:64]!r}: 놓친 경보 신고가 아닙니다.",
        )
    item, when = act.detail.get("item", ""), act.detail.get("when", "")
    link = act.detail.get("link", "")
    row: dict[str, object] = {
        "items": [item] if hs_of(item) else [],
        "hs": [item] if re.fullmatch(r"\d{4}|\d{6}", item) else [],
        "onset": when[:10], "reference_time": when, "note": act.note[:500],
        "links": [link] if link.startswith(("https://", "http://")) else [],
    }  # fmt: skip
    return draft(row, given)


TEMPLATE = """\
# A reference case: what should have been told, and when. `ews case add FILE.toml` keeps it.
# Lines with # may stay away. Every field is explained in docs/cases.md.

id = "2026-example"                     # a-z, 0-9, - and _
name_ko = ""                            # at least one of the two names
name_en = ""
event_type = "export_restriction"       # docs/event-types.md
# event_type_also = ["price_shock"]     # other types a careful analyst could give
onset = 2026-01-05                      # day it happened or was announced
reference_time = 2026-01-05T03:00:00Z   # first report that makes its meaning for supply clear
# first_weak_signal = 2025-12-01        # an earlier hint, if there was one
countries = ["CN"]                      # ISO 3166 codes, EU for the Union
items = ["urea"]                        # our items, or: hs = ["310210"] (9999: no single product)
names = []                              # firms, ports, straits
severity = 2                            # 0..3 for Korean imports and industry
expected_stage = "주의"                 # 관심, 주의, 경계 or 심각
# scored = "optional"                   # neither right nor wrong (default: required)
# end = 2026-03-01                      # resolution or clear easing
# parent = ""                           # id of a larger case of which this is a part
links = []                              # reports of it
# matching_query = { any_of = ["urea&&export", "요소&&수출"], exclude_title = "" }
# historical_reaction = { date = 2026-01-20, who = "first meeting of the ministries", source = "" }
"""
