"""One GDELT 2.0 file: a zip with one table of tab-separated rows. What is in it, line by line?

Columns as in GDELT's own documents (events 61, mentions 16, GKG 27; no header). The table is read as
a stream: neither its text nor a copy of it is ever held as a whole.
"""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ews.model import Source
from scrapers import rows
from scrapers.errors import SourceError

EVENTS, MENTIONS, GKG = "export.csv", "mentions.csv", "gkg.csv"  # in the order of reading
COLUMNS = {EVENTS: 61, MENTIONS: 16, GKG: 27}
NAME = re.compile(r"(\d{14})(\.translation)?\.(export\.csv|mentions\.csv|gkg\.csv)", re.IGNORECASE)
BLOCK = 1 << 18
MAX_LINE = 4 << 20  # the longest row seen by others has 36 kB
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError,
    NotImplementedError, RuntimeError,
)  # fmt: skip


@dataclass
class Table:
    """The rows of one file; `read` and `odd` count while they are gone through."""

    source: Source
    what: str  # EVENTS | MENTIONS | GKG
    blocks: Iterator[list[bytes]]
    read: int = 0  # rows with the right number of columns
    odd: int = 0  # others, which GDELT's notes advise to drop
    _tabs: int = field(init=False)

    def __post_init__(self) -> None:
        self._tabs = COLUMNS[self.what] - 1

    def __iter__(self) -> Iterator[bytes]:
        """The rows that have all columns. Raises SourceError for damage and when most rows are odd."""
        for block in self.blocks:
            for line in block:
                if line.count(b"\t") == self._tabs:
                    self.read += 1
                    yield line
                elif line and not line.isspace():
                    self.odd += 1
        if self.odd > self.read:
            raise SourceError(
                f"{self.source.name}: {self.odd} of {self.odd + self.read} rows of {self.what} have "
                f"not {self._tabs + 1} columns; GDELT has changed its format"
            )

    @property
    def said(self) -> str:
        return f"{self.odd} odd rows of {self.what} left out" if self.odd else ""


def open_table(source: Source, body: bytes) -> Table:
    """The table in a zip file of GDELT. Raises SourceError unless it holds one file of a known name."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        names = archive.namelist()
    except _DAMAGE as error:
        raise _damaged(source, "the file", error) from None
    found = NAME.fullmatch(names[0]) if len(names) == 1 else None
    if found is None:
        raise SourceError(
            f"{source.name}: the archive holds {len(names)} files and not one .gkg.csv, .export.CSV or "
            "no .gkg.csv; GDELT has changed, compare it with the sample"
        )
    return Table(source, found.group(3).lower(), _blocks(source, archive, names[0]))


def _blocks(source: Source, archive: zipfile.ZipFile, name: str) -> Iterator[list[bytes]]:
    """The lines of one file in blocks; the zip's CRC is checked at the end."""
    left, size = b"", 0
    try:
        with archive, archive.open(name) as handle:
            while block := handle.read(BLOCK):
                size += len(block)
                if size > rows.MAX_UNZIPPED or len(left) > MAX_LINE:
                    raise SourceError(f"{source.name}: {name[:60]} unpacks to too much; refused")
                lines = (left + block).split(b"\n")
                left = lines.pop()
                yield lines
    except _DAMAGE as error:
        raise _damaged(source, name[:60], error) from None
    yield [left]


def _damaged(source: Source, what: str, error: Exception) -> SourceError:
    return SourceError(
        f"{source.name}: {what} is not a whole zip file ({str(error)[:60]}); the slot is read again later"
    )
