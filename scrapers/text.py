"""What does it say, in plain words? Charsets, clean text, canonical links, dates, language."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from charset_normalizer import from_bytes

# --------------------------------------------------------------------------- charset

# Pages labelled EUC-KR are written in its superset cp949, and so on for the others.
_SUPERSETS = {
    "euc-kr": "cp949", "euckr": "cp949", "ks_c_5601": "cp949", "ks_c_5601-1987": "cp949",
    "ks-c-5601-1987": "cp949", "ksc5601": "cp949", "ms949": "cp949", "windows-949": "cp949",
    "x-windows-949": "cp949", "uhc": "cp949", "korean": "cp949",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252",
    "ascii": "cp1252", "iso-8859-9": "cp1254", "tis-620": "cp874",
}  # fmt: skip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""(?:<\?xml[^>]{0,200}?encoding|<meta[^>]{0,200}?charset)\s*=\s*["']?\s*([\w.:-]{2,40})""",
    re.IGNORECASE,
)


def decode(body: bytes, http_label: str = "") -> str:
    """The text of a body, whatever its label says: BOM, UTF-8 when valid, labels, detector.

    UTF-8 goes before the labels because a wrong label is common and valid UTF-8 by chance is not.
    Bytes that fit nothing become U+FFFD; it never raises.
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace")
    if (wide := _utf16_without_bom(body)) is not None:
        return wide
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        # one broken sequence in long good UTF-8 (a body cut by a byte count) is still UTF-8
        if error.start > 0.9 * len(body) and any(b > 127 for b in body[: error.start]):
            return body.decode("utf-8", "replace")
    declared = _DECLARED.search(body[:2048])
    labels = [declared.group(1).decode("ascii", "replace") if declared else "", http_label]
    best: tuple[int, str] | None = None
    for label in labels:
        text = _by_label(body, label)
        if text is not None:
            bad = text.count("\ufffd") + (len(text) if _looks_wrong(text) else 0)
            if bad == 0:
                return text
            best = min(best or (bad, text), (bad, text))
    guess = _by_detector(body)
    if guess is not None and (best is None or guess.count("\ufffd") < best[0]):
        return guess
    return best[1] if best else body.decode("cp1252", "replace")


def _by_label(body: bytes, label: str) -> str | None:
    name = label.strip().strip("\"'").lower()
    if not name or name.replace("-", "") in {"utf8"}:
        return None
    try:
        return body.decode(_SUPERSETS.get(name, name), "replace")
    except (LookupError, ValueError):
        return None


_LATIN = re.compile(
    "[\x80-\xff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]+"
)


def _looks_wrong(text: str) -> bool:
    """A Latin label on two-byte text shows as long runs of accented letters."""
    runs = [len(run) for run in _LATIN.findall(text[:20_000])]
    return sum(runs) > 8 and sum(n for n in runs if n >= 4) > 0.5 * sum(runs)


def _by_detector(body: bytes) -> str | None:
    sample = body[:64_000]
    try:  # Korean first: short headlines in cp949 are what we meet undeclared
        korean = sample.decode("cp949")
    except UnicodeDecodeError as error:
        korean = sample.decode("cp949", "ignore") if error.start > len(sample) - 3 else ""
    hangul = sum(1 for c in korean if "가" <= c <= "힣")
    foreign = sum(1 for c in korean if ord(c) > 127)
    if hangul and hangul >= 0.6 * foreign:
        return body.decode("cp949", "replace")
    match = from_bytes(sample).best()
    return body.decode(match.encoding, "replace") if match is not None else None


def _utf16_without_bom(body: bytes) -> str | None:
    head = body[:4]
    if head == b"<\x00?\x00":
        return body.decode("utf-16-le", "replace")
    if head == b"\x00<\x00?":
        return body.decode("utf-16-be", "replace")
    return None


# --------------------------------------------------------------------------- clean text

_BLOCK = re.compile(r"</?(?:br|p|div|li|ul|ol|td|tr|h[1-6]|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!?][^<>]*>")
_OPENING = re.compile(r"<(?=[a-zA-Z/!?])")
# controls, zero-width and bidirectional marks, line separators, private use, non-characters
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
_BREAKS = re.compile(r"[\s\u2028\u2029]+")


def clean_text(raw: str, limit: int = 2000) -> str:
    """Plain text: no tags, entities undone twice, no control or bidi marks, NFC, at most `limit`.

    >>> clean_text("<b>Urea</b> &amp;quot;halted&amp;quot;<script>x()</script>")
    'Urea "halted"'
    """
    text = raw[: max(limit * 10, 20_000)]
    for _ in range(2):  # Yonhap escapes its entities twice
        text = html.unescape(_without_tags(text))
    text = _OPENING.sub("", _without_tags(text))
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    text = _BREAKS.sub(" ", text).strip()
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ", int(limit * 0.8))
    return (cut[:space] if space > 0 else cut).rstrip() + "…"


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    for start, end in (
        ("<!--", "-->"),
        ("<![CDATA[", None),
        ("<script", "</script"),
        ("<style", "</style"),
    ):
        text = _drop(text, start, end)
    return _TAG.sub("", _BLOCK.sub(" ", text))


def _drop(text: str, start: str, end: str | None) -> str:
    """The text without every `start ... end` block, in one pass; an unclosed block goes to the end.

    With `end` None only the opening mark goes.
    """
    lower = text.lower()
    start = start.lower()
    if start not in lower or len(lower) != len(text):
        return text
    if end is None:
        return re.sub(re.escape(start), "", text, flags=re.IGNORECASE).replace("]]>", "")
    kept: list[str] = []
    at = 0
    while (found := lower.find(start, at)) >= 0:
        kept.append(text[at:found])
        close = lower.find(end, found + len(start))
        if close < 0:
            return "".join(kept)
        at = close + len(end)
        if end.startswith("</"):
            gt = lower.find(">", at)
            at = gt + 1 if gt >= 0 else len(text)
    kept.append(text[at:])
    return "".join(kept)


# --------------------------------------------------------------------------- links

_TRACKING = re.compile(
    r"^(utm_.*|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|igshid|cmpid|ocid|at_.*|ns_.*|ito|smid|"
    r"cmp|src|ref|ref_src|traffic_source|wt_mc|ftag|xtor|spm|feed_id|_hsenc|_hsmi)$",
    re.IGNORECASE,
)
_SAFE = "%/:=&?~#+!$,;'@()*[]-._"


def canonical_url(raw: str, base: str = "") -> str:
    """The link without tracking parameters and fragment, or "" when it is not a plain http(s) one.

    >>> canonical_url("HTTPS://Example.org:443/a?utm_source=x&id=7#top")
    'https://example.org/a?id=7'
    >>> canonical_url("javascript:alert(1)")
    ''
    """
    text = html.unescape(_INVISIBLE.sub("", raw)).strip()
    if not text or len(text) > 2000 or re.search(r"[\s\\<>\"`{}|^]", text):
        return ""
    try:
        own_scheme = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text)
        parts = urlsplit(text if own_scheme else urljoin(base, text))
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    scheme = parts.scheme.lower()
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    query = parts.query
    if query:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return ""
        if any(_TRACKING.match(name) for name, _ in pairs):
            query = urlencode([(n, v) for n, v in pairs if not _TRACKING.match(n)])
    path = quote(parts.path or "/", safe=_SAFE)
    return urlunsplit((scheme, host, path, quote(query, safe=_SAFE), ""))


# --------------------------------------------------------------------------- dates

_ZONES = {
    "KST": 9, "JST": 9, "SGT": 8, "HKT": 8, "CST": -6, "EST": -5, "EDT": -4, "CDT": -5,
    "PST": -8, "PDT": -7, "BST": 1, "CET": 1, "CEST": 2, "IST": 5.5, "MSK": 3, "UTC": 0, "GMT": 0,
}  # fmt: skip
_NAMED_ZONE = re.compile(r"\b(" + "|".join(_ZONES) + r")$")


def parse_date(raw: object, form: str = "", zone: str = "UTC") -> datetime | None:
    """An aware UTC datetime, or None when it is no date.

    `form` is "epoch_ms", "epoch_s", a strptime pattern, or "" for ISO 8601, RFC 822 and the usual
    shapes; `zone` is what a date without one means.

    >>> parse_date("Fri, 20 Oct 2023 14:05:00 +0900").isoformat()
    '2023-10-20T05:05:00+00:00'
    >>> parse_date("202401", "%Y%m").isoformat()
    '2024-01-01T00:00:00+00:00'
    """
    try:
        moment = _parse(raw, form, zone)
    except (ValueError, OverflowError, OSError, IndexError, TypeError):
        return None
    if moment is None or not 1900 <= moment.year <= 2200:
        return None
    return moment.astimezone(UTC)


def _parse(raw: object, form: str, zone: str) -> datetime | None:
    if isinstance(raw, bool) or raw is None:
        return None
    number = isinstance(raw, int | float) or re.fullmatch(r"-?\d{11,14}", str(raw).strip())
    if form in ("epoch_ms", "epoch_s") or (number and not form):
        seconds = float(str(raw)) / (1 if form == "epoch_s" else 1000)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    text = " ".join(str(raw).split())[:80]
    moment = datetime.strptime(text, form) if form else _usual(text)  # noqa: DTZ007
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _usual(text: str) -> datetime:
    if named := _NAMED_ZONE.search(text):
        hours = _ZONES[named.group(1)]
        sign = "-" if hours < 0 else "+"
        minutes = int(abs(hours) * 60)
        text = f"{text[: named.start()].strip()} {sign}{minutes // 60:02d}{minutes % 60:02d}"
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        pass
    dotted = re.fullmatch(
        r"(\d{4})[./](\d{1,2})[./](\d{1,2})\.?(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", text
    )
    if dotted:
        return datetime(*(int(part or 0) for part in dotted.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    return parsedate_to_datetime(text)


# --------------------------------------------------------------------------- language


def guess_lang(text: str, default: str = "") -> str:
    """ko, ja, zh, ru, ar, th or hi by script; `default` for Latin letters and for no letters.

    >>> guess_lang("요소 수출 제한"), guess_lang("尿素出口"), guess_lang("Urea", "en")
    ('ko', 'zh', 'en')
    """
    counts = {"ko": 0, "ja": 0, "zh": 0, "ru": 0, "ar": 0, "th": 0, "hi": 0, "": 0}
    for char in text[:2000]:
        counts[_script(ord(char))] += 1
    script = max((k for k in counts if k), key=lambda k: counts[k])
    if counts["ja"] >= 2 and counts["ko"] < counts["ja"]:
        return "ja"  # kana decides, however many Chinese characters surround it
    if counts["ko"] >= 2 and counts["ko"] * 2 >= counts["zh"]:
        return "ko"
    letters = sum(char.isalpha() for char in text[:2000])
    return script if counts[script] and counts[script] * 3 >= letters else default


def _script(code: int) -> str:
    for lang, first, last in (
        ("ko", 0xAC00, 0xD7A3), ("ja", 0x3040, 0x30FF), ("zh", 0x4E00, 0x9FFF),
        ("ru", 0x0400, 0x04FF), ("ar", 0x0600, 0x06FF), ("th", 0x0E00, 0x0E7F),
        ("hi", 0x0900, 0x097F),
    ):  # fmt: skip
        if first <= code <= last:
            return lang
    return ""
