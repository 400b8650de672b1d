"""How does an alert read as OASIS CAP 1.2? One XML message per published change, in two languages.

It is made of the alert and the event as they stood at that revision and of nothing newer, so that
the same identifier always gives the same facts. The mapping is in docs/howto-channels.md.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts import cap_info
from alerts.cap_info import LANGUAGES, Pairs
from alerts.facts import Codes, stamp
from alerts.headlines import ending
from alerts.plain import one_line
from alerts.view import AlertView
from ews.model import FALSE_ALARMS, Alert, AlertChange, ChangeKind

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
STATUSES = ("Actual", "Exercise", "Test")
PUBLISHED = {
    ChangeKind.RAISED,
    ChangeKind.STAGE_UP,
    ChangeKind.STAGE_DOWN,
    ChangeKind.UPDATED,
    ChangeKind.RESOLVED,
    ChangeKind.RETRACTED,
    ChangeKind.REOPENED,
    ChangeKind.BLIND,
    ChangeKind.SEEING,
}
# These concern people and receivers, not the public, unless the alert itself is new or moved with it.
ASIDE = {ChangeKind.PROPOSED, ChangeKind.REFUSED, ChangeKind.RELEASED}
# An alert stands until a message ends it, and may stand for months without a new revision; the
# date is for receivers who lost us.
STANDS = timedelta(days=365)
OVER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issuer:
    """In whose name messages go out."""

    sender: str  # globally unique by the rules of names: an e-mail address or host name
    status: str = "Test"  # Actual | Exercise | Test
    public_url: str = ""
    contact: str = ""
    codes: Codes = field(default_factory=Codes)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"CAP status {self.status!r}: use one of {', '.join(STATUSES)}")
        if not is_name(self.sender):
            raise ValueError(
                f"CAP sender {self.sender!r}: write an e-mail address or host name of yours, "
                "without spaces, commas, < or &"
            )


@dataclass(frozen=True, slots=True)
class Parent:
    """An earlier message of the same alert, as <references> names it."""

    sender: str
    identifier: str
    sent: str  # as it stands in that message

    @property
    def text(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


def is_name(text: str) -> bool:
    """Whether CAP takes it as an identifier or sender: no spaces, commas, < or &."""
    return bool(text) and one_line(text) == text and not set(text) & set(" ,<&>\"'")


def identifier(alert_id: str, revision: int) -> str:
    return f"{alert_id}.{revision}"


def named(change: AlertChange, issuer: Issuer) -> Parent:
    """How later messages will refer to that of this change."""
    sent = stamp(change.at)
    assert sent is not None
    return Parent(issuer.sender, identifier(change.alert.id, change.alert.revision), sent)


def published(change: AlertChange, first: bool) -> bool:
    """Whether the change is told by CAP; `first`: no message of the alert was published before.

    A proposed stage waits for its signature and is no news yet; the alert around it is.
    """
    if change.kind in PUBLISHED:
        return True
    moved = change.before is not None and change.before is not change.alert.stage
    return change.kind in ASIDE and (first or moved)


def message_type(kind: ChangeKind, parents: Sequence[Parent]) -> str:
    """Alert for the first message, Update after it, Cancel for what was never so.

    An all-clear is an Update with the response AllClear: Cancel takes back the earlier message,
    while AllClear says that what it warned of is over (CAP 1.2, 3.2.1 msgType, 3.2.2 responseType).
    """
    if not parents:
        return "Alert"
    return "Cancel" if kind is ChangeKind.RETRACTED else "Update"


def build_cap(view: AlertView, issuer: Issuer, parents: Sequence[Parent] = ()) -> bytes:
    """The message of the view's change. `parents`: the earlier messages, oldest first.

    ValueError for a view without a change.
    """
    change = view.change
    if change is None:
        raise ValueError("only a change of an alert has a CAP message")
    if change.kind not in PUBLISHED:
        kind = ChangeKind.UPDATED if parents else ChangeKind.RAISED
        change = replace(change, kind=kind)
    view = public(replace(view, change=change))
    own = named(change, issuer)
    root = ET.Element("alert", {"xmlns": NAMESPACE})
    _add(root, [
        ("identifier", own.identifier),
        ("sender", own.sender),
        ("sent", own.sent),
        ("status", issuer.status),
        ("msgType", message_type(change.kind, parents)),
        ("source", f"ews ruleset {view.alert.ruleset}"),
        ("scope", "Public"),
        ("note", _note(view)),
        ("references", " ".join(parent.text for parent in parents)),
        ("incidents", " ".join(_incidents(view.alert))),
    ])  # fmt: skip
    for lang, code in LANGUAGES.items():
        _info(ET.SubElement(root, "info"), view, issuer, lang, code, change.at)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def public(view: AlertView) -> AlertView:
    """The view without what changes while the revision stays, and without what is not for all: a
    stage that waits for its signature, and who has taken it."""
    alert = replace(view.alert, proposed=None, proposed_at=None, sign_by=None, holder=None)
    return replace(
        view, alert=alert, exposures=(), told=(), because="", joined=(), planned=(), signers=()
    )


def _note(view: AlertView) -> str:
    """Why it is taken back. Who did so, and in which words, is in the audit, not in a public
    message."""
    change = view.change
    if change is None or change.kind is not ChangeKind.RETRACTED:
        return ""
    for why in FALSE_ALARMS:
        if change.reason.startswith(f"false alarm: {why} by "):
            return f"false alarm: {why}"
    return "false alarm: taken back by a person" if change.by else one_line(change.reason, 400)


def _incidents(alert: Alert) -> Iterable[str]:
    """The events behind it, each once: one happening may be told as several."""
    return dict.fromkeys([alert.event_id, *alert.members])


def _info(parent: ET.Element, view: AlertView, issuer: Issuer, lang: str, code: str,
          sent: datetime) -> None:  # fmt: skip
    over = ending(view) is not None
    _add(parent, [
        ("language", code),
        *(("category", one) for one in cap_info.categories(view.alert.type)),
        ("event", one_line(view.names.type(view.alert.type, lang), 80)),
        ("responseType", cap_info.response(view)),
        ("urgency", cap_info.urgency(view)),
        ("severity", cap_info.severity(view.event.severity)),
        ("certainty", cap_info.certainty(view)),
    ])  # fmt: skip
    _valued(parent, "eventCode", [("ews:type", view.alert.type)])
    _add(parent, [
        ("effective", stamp(sent)),
        ("onset", stamp(view.event.onset)),
        ("expires", stamp(sent + (OVER if over else STANDS))),
        ("senderName", cap_info.sender_name(lang)),
        ("headline", cap_info.headline(view, lang)),
        ("description", cap_info.description(view, issuer.codes, lang)),
        ("instruction", cap_info.instruction(view, lang)),
        ("web", cap_info.web(view.alert.id, issuer.public_url)),
        ("contact", one_line(issuer.contact, 200)),
    ])  # fmt: skip
    _valued(parent, "parameter", cap_info.parameters(view, issuer.codes))
    for area in cap_info.areas(view, issuer.codes, lang):
        element = ET.SubElement(parent, "area")
        _add(element, [("areaDesc", area.name)])
        if area.point is not None:
            _add(element, [("circle", f"{area.point[0]:g},{area.point[1]:g} 0")])
        _valued(element, "geocode", area.geocodes)


def _add(parent: ET.Element, pairs: Iterable[tuple[str, str | None]]) -> None:
    """Child elements in the order given; empty ones are left out."""
    for tag, text in pairs:
        if text:
            ET.SubElement(parent, tag).text = text


def _valued(parent: ET.Element, tag: str, pairs: Pairs) -> None:
    for name, value in pairs:
        element = ET.SubElement(parent, tag)
        ET.SubElement(element, "valueName").text = name
        ET.SubElement(element, "value").text = one_line(value)
