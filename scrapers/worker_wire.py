"""What may a parse worker say, and is it true? Its answer as lines of data, checked on arrival.

The bytes that a worker reads were written by strangers, so what it says is not trusted either: a
line is a short JSON list (never pickle), made into a noun and forgotten before the next is read. A
worker that was taken over can tell lies about its own source and about nothing else.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import NoReturn
from urllib.parse import urlsplit

from ews.model import (
    KEYED_ID,
    Article,
    Frequency,
    Observation,
    Series,
    Source,
    VintageBasis,
    series_parts,
)
from scrapers.errors import SourceError, Truncated
from scrapers.mapping import Parsed, Signal, independence_of

LINE_BYTES = 64 * 1024
ANSWER_BYTES = 64 * 1024 * 1024
PIECE = 8_000  # characters of a memory in one line
MOST = {"article": 20_000, "observation": 400_000, "series": 200_000, "memory": 1_000}
ENTRIES = 5_000  # of a body, where max_entries does not say another number
LEAVING = b'["leaving"]\n'  # said before the last line: take another worker for the next body
HEAD = struct.Struct(">IQ")  # bytes of the JSON header, bytes of the body

_LINK = re.compile(r"https?://[^\s\\<>\"`{}|^]{1,2000}")
# controls and ends of lines, bidirectional overrides and lone surrogates: none is in a text that was
# cleaned, and a line of its own would be one in logs and messages
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST = {"title": 400, "text": 4_000, "outlet": 200, "lang": 12, "name": 300}


class Nonsense(Exception):
    """The worker said what no worker of ours says."""


# --------------------------------------------------------------------------- the question


def question(
    source: Source, body: bytes, now: datetime, label: str, memory: str, limits: Mapping[str, float]
) -> bytes:
    """The frame before the body: its lengths and the JSON header."""
    told = {
        "source": asdict(source), "now": now.isoformat(), "label": label, "memory": memory,
        "limits": dict(limits),
    }  # fmt: skip
    header = json.dumps(told, separators=(",", ":"), default=str).encode()
    return HEAD.pack(len(header), len(body)) + header


# --------------------------------------------------------------------------- the answer, as said


def answer(parsed: Parsed) -> Iterator[bytes]:
    """The lines that tell what was parsed; the last one is `end`."""
    for signal in parsed.signals:
        yield _said(_article(signal) if isinstance(signal, Article) else _observation(signal))
    for one in parsed.series:
        yield _said([
            "series", one.name, one.frequency.value, one.unit, one.source, one.currency,
            one.classification, one.valuation, one.title,
        ])  # fmt: skip
    memory = parsed.memory
    for at in range(0, len(memory or ""), PIECE):
        yield _said(["memory", (memory or "")[at : at + PIECE]])
    newest = parsed.newest.isoformat() if parsed.newest else None
    yield _said([
        "end", parsed.rows, newest, parsed.said[:2000], parsed.ttl_s, memory is not None,
        parsed.refused[:2000],
    ])  # fmt: skip


def refusal(error: SourceError) -> bytes:
    """The line that tells why nothing could be parsed."""
    return _said([
        "error", error.message[:2000], error.permanent, error.retry_after_s, error.status,
        isinstance(error, Truncated),
    ])  # fmt: skip


def _said(line: list[object]) -> bytes:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace") + b"\n"


def _article(one: Article) -> list[object]:
    return [
        "article", one.id, one.outlet, one.url, one.title, one.text, one.lang,
        one.observed_at.isoformat(), one.independence, one.authority,
    ]  # fmt: skip


def _observation(one: Observation) -> list[object]:
    return [
        "observation", one.series, one.observed_at.isoformat(), one.available_at.isoformat(),
        one.value, one.unit, one.basis.value,
    ]  # fmt: skip


# --------------------------------------------------------------------------- the answer, as believed


def believed(source: Source, now: datetime, lines: Iterable[bytes]) -> Parsed:
    """The answer, checked against what this source may say. Raises Nonsense, and the SourceError
    that the worker told."""
    listener = Listener(source, now)
    size = 0
    for line in lines:
        size += len(line)
        if size > ANSWER_BYTES:
            raise Nonsense("it said too much")
        done = listener.hear(line)
        if done is not None:
            return done
    raise Nonsense("it stopped in the middle")


class Listener:
    """One answer as it comes, line by line."""

    def __init__(self, source: Source, now: datetime) -> None:
        self.source, self.now = source, now
        self.signals: list[Signal] = []
        self.series: list[Series] = []
        self.memory: list[str] = []
        self.counts, self.most = dict.fromkeys(MOST, 0), most_of(source)
        self._said: dict[str, str] = {}  # names and units that come again and again, once
        self._times: dict[str, datetime] = {}
        self._gathers = source.tier == 3 or bool(source.options.get("aggregator"))
        self._providers, self._keyed = providers(source), _keyed(source)
        self._kinds: dict[object, Callable[[list[object]], None]] = {
            "article": self._article, "observation": self._observation,
            "series": self._series, "memory": self._piece,
        }  # fmt: skip

    def hear(self, line: bytes) -> Parsed | None:
        """None until the answer is complete. Raises Nonsense or the SourceError told."""
        if len(line) > LINE_BYTES or not line.endswith(b"\n"):
            raise Nonsense("a line without end")
        try:
            said = json.loads(line, parse_constant=_no_number)
            if not isinstance(said, list) or not said:
                raise Nonsense("a line that is no list")
            return self._heard(said)
        except (
            ValueError,
            TypeError,
            IndexError,
            KeyError,
            OverflowError,
            RecursionError,
        ) as error:
            raise Nonsense(f"{type(error).__name__}: {str(error)[:80]}") from None

    def _heard(self, said: list[object]) -> Parsed | None:
        kind = said[0]
        if kind == "end":
            return self._end(*said[1:])
        if kind == "error":
            _tell(*said[1:])
        if not isinstance(kind, str) or kind not in self._kinds:
            raise Nonsense("a line of no known kind")
        self.counts[kind] += 1
        if self.counts[kind] > self.most[kind]:
            raise Nonsense(f"more than {self.most[kind]:,} times {kind}")
        self._kinds[kind](said[1:])
        return None

    def _article(self, said: list[object]) -> None:
        id, outlet, url, title, text, lang, observed, independence, authority = said
        outlet, title = _words(outlet, "outlet"), _words(title, "title")
        url = "" if url == "" else _link(url)
        its_own = any(id == one for one in _ids(self.source.name, outlet, url, title))
        if not its_own and not (self._keyed and KEYED_ID.fullmatch(str(id))):
            raise Nonsense("an id that is not its text's")
        if authority not in (None, self.source.authority):
            raise Nonsense("an authority that the source has not")
        moment = _time(observed)
        if moment > self.now:
            raise Nonsense("a text of the future")
        self.signals.append(Article(
            id=str(id), source=self.source.name, outlet=outlet, url=url, title=title,
            text=_words(text, "text"), lang=_words(lang, "lang"), observed_at=moment,
            available_at=self.now, independence=self._independence(independence, outlet, url),
            authority=str(authority) if authority is not None else None,
            trusted=self.source.trusted,
        ))  # fmt: skip

    def _independence(self, said: object, outlet: str, url: str) -> str:
        if said == self.source.independence:
            return self.source.independence
        own = (independence_of(outlet, url), independence_of(outlet), outlet.lower())
        if self._gathers and (said in own or not url):
            return _words(said, "outlet")
        raise Nonsense("an independence group that is not the source's")

    def _observation(self, said: list[object]) -> None:
        series, observed, available, value, unit, basis = said
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise Nonsense("a value that is no number")
        period = self._moment(observed)
        if period > self.now + timedelta(days=1):
            raise Nonsense("a value of the future")
        self.signals.append(Observation(
            series=self._name(series), observed_at=period,
            available_at=min(self._moment(available), self.now), value=float(value),
            unit=self._once(_words(unit, "outlet")), source=self.source.name, basis=VintageBasis(str(basis)),
        ))  # fmt: skip

    def _series(self, said: list[object]) -> None:
        name, frequency, unit, source, currency, classification, valuation, title = said
        if source not in ("", self.source.name):
            raise Nonsense("a series of another source")
        self.series.append(Series(
            name=self._name(name), frequency=Frequency(str(frequency)), unit=_words(unit, "outlet"),
            source=str(source), currency=_words(currency, "lang"),
            classification=_words(classification, "outlet"), valuation=_words(valuation, "lang"),
            title=_words(title, "title"),
        ))  # fmt: skip

    def _name(self, said: object) -> str:
        name = _words(said, "name")
        if series_parts(name)[0] not in self._providers:
            raise Nonsense(f"a series of {name[:40]!r}, which is not this source's")
        return self._once(name)

    def _once(self, text: str) -> str:
        return self._said.setdefault(text, text)

    def _moment(self, said: object) -> datetime:
        known = self._times.get(said) if isinstance(said, str) else None
        if known is None:
            known = self._times[str(said)] = _time(said)
        return known

    def _piece(self, said: list[object]) -> None:
        (text,) = said
        if not isinstance(text, str):
            raise Nonsense("a memory that is no text")
        self.memory.append(text)

    def _end(
        self, rows: object, newest: object, said: object, ttl: object, kept: object, refused: object
    ) -> Parsed:
        if not _whole(rows) or not _whole(ttl) or not isinstance(said, str):
            raise Nonsense("an end of another form")
        latest = _time(newest) if newest is not None else None
        if latest is not None and latest > self.now + timedelta(days=1):
            raise Nonsense("a newest date that is in the future")
        return Parsed(
            self.signals, int(str(rows)), latest, _plain(said), min(int(str(ttl)), 86_400),
            self.series, "".join(self.memory) if kept is True else None, _plain(str(refused)),
        )  # fmt: skip


def providers(source: Source) -> frozenset[str]:
    """First parts of the series that a source may state: those of its templates, else its kind.

    >>> sorted(providers(Source("x", "", "", "", "comtrade", "", "", "", 1, 1, 0, 1)))
    ['comtrade']
    """
    specs = source.options.get("observation", [])
    listed = specs if isinstance(specs, list | tuple) else [specs]
    names = {str(one["series"]).partition("/")[0] for one in listed if isinstance(one, Mapping)}
    return frozenset(names) or frozenset({source.kind})


def most_of(source: Source) -> dict[str, int]:
    """How often a worker may say each thing of one body: no more than the rows that are read give."""
    given = source.options.get("max_entries")
    rows = max(given if isinstance(given, int) else 0, ENTRIES)
    specs = source.options.get("observation", ())
    each = len(specs) if isinstance(specs, list | tuple) else 1
    if source.kind in ("comtrade", "customs"):  # tables without templates
        return {**MOST, "article": 0}
    values = min(rows * each, MOST["observation"])
    return {**MOST, "article": min(rows, MOST["article"]), "observation": values, "series": values}


def _keyed(source: Source) -> bool:
    """Whether this source's articles have ids by a key (scrapers.mapping.article_id)."""
    spec = source.options.get("article")
    return source.kind == "list" or (isinstance(spec, Mapping) and "key" in spec)


def _ids(name: str, outlet: str, url: str, title: str) -> Iterator[object]:
    """The ids that an article may have, the usual one first (Article.make_id)."""
    if url:
        yield Article.make_id(name, url, title)
    yield Article.make_id(outlet, "", title)
    yield Article.make_id(name, "", title)


def _tell(
    message: object, permanent: object, retry: object, status: object, truncated: object
) -> NoReturn:
    if not isinstance(message, str) or not isinstance(permanent, bool):
        raise Nonsense("an error of another form")
    kind = Truncated if truncated is True else SourceError
    raise kind(
        _plain(message)[:2000], permanent=permanent,
        retry_after_s=min(int(str(retry)), 86_400) if _whole(retry) else None,
        status=int(str(status)) if _whole(status) else None,
    )  # fmt: skip


def _words(said: object, what: str) -> str:
    if not isinstance(said, str) or len(said) > _LONGEST[what]:
        raise Nonsense(f"a {what} that is no short text")
    if not said.isprintable() and _CONTROL.search(said):
        raise Nonsense(f"a {what} with controls in it")
    return said


def _link(said: object) -> str:
    if not isinstance(said, str) or not _LINK.fullmatch(said) or not urlsplit(said).hostname:
        raise Nonsense("a link that is not http or https")
    return said


def _time(said: object) -> datetime:
    moment = datetime.fromisoformat(said) if isinstance(said, str) else None
    if moment is None or moment.utcoffset() != timedelta(0) or not 1900 <= moment.year <= 2201:
        raise Nonsense("a time that is not in UTC")
    return moment


def _plain(said: str) -> str:
    return _CONTROL.sub(" ", said)


def _whole(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= 10**9


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
