"""The help pages: one Markdown file per reader, a Korean and an English part in each."""

from __future__ import annotations

from importlib.resources import files

from markdown_it import MarkdownIt

from ews.reports import NotFound

READERS = {
    "official": ("공무원", "Officials"),
    "firm": ("기업", "Firms"),
    "analyst": ("분석가", "Analysts"),
    "operator": ("운영자", "Operators"),
    "series": ("계열", "Series"),
    "watch": ("취약성", "Vulnerability"),
}


def help_html(reader: str, lang: str) -> str:
    """The help for one reader as HTML. Raw HTML in the file is escaped, not passed on."""
    if reader not in READERS:
        raise NotFound(f"no help for {reader!r}; there is {', '.join(READERS)}")
    text = (files("ews.web") / "help" / f"{reader}.md").read_text("utf-8")
    korean, _, english = text.partition("\n<!-- en -->\n")
    chosen = english if lang == "en" else korean
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(chosen))
