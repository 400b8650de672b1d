"""Whose is this alert, and by what? Dependence on its items decides, not the owner of the topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from alerts.view import Names
from alerts.words import say
from ews.model import Alert, Receiver

SHOWN = 3  # items of one ministry or sector in the words; the message itself lists every use


class DomesticUse(Protocol):
    """What an item is for in Korea, as `graph.reference.USES` has it."""

    @property
    def ko(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def ksic(self) -> str: ...
    @property
    def ministries(self) -> tuple[str, ...]: ...


Uses = Mapping[str, Sequence[DomesticUse]]  # item -> its uses
NO_USES: Uses = MappingProxyType({})


def match(
    alert: Alert, receiver: Receiver, uses: Uses = NO_USES, names: Names | None = None
) -> str | None:
    """Why the alert is this receiver's, in words that name item and use, or None."""
    if not receiver.ministries and not receiver.items and not receiver.sectors:
        return _joined([say("route.everything", receiver.lang), _unlisted(alert, receiver, names)])
    reasons = [_ministries(alert, receiver, uses, names), _sectors(alert, receiver, uses, names)]
    if items := [item for item in receiver.items if item in _reached(alert)]:
        shown = ", ".join(_item(item, receiver.lang, names) for item in items)
        reasons.append(say("route.follows", receiver.lang, items=shown))
    if receiver.unlisted:
        reasons.append(_unlisted(alert, receiver, names))
    return _joined(reasons)


def _reached(alert: Alert) -> tuple[str, ...]:
    """The items it names, then those that its routes carry too: dependence asks for both."""
    return (*alert.items, *alert.carried)


def _joined(reasons: Sequence[str]) -> str | None:
    return " · ".join(filter(None, reasons)) or None


def _ministries(alert: Alert, receiver: Receiver, uses: Uses, names: Names | None) -> str:
    lang, told = receiver.lang, []
    for ministry in receiver.ministries:
        if ministry in alert.ministries:
            by = [
                (item, use) for item in _reached(alert) for use in uses.get(item, ())
                if ministry in use.ministries
            ]  # fmt: skip
            name = names.ministry(ministry, lang) if names else ministry
            told.append(f"{name} ← {_by(alert, by, lang, names)}")
    return say("route.depends", lang, what="; ".join(told)) if told else ""


def _sectors(alert: Alert, receiver: Receiver, uses: Uses, names: Names | None) -> str:
    lang, told = receiver.lang, []
    for industry in alert.industries if receiver.sectors else ():
        if industry.startswith(receiver.sectors):
            by = [
                (item, use) for item in _reached(alert) for use in uses.get(item, ())
                if use.ksic == industry
            ]  # fmt: skip
            name = f"{industry} {names.industry(industry, lang)}" if names else industry
            told.append(f"{name} ← {_by(alert, by, lang, names)}")
    return say("route.sectors", lang, what="; ".join(told)) if told else ""


def _by(alert: Alert, by: Sequence[tuple[str, DomesticUse]], lang: str, names: Names | None) -> str:
    """The items that bring it, with their uses; all the alert's items where no use is known."""
    found: list[tuple[str, DomesticUse | None]] = [*by] or [(item, None) for item in alert.items]
    texts = []
    for item, use in found[:SHOWN]:
        name = _item(item, lang, names)
        texts.append(f"{name} ({use.ko if lang == 'ko' else use.en})" if use else name)
    if len(found) > SHOWN:
        texts.append(say("route.more", lang, n=len(found) - SHOWN))
    return ", ".join(texts) or (names.type(alert.type, lang) if names else alert.type)


def _unlisted(alert: Alert, receiver: Receiver, names: Names | None) -> str:
    if not alert.unlisted:
        return ""
    items = ", ".join(_item(item, receiver.lang, names) for item in alert.unlisted)
    return say("route.unlisted", receiver.lang, items=items)


def _item(item: str, lang: str, names: Names | None) -> str:
    return names.item(item, lang) if names else item


def why_not(alert: Alert, receiver: Receiver, names: Names | None = None) -> str:
    """What the receiver asks for beside what the alert reaches."""
    lang = receiver.lang
    named = names if names else _Codes()
    wants = [
        *(named.ministry(one, lang) for one in receiver.ministries),
        *(named.item(one, lang) for one in receiver.items),
        *(f"KSIC {one}" for one in receiver.sectors),
    ]
    has = [
        *(named.ministry(one, lang) for one in alert.ministries),
        *(named.item(one, lang) for one in alert.items),
        *(f"KSIC {one}" for one in alert.industries),
    ]
    reached = ", ".join(has) or say("route.nothing_known", lang)
    return say("route.wants", lang, wants=", ".join(wants), has=reached)


class _Codes:
    """Codes as their own names."""

    def item(self, code: str, lang: str) -> str:
        return code

    ministry = item
