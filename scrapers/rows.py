"""JSON, GeoJSON, CSV and XML: the bytes of an answer become rows."""

from __future__ import annotations

import csv
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from lxml import etree

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.feeds import xml_text
from scrapers.mapping import Parsed, map_rows
from scrapers.templates import MissingField, Row, pick
from scrapers.text import clean_text, decode

MAX_UNZIPPED = 64 * 1024 * 1024
MAX_LINES = 200_000  # of a CSV file; the SDN list, the longest we read, has under 20,000


# --------------------------------------------------------------------------- json


def parse_json(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The list at `items` (a path; "" for the whole answer), mapped. Raises SourceError.

    With `header_row` the list is rows of cells under a first row of names (US Census).
    """
    answer = read_json(source, body, label)
    refused_inside(source, answer)
    rows = list_at(source, answer, str(source.options.get("items", "")))
    if source.options.get("header_row"):
        rows = _under_header(source, rows)
    return map_rows(source, [row for row in rows if isinstance(row, Mapping)], now)


def read_json(source: Source, body: bytes, label: str = "") -> Any:
    """The parsed answer, strictly by RFC 8259: NaN and Infinity are refused, and bytes that are not
    UTF-8 unless BOM or header name another charset. Raises SourceError."""
    text = _json_text(source, body, label)
    try:
        answer = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{source.name}: not JSON ({str(error)[:80]}); it begins "
            f"{clean_text(text[:300], 80)!r}; open the url and see what it says"
        ) from None
    return without_surrogates(answer) if _SURROGATE.search(text) else answer


def _json_text(source: Source, body: bytes, label: str) -> str:
    if label or body.startswith(_WIDE_BOMS):
        return decode(body, label).strip(_JSON_BLANKS)
    try:
        return body.decode("utf-8-sig").strip(_JSON_BLANKS)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{source.name}: not JSON (not UTF-8 at byte {error.start:,}, and the header names no "
            f"charset); it begins {clean_text(decode(body[:300]), 80)!r}; open the url and see "
            "what it says"
        ) from None


_JSON_BLANKS = " \t\r\n"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def without_surrogates(value: Any) -> Any:
    """The answer with U+FFFD for halves of surrogate pairs, which no file or store can take."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [without_surrogates(one) for one in value]
    if isinstance(value, dict):
        return {without_surrogates(name): without_surrogates(one) for name, one in value.items()}
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def refused_inside(source: Source, answer: object) -> None:
    """Raises SourceError for an error that came with HTTP 200, as ArcGIS and Comtrade send it."""
    if not isinstance(answer, Mapping):
        return
    error = answer.get("error") or answer.get("error_message")
    if not error:
        return
    code = error.get("code") if isinstance(error, Mapping) else None
    words = error.get("message") if isinstance(error, Mapping) else error
    said = clean_text(f"{words}", 120)
    raise SourceError(
        f"{source.name}: the service answered an error ({code or 'no code'}: {said}); "
        + ("compare the query in url with its documents" if code == 400 else "tried again later"),
        permanent=code == 400,
    )


def all_there(source: Source, rows: Sequence[Row], names: Iterable[str]) -> None:
    """Raises SourceError when a column is in none of the rows: it has been renamed, and without it
    every row would be empty."""
    gone = [name for name in names if rows and not any(name in row for row in rows)]
    if gone:
        raise SourceError(
            f"{source.name}: no {gone[0]!r} in any of {len(rows)} rows; the format has changed, "
            "compare it with the sample"
        )


def list_at(source: Source, answer: object, path: str) -> list[object]:
    """The list at a path; [] where the answer counts 0. SourceError when none is there."""
    value: object = answer
    if path:
        try:
            value = pick(answer, path) if isinstance(answer, Mapping) else None
        except MissingField:
            value = None
    if value is None and isinstance(answer, Mapping) and answer.get("count") == 0:
        return []
    if not isinstance(value, list):
        raise SourceError(
            f"{source.name}: no list at {path or 'the top'!r}; the format has changed, correct "
            "options.items in source.toml"
        )
    return value


def _under_header(source: Source, rows: list[object]) -> list[object]:
    if not rows or not isinstance(rows[0], list):
        raise SourceError(f"{source.name}: no header row; correct options.header_row")
    names = [str(name) for name in rows[0]]
    return [
        dict(zip(names, row, strict=True))
        for row in rows[1:]
        if isinstance(row, list) and len(row) == len(names)
    ]


def parse_geojson(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The features of a GeoJSON collection: properties, with `lon`, `lat`, `depth` beside them."""
    return map_rows(source, geojson_rows(source, read_json(source, body, label)), now)


def geojson_rows(source: Source, answer: object) -> list[Row]:
    """The features as rows. Raises SourceError."""
    rows: list[Row] = []
    for feature in list_at(source, answer, "features"):
        if not isinstance(feature, Mapping):
            continue
        properties = feature.get("properties")
        geometry = feature.get("geometry")
        place = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
        numbers = place if isinstance(place, list) else []
        where = dict(zip(("lon", "lat", "depth"), numbers, strict=False))
        rows.append(
            {
                "id": feature.get("id"),
                **where,
                **(properties if isinstance(properties, Mapping) else {}),
            }
        )
    return rows


# --------------------------------------------------------------------------- csv


def parse_csv(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The lines of a CSV file, mapped. Raises SourceError.

    `columns` names the columns of a file without header. `skip_prefix`: lines that start so are
    not data. `@last` is the last cell that is not a null mark (a table of vintages).
    """
    options = source.options
    skip = options.get("skip_prefix")
    kept = (
        line
        for line in lines_of(table_text(source, body, label))
        if line.strip() and not (isinstance(skip, str) and line.startswith(skip))
    )
    rows = list(csv_rows(source, kept))
    return map_rows(source, rows, now)


def table_text(source: Source, body: bytes, label: str = "") -> str:
    """The text of a table. Raises SourceError for a web page."""
    text = decode(body, label)
    if re.match(r"\s*<(?:!doctype|html|\?xml)", text, re.IGNORECASE):
        raise SourceError(
            f"{source.name}: a web page came instead of a table; we may be blocked, or the file "
            "has moved: open the url and correct source.toml"
        )
    return text.replace("\x00", "")


_LINE = re.compile(r"[^\n]+")


def lines_of(text: str) -> Iterator[str]:
    """The lines that are not empty, one by one: a list of them may need ten times the memory of the
    text."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return (found.group().rstrip("\r") for found in _LINE.finditer(text))


def csv_rows(source: Source, lines: Iterator[str]) -> Iterator[Row]:
    """The lines under their header, `@last` beside them. Raises SourceError."""
    options = source.options
    columns = options.get("columns")
    nulls = options.get("nulls")
    empty = {"", *(map(str, nulls) if isinstance(nulls, list) else ())}
    reader = csv.reader(lines)
    try:
        names = [str(c) for c in columns] if isinstance(columns, list) else next(reader, [])
        names = [name.strip().lstrip("\ufeff") for name in names]
        for cells in islice(reader, MAX_LINES):
            if len(cells) != len(names):
                continue  # OFAC ends with a line of one control character
            row: dict[str, object] = {
                name: cell.strip() for name, cell in zip(names, cells, strict=True)
            }
            filled = [cell.strip() for cell in cells[1:] if cell.strip() not in empty]
            row["@last"] = filled[-1] if filled else None
            yield row
    except csv.Error as error:
        raise SourceError(f"{source.name}: not CSV ({error}); look at a fresh file") from None


# --------------------------------------------------------------------------- xml


def parse_xml(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The elements at `items` (local names, with `/`), children as fields, mapped.

    Names are without namespace; `a.b` is a grandchild, `@x` an attribute; the first of a name
    counts. Raises SourceError, also for data.go.kr's key errors that come with HTTP 200.
    """
    root = xml_root(source, body, label)
    key_error(source, root)
    return map_rows(source, xml_rows(root, str(source.options["items"])), now)


def xml_rows(root: Any, path: str) -> list[Row]:
    """The elements at a path of local names, with `/`, as rows."""
    found = [root]
    for name in path.split("/"):
        found = [child for node in found for child in node if local_name(child) == name]
    return [fields_of(node) for node in found]


def xml_root(source: Source, body: bytes, label: str) -> Any:
    text = xml_text(source, body, label)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            f"{source.name}: broken or cut-off XML ({str(error)[:100]}); it is read again at the "
            "next turn"
        ) from None
    if root is None:
        raise SourceError(f"{source.name}: no XML element; it is read again at the next turn")
    return root


def local_name(node: Any) -> str:
    tag = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def fields_of(node: Any, depth: int = 0) -> dict[str, object]:
    """An element as a row: attributes as `@name`, children by local name, the first of a name."""
    fields: dict[str, object] = {f"@{name.rpartition('}')[2]}": v for name, v in node.items()}
    for child in node:
        name = local_name(child)
        if not name or name in fields:
            continue
        bare = child.attrib and not (child.text or "").strip()  # what it says is in its attributes
        if (len(child) or bare) and depth < 4:
            fields[name] = fields_of(child, depth + 1)
        else:
            fields[name] = (child.text or "").strip()
    return fields


_KEY_CODES = {
    "20": "this key may not use this service; apply for it on data.go.kr",
    "22": "today's calls are used up",
    "30": "the key is not registered; set the decoded key, not the encoded one",
    "31": "the key has expired; renew it on data.go.kr",
}


def _refuse(source: Source, code: str) -> None:
    raise SourceError(
        f"{source.name}: data.go.kr refused (code {code}): "
        f"{_KEY_CODES.get(code, 'see the list of codes in its documents')}",
        permanent=code in {"20", "30", "31"},
        retry_after_s=3600 if code == "22" else None,
    )


def key_error(source: Source, root: Any) -> None:
    """Raises SourceError for a refusal of data.go.kr, which comes with HTTP 200."""
    if local_name(root) == "OpenAPI_ServiceResponse":
        codes = [n.text or "" for n in root.iter() if local_name(n) == "returnReasonCode"]
        code = codes[0].strip() if codes else "none"
        _refuse(source, code)
    results = [n for n in root.iter() if local_name(n) == "resultCode"]
    code = (results[0].text or "").strip() if results else "00"
    if code in _KEY_CODES:  # some services of the gateway send the same codes under their own root
        _refuse(source, code)
    if code not in {"00", "0", "000"}:
        words = [n.text or "" for n in root.iter() if local_name(n) == "resultMsg"]
        raise SourceError(
            f"{source.name}: the service answered code {code} "
            f"({clean_text(words[0] if words else '', 80)}); compare the query with its documents",
            permanent=code == "99",
        )


# --------------------------------------------------------------------------- archives


def read_member(source: Source, archive: zipfile.ZipFile, name: str) -> bytes:
    """One file of an archive, refused above MAX_UNZIPPED whatever its header claims."""
    try:
        with archive.open(name) as handle:
            data = handle.read(MAX_UNZIPPED + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise SourceError(
            f"{source.name}: {name[:60]} in the archive is damaged ({str(error)[:60]}); it is read "
            "again at the next turn"
        ) from None
    if len(data) > MAX_UNZIPPED:
        raise SourceError(
            f"{source.name}: {name[:60]} unpacks to too much; refused", permanent=True
        )
    return data
