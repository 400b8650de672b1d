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
from scrapers.templates import FILL_IN, slug

DAY = 86_400
GROUPS_TOLD = "news | official | hazard | shipping | statistics | price | policy"
HEAD = {
    "en": """\
# A private source, written by `ews sources new` on {day}. Lines marked CHECK were guessed.
# Its texts are read and shown as unverified; they make no event until it is promoted
# (`ews sources promote`). Try it: `ews sources test {name}`, then `--live`.
""",
    "ko": """\
# `ews sources new`가 {day}에 쓴 자체 수집원입니다. CHECK라고 적힌 줄은 짐작이니 확인하십시오.
# 글은 읽어서 '확인되지 않은 출처'로 보입니다. 승격(`ews sources promote`) 전에는 사건을 만들지 않습니다.
# 시험: `ews sources test {name}`, 그다음 `--live`.
""",
}
_SOLD_AS_WORDS = {"ai", "cc", "co", "fm", "io", "ly", "me", "tv", "ws"}  # endings of no country


def source_text(name: str, draft: Draft, now: datetime, words: str = "en") -> str:
    """The text of source.toml for a draft, with what a person must check beside it, in the language
    `words` (ko or en)."""
    host = urlsplit(draft.url).netloc
    low, high = draft.expect
    title = one_line(draft.title)
    lines = (
        (f"publisher = {quoted(title or host)}", "CHECK: 누가 내는가", "CHECK: who publishes it"),
        (f"title = {quoted(title or name)}", "", ""),
        (f"url = {quoted(draft.url)}", "", ""),
        (f"kind = {quoted(draft.kind)}", "", ""),
        (f"lang = {quoted(draft.lang or 'mul')}", '"mul": 글마다 문자로 짐작', '"mul": guessed per text, by its script'),
        (f"country = {quoted(_country(host))}", "CHECK: 발행처의 나라, ISO 두 글자, EU 또는 INT",
         "CHECK: of the publisher, ISO code, EU or INT"),
        ('group = "news"', GROUPS_TOLD, GROUPS_TOLD),
        (f"tier = {PRIVATE_TIER}", "자체 수집원은 늘 이 값", "of a private source it is always this"),
        (f"terms = {quoted('아직 읽지 않음' if words == 'ko' else 'not read yet')}", "CHECK: 프로그램이 읽어도 되는가, 무엇을 두고 보여도 되는가",
         "CHECK: may a program read it, and what may be kept and shown"),
        (f"every = {quoted(span(draft.every_s))}", _why_every(draft, "ko"), _why_every(draft, "en")),
        (f"fresh_within = {quoted(span(draft.fresh_within_s))}", "CHECK: 이보다 오래 조용하면 경고",
         "CHECK: silence longer than this is an alarm"),
        (f"expect = {{ min = {low}, max = {high} }}",
         f"한 번의 답에 든 행; {draft.rows}행이 왔음. 비어 있어도 정상일 때만 min = 0",
         f"rows in one answer; {draft.rows} came. min = 0 only where it may be empty"),
        (f"independence = {quoted(_family(host))}", "CHECK: 한 소유자나 한 통신사의 매체가 함께 쓰는 한 낱말",
         "CHECK: one word for all outlets of one owner or wire"),
        ("live_tested = true" if draft.rows else "live_tested = false", "", ""),
    )  # fmt: skip
    told = [_beside(line, ko if words == "ko" else en) for line, ko, en in lines]
    head = HEAD["ko" if words == "ko" else "en"].format(day=now.date().isoformat(), name=name)
    return "\n".join([head, *told, *_options(draft.options, draft, words)]) + "\n"


def _beside(line: str, comment: str) -> str:
    return f"{line}  # {comment}" if comment else line


def _why_every(draft: Draft, words: str) -> str:
    minutes = None if draft.gap_s is None else max(60, round(draft.gap_s / 60) * 60)
    if words == "ko":
        asked = f", 피드가 바라는 간격 {draft.ttl_s // 60}분" if draft.ttl_s else ""
        return f"글 사이의 중간 간격: {span(minutes) if minutes else '모름'}{asked}"
    asked = f", the feed asks for {draft.ttl_s // 60} min" if draft.ttl_s else ""
    return f"median time between two entries: {span(minutes) if minutes else 'unknown'}{asked}"


def _country(host: str) -> str:
    """As the host's ending says; INT where it says none.

    >>> _country("www.example.co.kr"), _country("bbc.co.uk"), _country("x.io"), _country("x.org:80")
    ('KR', 'GB', 'INT', 'INT')
    """
    ending = host.split(":")[0].lower().rpartition(".")[2]
    if not re.fullmatch("[a-z]{2}", ending) or ending in _SOLD_AS_WORDS:
        return "INT"
    return "GB" if ending == "uk" else ending.upper()


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


def _options(options: Mapping[str, object], draft: Draft, words: str) -> list[str]:
    plain = {name: value for name, value in options.items() if not isinstance(value, Mapping)}
    lines = (
        ["", "[options]", *(f"{name} = {quoted(str(v))}" for name, v in plain.items())]
        if plain
        else []
    )
    article = options.get("article")
    if isinstance(article, Mapping):
        which, none = (
            ("CHECK: 어느 칸이 무엇인가", "CHECK: 맞는 칸을 찾지 못함")
            if words == "ko"
            else ("CHECK: which field is what", "CHECK: no field was found for it")
        )
        lines += ["", f"[options.article]  # {which}",
                  *(f"{name} = {quoted(str(value))}" for name, value in article.items())]  # fmt: skip
        lines += [
            f"{name} = {quoted(draft.url.partition('{')[0] if name == 'url' else FILL_IN)}  # {none}"
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
