"""When was it? A date as publishers write it becomes an aware UTC datetime, or none at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_ZONES = {
    "KST": 9, "JST": 9, "SGT": 8, "HKT": 8, "CST": -6, "EST": -5, "EDT": -4, "CDT": -5,
    "PST": -8, "PDT": -7, "BST": 1, "CET": 1, "CEST": 2, "IST": 5.5, "MSK": 3, "UTC": 0, "GMT": 0,
    "WIB": 7, "ICT": 7, "AEST": 10, "AEDT": 11, "EET": 2, "EEST": 3,
}  # fmt: skip
_NAMED_ZONE = re.compile(r"\b(" + "|".join(_ZONES) + r")(?:([+-]\d{1,2})(?::?(\d{2}))?)?$")
_ZONE_WITHIN = re.compile(r"(:\d\d) ([A-Z]{3,4}) (\d{4})$")  # Fri Oct 20 14:05:00 KST 2023
_STAMP = re.compile(r"(?:19|20)\d{10}(?:\d{2})?")  # 20231020140500, 202310201405
# 2023년 10월 20일 오후 3:05, 2023.10.20. 14:05, 2023年10月20日 午後3時5分, 2023/10/20 (Fri) 14:05 +0900
_NUMBERS = re.compile(
    r"(\d{4})\s*[./年년-]\s*(\d{1,2})\s*[./月월-]\s*(\d{1,2})\s*[.日일]?"
    r"\s*(?:\([^()]{1,6}\)|[월화수목금토일]요일|星期.|周.)?[\sT,]*"
    r"(?:(오전|오후|午前|午後|上午|下午|AM|PM)?\s*"
    r"(\d{1,2})\s*[:时時시点點]\s*(?:(\d{1,2})\s*[:分분]?\s*(?:(\d{1,2})(?:\.\d+)?\s*[秒초]?)?)?"
    r"\s*(AM|PM)?)?\s*(?:([+-])(\d{2}):?(\d{2}))?",
    re.IGNORECASE,
)
_LATER = {"오후", "午後", "下午", "pm"}
# Oct 20, 2023 3:05 PM; 20 October 2023
_WORDS = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,?\s+)??(?:([A-Za-z]{3,9})\.?\s+(\d{1,2})|(\d{1,2})\s+([A-Za-z]{3,9})\.?),?"
    r"\s+(\d{4})(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AP]M)?)?\s*(?:([+-])(\d{2}):?(\d{2}))?",
    re.IGNORECASE,
)
_MONTHS = {
    name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}


def parse_date(raw: object, form: str = "", zone: str = "UTC") -> datetime | None:
    """An aware UTC datetime, or None when it is no date, or one that cannot be (30 February).

    `form` is "epoch_ms", "epoch_s", a strptime pattern, or "" for ISO 8601, RFC 5322 and the usual
    shapes of Korean, Chinese, Japanese and English pages; `zone` is what a date without one means.

    >>> parse_date("Fri, 20 Oct 2023 14:05:00 +0900").isoformat()
    '2023-10-20T05:05:00+00:00'
    >>> parse_date("2023년 10월 20일 오후 3:05", zone="Asia/Seoul").isoformat()
    '2023-10-20T06:05:00+00:00'
    >>> parse_date("202401", "%Y%m").isoformat()
    '2024-01-01T00:00:00+00:00'
    """
    try:
        moment = _parse(raw, form, zone)
        if moment is None or not 1900 <= moment.year <= 2200:
            return None
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError, IndexError, TypeError):
        return None


def _parse(raw: object, form: str, zone: str) -> datetime | None:
    if isinstance(raw, bool) or raw is None:
        return None
    number = isinstance(raw, int | float) or re.fullmatch(r"-?\d{10,14}", str(raw).strip())
    if number and not form and _STAMP.fullmatch(digits := str(raw).strip()):
        form = "%Y%m%d%H%M%S"[: 6 + (len(digits) - 8)]
    elif form in ("epoch_ms", "epoch_s") or (number and not form):
        value = float(str(raw))
        seconds = value if form == "epoch_s" or (not form and 1e8 <= value < 1e11) else value / 1000
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    text = " ".join(str(raw).split())[:80]
    moment = datetime.strptime(text, form) if form else _usual(text, zone)  # noqa: DTZ007
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _usual(text: str, zone: str) -> datetime:
    text = _ZONE_WITHIN.sub(r"\1 \3 \2", text)
    if named := _NAMED_ZONE.search(text):
        text = f"{text[: named.start()].strip()} {_offset(named, zone)}"
    if text[:1].isdigit():
        try:
            return datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            pass
        if (found := _NUMBERS.fullmatch(text)) is not None:
            return _of_numbers(found)
    if (found := _WORDS.fullmatch(text)) is not None:
        return _of_words(found)
    return parsedate_to_datetime(text)


def _offset(named: re.Match[str], zone: str) -> str:
    """The offset of a zone by name, of "GMT+9" too; CST is China's where the source is in Asia."""
    name, hours, minutes = named.groups()
    value = _ZONES[name]
    if name == "CST" and zone.startswith("Asia/"):
        value = 8
    if hours:
        value += int(hours) + (int(f"{hours[0]}{minutes}") / 60 if minutes else 0)
    whole = round(abs(value) * 60)
    return f"{'-' if value < 0 else '+'}{whole // 60:02d}{whole % 60:02d}"


def _of_numbers(found: re.Match[str]) -> datetime:
    year, month, day, half, hour, minute, second, late, sign, off_h, off_m = found.groups()
    moment = datetime(  # noqa: DTZ001
        int(year),
        int(month),
        int(day),
        _hour(hour, half or late),
        int(minute or 0),
        int(second or 0),
    )
    return _with_offset(moment, sign, off_h, off_m)


def _of_words(found: re.Match[str]) -> datetime:
    before, day1, day2, after, year, hour, minute, second, half, sign, off_h, off_m = found.groups()
    month = _MONTHS.get((before or after)[:3].lower(), 0)  # 0 is no month: ValueError
    moment = datetime(  # noqa: DTZ001
        int(year), month, int(day1 or day2), _hour(hour, half), int(minute or 0), int(second or 0)
    )
    return _with_offset(moment, sign, off_h, off_m)


def _hour(hour: str | None, half: str | None) -> int:
    """The hour of 24; noon and midnight are 12 in either half."""
    value = int(hour or 0)
    if half and value <= 12:
        value = value % 12 + (12 if half.lower() in _LATER else 0)
    return value


def _with_offset(moment: datetime, sign: str | None, hours: str, minutes: str) -> datetime:
    if not sign:
        return moment
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    return (moment - offset).replace(tzinfo=UTC)
