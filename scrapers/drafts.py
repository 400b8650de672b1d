"""How is a private source written down? The text of its source.toml, and the files of its folder."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from ews.model import Source
from scrapers.bounds import one_line
from scrapers.catalog import NAME, PRIVATE_TIER, CatalogError, private_source, shipped_names
from scrapers.collected import Parser, vouched
from scrapers.errors import SourceError
from scrapers.golden import told_text
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.probe import SAMPLES, Draft
from scrapers.templates import slug

DAY = 86_400
FILL_IN = "FILL_IN"
HEAD = """\
# A private source, written by `ews sources new` on {day}. Lines marked CHECK were guessed.
# Its texts are read and shown as unverified; they make no event until it is promoted
# (`ews sources promote`). Try it: `ews sources test {name}`, then `--live`.
"""


def source_text(name: str, draft: Draft, now: datetime) -> str:
    """The text of source.toml for a draft, with what a person must check beside it."""
    host = urlsplit(draft.url).netloc
    low, high = draft.expect
    title = one_line(draft.title)
    lines = [
        HEAD.format(day=now.date().isoformat(), name=name),
        f"publisher = {quoted(title or host)}  # CHECK: who publishes it",
        f"title = {quoted(title or name)}",
        f"url = {quoted(draft.url)}",
        f"kind = {quoted(draft.kind)}",
        f'lang = {quoted(draft.lang or "mul")}  # "mul": guessed per text, by its script',
        'country = "INT"  # CHECK: of the publisher, ISO code, EU or INT',
        'group = "news"  # news | official | hazard | shipping | statistics | price | policy',
        f"tier = {PRIVATE_TIER}  # of a private source it is always this",
        'terms = "not read yet"  # CHECK: may a program read it, and what may be kept and shown',
        f"every = {quoted(span(draft.every_s))}  # {_why_every(draft)}",
        f"fresh_within = {quoted(span(draft.fresh_within_s))}  # CHECK: silence longer than this is an alarm",
        f"expect = {{ min = {low}, max = {high} }}  # rows in one answer; {draft.rows} came",
        f"independence = {quoted(_family(host))}  # CHECK: one word for all outlets of one owner or wire",
        "live_tested = true" if draft.rows else "live_tested = false",
    ]
    return "\n".join([*lines, *_options(draft.options, draft)]) + "\n"


def _why_every(draft: Draft) -> str:
    gap = "unknown" if draft.gap_s is None else span(max(60, round(draft.gap_s / 60) * 60))
    asked = f", the feed asks for {draft.ttl_s // 60} min" if draft.ttl_s else ""
    return f"median time between two entries: {gap}{asked}"


def _family(host: str) -> str:
    """`news.example.co.kr` -> `example`: the owner's word in a host name, as far as it shows."""
    parts = [
        p for p in host.split(":")[0].lower().split(".") if p not in {"www", "rss", "feeds", "news"}
    ]
    known = [
        p
        for p in parts[:-1]
        if not p.isdigit() and p not in {"co", "com", "or", "go", "ac", "org", "net"}
    ]
    return slug((known or parts or ["private"])[-1]) or "private"


def _options(options: Mapping[str, object], draft: Draft) -> list[str]:
    plain = {name: value for name, value in options.items() if not isinstance(value, Mapping)}
    lines = (
        ["", "[options]", *(f"{name} = {quoted(str(v))}" for name, v in plain.items())]
        if plain
        else []
    )
    article = options.get("article")
    if isinstance(article, Mapping):
        lines += ["", "[options.article]  # CHECK: which field is what",
                  *(f"{name} = {quoted(str(value))}" for name, value in article.items())]  # fmt: skip
        lines += [
            f"{name} = {quoted(draft.url if name == 'url' else FILL_IN)}  # CHECK: no field was found for it"
            for name in draft.missing
        ]
    return lines


def quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's too."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


def span(seconds: int) -> str:
    """As source.toml spells it.

    >>> span(900), span(7200), span(172800)
    ('15m', '2h', '2d')
    """
    for unit, size in (("d", DAY), ("h", 3600)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{max(1, seconds // 60)}m"


# --------------------------------------------------------------------------- folders


def check_name(name: str, home: Path) -> Path:
    """The folder that a new source gets. CatalogError for a name that cannot be, or is taken."""
    if not re.fullmatch(NAME, name):
        raise CatalogError(f"{name!r}: use small letters, digits and _, beginning with a letter")
    if name in shipped_names():
        raise CatalogError(f"ews ships a source {name!r}; choose another name")
    folder = home / "sources" / name
    if folder.exists():
        raise CatalogError(f"{folder} is there already and is not overwritten; choose another name")
    return folder


def write_source(
    folder: Path,
    text: str,
    draft: Draft | None = None,
    now: datetime | None = None,
    parser: Parser = parse,
) -> None:
    """Make the folder with source.toml and, of a draft, the sample and what it yields; all or
    nothing. `parser` reads the sample: a worker's, since strangers wrote it."""
    work = folder.with_name(f".{folder.name}.{os.getpid()}")
    work.mkdir(parents=True)
    try:
        (work / "source.toml").write_text(text, "utf-8")
        if draft is not None and now is not None:
            (work / f"sample.{SAMPLES[draft.kind]}").write_bytes(draft.body)
            if told := _expected(folder.name, text, draft, now, parser):
                (work / "expected.json").write_text(told, "utf-8")
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _expected(name: str, text: str, draft: Draft, now: datetime, parser: Parser) -> str:
    try:
        source = private_source(name, text)
        parsed = parser(source, draft.body, now, draft.charset, "")
    except (CatalogError, SourceError):
        return ""  # something must be filled in first
    return expected_of(source, parsed, now, draft.charset)


def expected_of(source: Source, parsed: Parsed, now: datetime, label: str) -> str:
    """expected.json of a private source: as a shipped one's, with the clock and the charset of the
    header under which its sample was read."""
    signals = vouched(source, parsed.signals)
    told = json.loads(told_text(Parsed(signals, parsed.rows, parsed.newest)))
    return (
        json.dumps({"at": now.isoformat(), "label": label, **told}, ensure_ascii=False, indent=1)
        + "\n"
    )
