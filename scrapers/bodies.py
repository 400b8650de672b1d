"""What did the answer carry? Its body: decoded, whole, within the cap, or an error in words."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import httpx2

from scrapers.errors import SourceError
from scrapers.guard import TimedStream

_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
MOST_HEADERS = 500


def read_body(response: httpx2.Response, cap: int, cut: bool = False) -> bytes:
    """The decoded body. Raises SourceError as soon as it passes `cap` bytes, on the wire or
    decoded; with `cut` its first `cap` bytes are returned instead.

    Only gzip and deflate are decoded, which is what we ask for; anything else is refused before it
    is read. A body that ends early, or is longer than its Content-Length, is an error: half of a
    list must never be taken for the whole.
    """
    if len(response.headers.raw) > MOST_HEADERS:
        raise SourceError(f"the answer has {len(response.headers.raw):,} headers; refused")
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise SourceError(
            f"content encoding {coding[:40]!r} was not asked for; refused. Tell the publisher that "
            "Accept-Encoding says gzip, deflate"
        )
    pieces = _wire(response, cap, cut)
    if coding not in ("", "identity"):
        pieces = _inflated(pieces, coding)
    return _joined(pieces, cap, cut)


def _joined(pieces: Iterator[bytes], cap: int, cut: bool) -> bytes:
    kept = io.BytesIO()  # grows in place and gives its buffer away: a list of pieces is held twice
    for piece in pieces:
        kept.write(piece)
        if kept.tell() > cap:
            if cut:
                return kept.getvalue()[:cap]
            raise _too_large(cap)
    return kept.getvalue()


def _too_large(cap: int) -> SourceError:
    return SourceError(
        f"the answer is larger than {cap:,} bytes; ask for less, or raise max_bytes in source.toml",
        permanent=True,
    )


def _wire(response: httpx2.Response, cap: int, cut: bool) -> Iterator[bytes]:
    """The bytes as they come, at most `cap`, and no more than Content-Length said."""
    for piece in response.iter_raw():
        if response.num_bytes_downloaded > cap and not cut:
            raise _too_large(cap)
        yield piece
    stated = "content-length" in response.headers and "transfer-encoding" not in response.headers
    stream = response.extensions.get("network_stream")
    if stated and isinstance(stream, TimedStream):
        over = stream.body_bytes() - response.num_bytes_downloaded
        if over > 0:
            raise SourceError(
                f"the answer goes on {over:,} bytes after the length that it states, so its end is "
                "not known; it is tried again at the next turn"
            )


def _inflated(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """The pieces without their compression, never more than 64 KiB at a time."""
    machine, begun = None, False
    for piece in pieces:
        data = piece
        while data:
            if machine is None:
                # a gzip file may have several members; padding after the last is nobody's text
                if begun and (coding == "deflate" or data[:1] != b"\x1f"):
                    break
                machine, begun = zlib.decompressobj(_bits(coding, data[0])), True
            yield from _decompressed(machine, data)
            data = machine.unused_data if machine.eof else b""
            if machine.eof:
                machine = None
    if machine is not None:
        raise SourceError(
            f"the {coding} answer ends before its end; it is tried again at the next turn"
        )


def _bits(coding: str, first: int) -> int:
    """How zlib reads it: gzip, or deflate in zlib's wrapping (RFC 1950) or, as some send, bare."""
    if coding != "deflate":
        return _GZIP
    return zlib.MAX_WBITS if first & 0x0F == 8 and first >> 4 <= 7 else -zlib.MAX_WBITS


def _decompressed(machine: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = machine.decompress(data, _PIECE)
            yield piece
            data = machine.unconsumed_tail
            if machine.eof or (not data and len(piece) < _PIECE):
                return
    except zlib.error as error:
        raise SourceError(
            f"the answer cannot be decoded ({error}); it is tried again at the next turn"
        ) from None
