"""An item goes on the watch list, or off it: a change of the rules, with a name and a reason.

What is on the list has a false-alarm budget of its own ([false_alarms] of the rules), so the
detectors look harder at it, the list of blind spots leaves it out, and an undo takes it off.
"""

from __future__ import annotations

from datetime import datetime

from alerts.rulebook import false_alarms, setting
from ews.acting import ActRefused
from ews.measuring import codes_under, watched_codes
from ews.model import RuleSet
from ews.storage import Store
from ews.tuning.rule_values import FALSE_ALARMS, TAKE_BACK
from ews.tuning.rules import AT_ONCE, Changer, Saving, in_force, set_rules

MOST = 52.0  # false alarms of one item a year: once a week is no watching any more


def watch(
    store: Store, item: str, *, reason: str, now: datetime, budget: float | None = None,
    by: str = "", changer: Changer | None = None, how: Saving = AT_ONCE,
) -> RuleSet:  # fmt: skip
    """Put an item (its id or an HS6 code) on the list, with the budget of watched items or its own.

    ActRefused when it is watched already, or is no item.
    """
    rules = in_force(store, now).rules
    codes = _codes(item)
    if item in false_alarms(rules) and false_alarms(rules)[item] > 0:
        raise ActRefused(
            f"{item} is on the watch list already", f"{item}은(는) 이미 감시 목록에 있습니다."
        )
    if codes <= watched_codes({}):
        raise ActRefused(
            f"{item} is one of our watched items; `ews rules set {FALSE_ALARMS}.{item}=N` gives it a "
            "false-alarm budget of its own",
            f"{item}은(는) 이미 감시 품목입니다. 오경보 예산을 따로 주려면 "
            f"`ews rules set {FALSE_ALARMS}.{item}=N` 을 쓰십시오.",
        )
    allowed = (
        setting(rules, "series", "false_alarms_per_watched_year") if budget is None else budget
    )
    if not 0 < allowed <= MOST:
        raise ActRefused(
            f"a budget is more than 0 and at most {MOST:g} false alarms a year, not {allowed:g}",
            f"예산은 한 해 오경보 0건 초과 {MOST:g}건 이하여야 합니다. {allowed:g}은(는) 안 됩니다.",
        )
    return set_rules(
        store, {f"{FALSE_ALARMS}.{item}": f"{allowed:g}"}, by=by, reason=_why(reason), now=now,
        changer=changer, how=how,
    )  # fmt: skip


def unwatch(
    store: Store, item: str, *, reason: str, now: datetime, by: str = "",
    changer: Changer | None = None, how: Saving = AT_ONCE,
) -> RuleSet:  # fmt: skip
    """Take an item off the list. ActRefused when it is not on it."""
    if item not in false_alarms(in_force(store, now).rules):
        ours = item and _codes(item) <= watched_codes({})
        raise ActRefused(
            f"{item} is one of our own watched items (graph/data/items.csv); it cannot be taken off "
            "here" if ours else f"{item} is not on the watch list; `ews watch list` shows it",
            f"{item}은(는) 기준 자료의 감시 품목이라 여기서 뺄 수 없습니다."
            if ours else f"{item}은(는) 감시 목록에 없습니다.",
        )  # fmt: skip
    return set_rules(
        store, {f"{FALSE_ALARMS}.{item}": TAKE_BACK}, by=by, reason=_why(reason), now=now,
        changer=changer, how=how,
    )  # fmt: skip


def _codes(item: str) -> frozenset[str]:
    codes = codes_under(item)
    if not codes:
        raise ActRefused(
            f"{item[:40]!r} is no item of ours and no HS6 code",
            f"‘{item[:40]}’은(는) 품목이나 HS6 부호가 아닙니다.",
        )
    return codes


def _why(reason: str) -> str:
    if not reason.strip():
        raise ActRefused("say why: a reason is kept with the list", "까닭을 적어 주십시오.")
    return reason.strip()
