"""Where does an answer lead? To its next page, or to the file that an index names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urljoin

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.hops import host_of
from scrapers.rows import fields_of, local_name, read_json, xml_root
from scrapers.templates import MissingField, pick


def next_listed(source: Source, body: bytes, url: str) -> str | None:
    """The address at `options.next` of a JSON answer (`next_page_url`); None on the last page.

    Raises SourceError for an address on another host.
    """
    path = source.options.get("next")
    if not isinstance(path, str):
        return None
    answer = read_json(source, body)
    try:
        onward = pick(answer, path) if isinstance(answer, Mapping) else None
    except MissingField:
        return None
    return _same_host(source, urljoin(url, onward)) if isinstance(onward, str) and onward else None


def listed_file(source: Source, body: bytes, url: str) -> str | None:
    """The address of the file called `options.file` in an RSS or JSON index; None for the file.

    The index is small and changes with the file, so that an unchanged index costs no download.
    Raises SourceError when the index no longer has the file, or has it on another host.
    """
    name = source.options.get("file")
    if not isinstance(name, str):
        return None
    head = body[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<rss" in head:
        named = _rss_links(source, body)
    elif head.startswith(b"{"):
        named = _json_links(source, body)
    else:
        return None
    for title, link in named:
        if title == name and link:
            return _same_host(source, urljoin(url, link))
    raise SourceError(
        f"{source.name}: the index no longer names {name!r}; open the url and correct options.file"
    )


def _rss_links(source: Source, body: bytes) -> Iterator[tuple[str, str]]:
    for node in xml_root(source, body, "").iter():
        if local_name(node) == "item":
            row = fields_of(node)
            yield str(row.get("title", "")), str(row.get("link", ""))


def _json_links(source: Source, body: bytes) -> Iterator[tuple[str, str]]:
    answer = read_json(source, body)
    resources = answer.get("resources") if isinstance(answer, Mapping) else None
    for one in resources if isinstance(resources, list) else []:
        if isinstance(one, Mapping):
            yield str(one.get("name", "")), str(one.get("url", ""))


def _same_host(source: Source, url: str) -> str:
    if host_of(url) != host_of(source.url):
        raise SourceError(
            f"{source.name}: it leads to {host_of(url)}, not to its own host; open the url and look"
        )
    return url
