"""What do character references mean, those that mean nothing included? (HTML 13.2.5.80, XML 4.1)

Python's html.unescape raises for a number of more than 4,300 digits, and an XML parser gives up at a
reference to what is no character. One such entry would cost all entries of its feed: half of an emoji
written as `&#55357;` is common.
"""

from __future__ import annotations

import html
import re

NO_CHARACTER = "\ufffd"
# references that may mean no character of XML: not the three and four digits of most
_ODD = re.compile(r"&#(?:([0-9]{5,}|[0-9]{1,2}(?![0-9]))|[xX]([0-9a-fA-F]+));?")
_HALVES = re.compile("([\ud800-\udbff])([\udc00-\udfff])|[\ud800-\udfff]")
_ENDLESS = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")
_DIGITS = 12  # more than any character needs, leading zeros included


def unescaped(text: str) -> str:
    """html.unescape for text of strangers.

    >>> ascii(unescaped("&lt;b&gt; &#" + "9" * 9999 + ";"))
    "'<b> \\\\ufffd'"
    """
    return html.unescape(_ENDLESS.sub(_short, text) if "&#" in text else text)


def without_odd_references(text: str) -> str:
    """The XML with every reference to what is no character replaced, two halves of a pair by the
    character that they mean.

    >>> ascii(without_odd_references("<t>&#55357;&#56832; &#xD800; &#39; &#1;</t>"))
    "'<t>\\\\U0001f600 \\\\ufffd &#39; </t>'"
    """
    if "&#" not in text:
        return text
    return _HALVES.sub(_joined, _ODD.sub(_one, text))


def _short(match: re.Match[str]) -> str:
    number = _number(match.group()[2:].rstrip(";"))
    return NO_CHARACTER if number is None else f"&#{number};"


def _one(match: re.Match[str]) -> str:
    decimal, hexadecimal = match.groups()
    number = _number(decimal if decimal is not None else f"x{hexadecimal}")
    if number is None:
        return NO_CHARACTER
    if 0xD800 <= number <= 0xDFFF:
        return chr(number)  # for _joined
    if number < 0x20 and number not in (9, 10, 13):
        return ""
    return NO_CHARACTER if number in (0xFFFE, 0xFFFF) else match.group()


def _number(digits: str) -> int | None:
    """The code point of the digits after `&#`; None above the last one."""
    base = 16 if digits[0] in "xX" else 10
    bare = digits.lstrip("xX").lstrip("0") or "0"
    if len(bare) > _DIGITS:
        return None
    number = int(bare, base)
    return number if number <= 0x10FFFF else None


def _joined(match: re.Match[str]) -> str:
    high, low = match.groups()
    if not high:
        return NO_CHARACTER
    return chr(0x10000 + ((ord(high) - 0xD800) << 10) + ord(low) - 0xDC00)
