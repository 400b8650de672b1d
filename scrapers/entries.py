"""Which entries does a long list hold? CSV, JSON, GeoJSON and XML, read one entry after the other."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lxml import etree

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.mapping import text_at
from scrapers.rows import csv_rows, fields_of, geojson_rows, list_at, read_json, table_text
from scrapers.templates import Row

MARK = "@digest"  # what an entry says in all, where only its row is not enough (nested XML)
DATED = "@of"  # the list's own date, on every entry
HEAD = 4096  # bytes in which a DOCTYPE would stand


def entries(source: Source, body: bytes, label: str = "") -> Iterator[Row]:
    """The entries of a body of the source's `format`. Raises SourceError.

    `items` is the path of the list in JSON; in XML the local name of an entry's element, wherever
    it stands: such a file is never a tree in memory (the EU's has 25 MB). `of` names where the list
    tells its own date: an attribute of the XML root.
    """
    return READERS[str(source.options["format"])](source, body, label)


def _csv(source: Source, body: bytes, label: str) -> Iterator[Row]:
    yield from csv_rows(source, _lines(table_text(source, body, label)))


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends (a cell may hold one), without a second copy of the whole."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def _json(source: Source, body: bytes, label: str) -> Iterator[Row]:
    rows = list_at(source, read_json(source, body, label), str(source.options.get("items", "")))
    return (row for row in rows if isinstance(row, Mapping))


def _geojson(source: Source, body: bytes, label: str) -> Iterator[Row]:
    return iter(geojson_rows(source, read_json(source, body, label)))


def _xml(source: Source, body: bytes, label: str) -> Iterator[Row]:
    head = body[:HEAD].replace(b"\x00", b"").lower()
    if b"<!doctype" in head:  # there is none in a list of entries; what it may hide is not read
        raise SourceError(
            f"{source.name}: a web page or a DOCTYPE came instead of the list; open the url",
            permanent=b"<!entity" in head,
        )
    name, of = str(source.options["items"]), str(source.options.get("of", ""))
    seen = 0
    try:
        for node in _elements(body, name):
            row = fields_of(node)
            row[MARK] = hashlib.sha256(etree.tostring(node, with_tail=False)).hexdigest()
            row[DATED] = node.getroottree().getroot().get(of, "") if of else ""
            seen += 1
            yield row
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            f"{source.name}: broken or cut-off XML after {seen:,} entries ({str(error)[:80]}); it "
            "is read again at the next turn"
        ) from None


def _elements(body: bytes, name: str) -> Iterator[Any]:
    """Each element of that local name as soon as it is read, then forgotten."""
    events = etree.iterparse(
        io.BytesIO(body), events=("end",), tag="{*}" + name, resolve_entities=False,
        no_network=True, huge_tree=False, load_dtd=False, remove_comments=True,
    )  # fmt: skip
    for _, node in events:
        yield node
        node.clear()
        while node.getprevious() is not None:
            del node.getparent()[0]


def wrong_entries(options: Mapping[str, object]) -> str:
    """What is wrong with the options of a source that reads entries, in words; "" when nothing is."""
    if str(options.get("format")) not in READERS:
        return f"options.format must be one of {', '.join(READERS)}"
    if options["format"] == "xml" and not options.get("items"):
        return "options.items must name the element of an entry"
    tell, episode = options.get("tell"), options.get("episode")
    if tell is not None:
        known = {"added", "removed", "amended", "more", "url"}
        if not isinstance(tell, dict) or not set(tell) <= known or "added" not in tell:
            return f"options.tell must be a table with added, and of {', '.join(sorted(known))}"
    if episode is not None:
        known = {"id", "also", "updated", "state", "step"}
        if not isinstance(episode, dict) or not set(episode) <= known or "id" not in episode:
            return f"options.episode must be a table with id, and of {', '.join(sorted(known))}"
    return ""


def digest(row: Row, watch: list[str]) -> str:
    """What an entry says, in 8 hex digits: all of it, or the fields to `watch`."""
    if watch:
        said = "\x1f".join(text_at(row, path) for path in watch)
    elif MARK in row:
        said = str(row[MARK])
    else:
        said = json.dumps(row, sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:8]


READERS: dict[str, Callable[[Source, bytes, str], Iterator[Row]]] = {
    "csv": _csv, "json": _json, "geojson": _geojson, "xml": _xml,
}  # fmt: skip
