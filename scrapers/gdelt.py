"""GDELT 2.0: a 15-minute knowledge-graph file becomes articles (titles only)."""

from __future__ import annotations

import hashlib
import html
import io
import re
import zipfile
from datetime import datetime

from ews.model import Article, Source
from scrapers.errors import SourceError
from scrapers.mapping import TITLE_CHARS, Parsed, Signal, dated, independence_of, utc_stamp
from scrapers.rows import read_member
from scrapers.text import canonical_url, clean_text, guess_lang

COLUMNS = 27
_TITLE = re.compile(r"<PAGE_TITLE>(.{1,1000}?)</PAGE_TITLE>")
_LANGS = {
    "kor": "ko", "zho": "zh", "jpn": "ja", "rus": "ru", "ara": "ar", "deu": "de", "fra": "fr",
    "spa": "es", "por": "pt", "ita": "it", "vie": "vi", "ind": "id", "tur": "tr", "hin": "hi",
}  # fmt: skip


def parse_gkg(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The page titles of one GKG file (zip), of rows that carry one of `themes`.

    Rows with another number of columns are dropped, as GDELT's own notes advise; SourceError when
    that are more than half.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [n for n in archive.namelist() if n.lower().endswith(".gkg.csv")]
            if not names:
                raise SourceError(f"{source.name}: no .gkg.csv in the archive; GDELT has changed")
            text = read_member(source, archive, names[0]).decode("utf-8", "replace")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError(
            f"{source.name}: not a zip file ({str(error)[:60]}); the slot is read again later"
        ) from None
    lines = [line for line in text.split("\n") if line.strip()]
    rows = [row for row in (line.split("\t") for line in lines) if len(row) == COLUMNS]
    if len(rows) * 2 < len(lines):
        raise SourceError(
            f"{source.name}: {len(lines) - len(rows)} of {len(lines)} rows have not {COLUMNS} "
            "columns; GDELT has changed its format"
        )
    themes = set(map(str, _list(source.options.get("themes"))))
    signals: dict[str, Signal] = {}
    newest: datetime | None = None
    for row in rows:
        observed, newest = dated(utc_stamp(row[1]), now, newest)
        article = _article(source, row, themes, observed, now)
        if article is not None and len(signals) < _limit(source):
            signals.setdefault(article.id, article)
    said = f"{len(lines) - len(rows)} odd rows dropped" if len(lines) > len(rows) else ""
    return Parsed(list(signals.values()), len(rows), newest, said)


def _article(
    source: Source, row: list[str], themes: set[str], observed: datetime, now: datetime
) -> Article | None:
    found = _TITLE.search(row[26])
    own = {theme for theme in row[7].split(";") if theme}
    if found is None or (themes and not own & themes):
        return None
    title = clean_text(html.unescape(found.group(1)), TITLE_CHARS)
    url = canonical_url(row[4])
    if not title or not url:
        return None
    outlet = clean_text(row[3], 80) or source.publisher
    translated = re.search(r"srclc:([a-z]{3})", row[25])
    lang = _LANGS.get(translated.group(1), "") if translated else guess_lang(title, "en")
    return Article(
        id=Article.make_id(source.name, url, title),
        source=source.name,
        outlet=outlet,
        url=url,
        title=title,
        text="",
        lang=lang,
        observed_at=observed,
        available_at=now,
        independence=independence_of(outlet, url) or outlet.lower(),
    )


def gkg_file(source: Source, body: bytes, url: str) -> str | None:
    """The GKG file that the index `lastupdate.txt` names (with its md5), None for the file itself.

    The md5 travels behind `#md5=` and is checked by `checked_md5`.
    """
    if body.startswith(b"PK"):
        checked_md5(source, body, url)
        return None
    for line in body[:4000].decode("ascii", "replace").splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[2].endswith(".gkg.csv.zip"):
            return f"{parts[2]}#md5={parts[1]}"
    raise SourceError(
        f"{source.name}: the index names no .gkg.csv.zip; it is read again at the next turn"
    )


def checked_md5(source: Source, body: bytes, url: str) -> None:
    """Raises SourceError when the body is not the one that the index announced."""
    wanted = url.partition("#md5=")[2]
    if wanted and hashlib.md5(body, usedforsecurity=False).hexdigest() != wanted.lower():
        raise SourceError(
            f"{source.name}: the file's md5 differs from the index; the slot is read again later"
        )


def _limit(source: Source) -> int:
    limit = source.options.get("max_entries")
    return limit if isinstance(limit, int) else 2000


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
