"""Which items did analysts put on the watch list, who, when and why?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.rulebook import false_alarms
from ews.measuring import chosen, codes_under, watched_codes
from ews.model import RuleSet
from ews.reports.names import UnknownName, label
from ews.reports.series_names import item_codes
from ews.reports.views import Label
from ews.reports.watch_book import good_label
from ews.reports.watch_views import Chosen, WatchList
from ews.storage import Store
from graph import ITEMS
from graph.goods import goods


def watch_list(store: Store, now: datetime) -> WatchList:
    """The entries of the rules in force, the newest first."""
    past = [one for one in store.rulesets() if one.in_force(now)]
    rules: Mapping[str, object] = past[-1].rules if past else {}
    entries = [_entry(item, past) for item in chosen(rules)]
    entries.sort(key=lambda one: (-one.version, one.item.code))
    return WatchList(tuple(entries), len(watched_codes({})), len(watched_codes(rules)))


def _entry(item: str, past: Sequence[RuleSet]) -> Chosen:
    """The entry with the version that first had it, since when it was never taken off."""
    first = past[-1]
    for one in reversed(past):
        if item not in chosen(one.rules):
            break
        first = one
    return Chosen(
        item=list_label(item), codes=tuple(sorted(codes_under(item))),
        budget=false_alarms(past[-1].rules)[item], by=first.by, at=first.created_at,
        reason=first.reason, version=first.version,
    )  # fmt: skip


def list_label(item: str) -> Label:
    return label("item", item) if item in ITEMS else good_label(item)


def entry_of(store: Store, code: str, now: datetime) -> Chosen | None:
    """The entry that covers an HS6 code."""
    return next((one for one in watch_list(store, now).entries if code in one.codes), None)


def list_key(text: str) -> str:
    """The item id or HS6 code under which it stands on the list. UnknownName for what is neither.

    >>> list_key("요소"), list_key("8518.10")
    ('urea', '851810')
    """
    digits = text.strip().replace(".", "")
    if digits.isdigit():
        if digits[:6] in goods() and len(digits) >= 6:
            return digits[:6]
        raise UnknownName(
            f"{text!r} is no HS6 code of HS 2017 or HS 2022; give six digits, such as 310210",
            f"‘{text}’은(는) HS 2017·2022의 6자리 부호가 아닙니다. 310210처럼 여섯 자리로 적으십시오",
        )
    codes, _ = item_codes(text)
    ids = [code for code in codes if code in ITEMS] or sorted(set(codes))
    if len(ids) == 1:
        return ids[0]
    shown = ", ".join(ids[:12])
    raise UnknownName(
        f"{text!r} may be {shown}; give one of them",
        f"‘{text}’은(는) {shown} 가운데 하나를 고르십시오",
    )
