"""A log has lines of ews only, whatever strangers write."""

from __future__ import annotations

import logging

from ews.cli.logs import FORMAT, OneLine


def shown(message: str, error: Exception | None = None) -> str:
    trace = (type(error), error, None) if error else None
    record = logging.LogRecord("ews", logging.WARNING, "", 0, "scrape of x: %s", (message,), trace)
    return OneLine(FORMAT).format(record)


def test_no_text_from_outside_makes_a_line_of_its_own_or_steers_a_terminal() -> None:
    said = shown("odd\n2026-11-26 INFO ews cycle done\r\x1b[2J\x07\u2028\u202eabc \ud800 한글")
    assert len(said.splitlines()) == 1
    assert said.isprintable()
    assert said.endswith(
        "odd\\n2026-11-26 INFO ews cycle done\\r\\x1b[2J\\x07\\u2028\\u202eabc \\ud800 한글"
    )


def test_the_lines_of_a_traceback_are_none_of_the_log() -> None:
    said = shown("failed", ValueError("bad\n2026-11-26 INFO ews all is calm\x1b[2J"))
    first, *others = said.split("\n")
    assert first.endswith("failed")
    assert others
    assert all(line.startswith("  ") for line in others)
    assert "\x1b" not in said
