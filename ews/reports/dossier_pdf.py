"""A document as tagged PDF (PDF/UA-1), with the font that ships here; nothing is fetched."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import resources

from alerts.plain import one_line, safe_link
from ews.reports.paper import Block, Bullets, Document, Image, Table, Text

STYLE = """
@page { size: A4; margin: 16mm 15mm 18mm;
  @bottom-center { content: counter(page) " / " counter(pages); font: 8pt "Ews Sans KR" } }
body { font: 9.5pt/1.45 "Ews Sans KR", sans-serif; color: #16202c }
h1 { font-size: 16pt; line-height: 1.25; margin: 0 0 2mm }
h2 { font-size: 12pt; margin: 6mm 0 2mm; border-bottom: .4pt solid #8a97a3; break-after: avoid }
p, ul, dl { margin: 0 0 2mm } ul { padding-left: 5mm }
.minor, caption { color: #56636f; font-size: 8.5pt } caption { text-align: left; margin-bottom: 1mm }
dl { display: grid; grid-template-columns: max-content 1fr; column-gap: 4mm; font-size: 8.5pt }
dt { color: #56636f } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; margin: 0 0 3mm; font-size: 8pt }
th, td { border-bottom: .3pt solid #c6ced6; padding: 1mm 1.5mm; text-align: left;
  vertical-align: top; overflow-wrap: break-word }
tr { break-inside: avoid } caption, thead { break-after: avoid }
th { font-weight: 600; color: #56636f } .num { text-align: right; white-space: nowrap }
img { width: 100% } a { color: #0b5394 }
"""


class NoPdf(OSError):
    """This machine cannot make a PDF; the message says what it lacks."""

    def __init__(self, lacks: object) -> None:
        super().__init__(
            "a PDF needs the system library Pango, which is not here: install it (Debian, Ubuntu: "
            "apt-get install libpango-1.0-0 libpangoft2-1.0-0), or ask for --format md "
            f"({str(lacks)[:120]})"
        )


def as_pdf(document: Document) -> bytes:
    """The document as PDF/UA-1. NoPdf where the system lacks Pango."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as err:
        raise NoPdf(err) from err
    page = HTML(string=as_html(document), url_fetcher=URLFetcher(allowed_protocols=["data"]))
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=b"ews")
    return made


def as_html(document: Document) -> str:
    """One page that stands alone. Text from outside is escaped, and links are http(s) only."""
    facts = "".join(f"<dt>{_said(n)}</dt><dd>{_said(v)}</dd>" for n, v in document.facts)
    body = "".join(
        f"<section><h2>{_said(part.title)}</h2>{''.join(map(_block, part.blocks))}</section>"
        for part in document.parts
    )
    return (
        f'<!doctype html><html lang="{escape(document.lang)}"><head><meta charset="utf-8">'
        f"<title>{_said(document.title)}</title><style>{_faces()}{STYLE}</style></head><body>"
        f"<h1>{_said(document.title)}</h1><p>{_said(document.subtitle)}</p>"
        f"<dl>{facts}</dl>{body}</body></html>"
    )


@cache
def _faces() -> str:
    return "".join(
        f'@font-face {{ font-family: "Ews Sans KR"; font-weight: {weight}; '
        f'src: url("data:font/otf;base64,{_font(name)}") }}'
        for weight, name in ((400, "ews-sans-regular.otf"), (600, "ews-sans-semibold.otf"))
    )


def _font(name: str) -> str:
    return base64.b64encode(resources.files("alerts").joinpath("fonts", name).read_bytes()).decode()


def _said(text: str) -> str:
    return escape(one_line(text, 2_000))


def _block(block: Block) -> str:
    match block:
        case Text():
            small = ' class="minor"' if block.minor else ""
            return f"<p{small}>{_said(block.text)}</p>"
        case Bullets():
            return f"<ul>{''.join(f'<li>{_said(line)}</li>' for line in block.lines)}</ul>"
        case Image():
            data = base64.b64encode(block.png).decode()
            return f'<img alt="{_said(block.alt)}" src="data:image/png;base64,{data}">'
        case Table():
            return "".join(_table(block))


def _table(table: Table) -> Iterator[str]:
    yield "<table>"
    if table.caption:
        yield f"<caption>{_said(table.caption)}</caption>"
    yield "<thead><tr>"
    for place, name in enumerate(table.head):
        yield f'<th scope="col"{_side(table, place)}>{_said(name)}</th>'
    yield "</tr></thead><tbody>"
    for number, row in enumerate(table.rows):
        link = safe_link(table.links[number]) if number < len(table.links) else ""
        yield "<tr>"
        for place, cell in enumerate(row):
            said = _said(cell)
            if link and place == len(row) - 1:
                said = f'<a href="{escape(link)}">{said or "link"}</a>'
            yield f"<td{_side(table, place)}>{said}</td>"
        yield "</tr>"
    yield "</tbody></table>"


def _side(table: Table, place: int) -> str:
    return ' class="num"' if place in table.right else ""
