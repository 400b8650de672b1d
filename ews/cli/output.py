"""Printing: a table for a person, JSON for a program, progress only on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ews.reports.views import plain

KST = timezone(timedelta(hours=9), "KST")
STAGE_STYLE = {1: "blue", 2: "yellow", 3: "dark_orange", 4: "bold white on red"}
PIPE_WIDTH = 200  # a pipe has no width; wide enough that nothing is cut


@dataclass(frozen=True, slots=True)
class Output:
    """How one command prints."""

    lang: str
    as_json: bool
    console: Console

    def t(self, ko: str, en: str) -> str:
        return ko if self.lang == "ko" else en

    def json(self, value: object) -> None:
        """The value on stdout as JSON, Korean letters as they are."""
        sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(clean(text), style=style))

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        right: Sequence[int] = (),
    ) -> None:
        """A table of plain text: a title from outside never becomes markup or a control code."""
        from rich import box

        if title:
            self.say(title, "bold")
        table = Table(box=box.SIMPLE_HEAD)
        for place, name in enumerate(columns):
            table.add_column(name, justify="right" if place in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        self.console.print(table)

    def facts(self, rows: Iterable[tuple[str, object]]) -> None:
        """Name and value, one a line; empty values are left out."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        for name, value in rows:
            if value not in ("", None):
                grid.add_row(name, _cell(value))
        self.console.print(grid)


def output(lang: str | None, as_json: bool, default_lang: str = "ko") -> Output:
    """An Output for this command. ValueError for a language that ews does not speak."""
    chosen = lang or default_lang
    if chosen not in {"ko", "en"}:
        raise ValueError(f"unknown language {chosen!r}; use ko or en")
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PIPE_WIDTH, highlight=False, soft_wrap=False)
    return Output(chosen, as_json, console)


def _cell(value: object) -> Text:
    if isinstance(value, Text):
        return value
    if isinstance(value, datetime):
        return Text(moment(value))
    return Text("-" if value in (None, "") else clean(str(value)))


def clean(text: str) -> str:
    """Text without control characters: a feed must not steer the terminal.

    >>> clean("a\\x1b[31mb")
    'a[31mb'
    """
    return "".join(char for char in text if char.isprintable() or char == "\n")


def moment(at: datetime | None) -> str:
    """Korea's time with its zone, "-" for none.

    >>> from datetime import UTC
    >>> moment(datetime(2023, 10, 20, tzinfo=UTC))
    '2023-10-20 09:00 KST'
    """
    return "-" if at is None else at.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")


def stage_text(number: int, text: str) -> Text:
    return Text(text, style=STAGE_STYLE[number])


@contextmanager
def working(text: str) -> Iterator[None]:
    """A spinner on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(text):
        yield
