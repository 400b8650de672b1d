"""Which CAP messages are there? An Atom feed (RFC 4287) of them, newest first, in pages (RFC 5005)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.facts import stamp
from alerts.plain import one_line

NAMESPACE = "http://www.w3.org/2005/Atom"
PAGE = 50
MEDIA_TYPE = "application/cap+xml"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # an empty feed was never updated


@dataclass(frozen=True, slots=True)
class CapEntry:
    """One published message, as the feed lists it."""

    identifier: str
    at: datetime
    title: str
    summary: str
    url: str
    stage: str  # in English
    message_type: str  # Alert | Update | Cancel


def pages(count: int) -> int:
    """How many pages so many entries fill; an empty feed has one.

    >>> pages(0), pages(50), pages(51)
    (1, 1, 2)
    """
    return max(1, -(-count // PAGE))


def build_atom(entries: Sequence[CapEntry], urls: Mapping[str, str], sender: str, title: str,
               lang: str) -> bytes:  # fmt: skip
    """The feed of these entries, given newest first. `urls`: of this page (self), and of first, last,
    previous and next where there are such."""
    feed = ET.Element("feed", {"xmlns": NAMESPACE, "xml:lang": lang})
    _text(feed, "id", f"urn:ews:cap:{sender}")
    _text(feed, "title", title)
    _text(feed, "updated", _time(max((one.at for one in entries), default=EPOCH)))
    ET.SubElement(ET.SubElement(feed, "author"), "name").text = one_line(sender)
    for relation, url in urls.items():
        ET.SubElement(feed, "link", {"rel": relation, "href": url, "type": "application/atom+xml"})
    for one in entries:
        _entry(ET.SubElement(feed, "entry"), one, sender)
    ET.indent(feed)
    return bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))


def _entry(parent: ET.Element, entry: CapEntry, sender: str) -> None:
    _text(parent, "id", f"urn:ews:cap:{sender}:{entry.identifier}")
    _text(parent, "title", entry.title)
    _text(parent, "updated", _time(entry.at))
    _text(parent, "published", _time(entry.at))
    ET.SubElement(parent, "link", {"rel": "alternate", "type": MEDIA_TYPE, "href": entry.url})
    ET.SubElement(parent, "category", {"term": entry.stage, "scheme": "urn:ews:stage"})
    ET.SubElement(parent, "category", {"term": entry.message_type, "scheme": "urn:cap:msgType"})
    _text(parent, "summary", entry.summary)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = one_line(text, 1_000)


def _time(moment: datetime) -> str:
    said = stamp(moment)
    assert said is not None
    return said
