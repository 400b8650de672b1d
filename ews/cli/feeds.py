"""`ews feeds`: CAP messages, their Atom feed and the calendar of dates, as files."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home

app = typer.Typer(no_args_is_help=True, help="CAP, Atom and calendar, for other systems.")
Out = Annotated[
    Path | None, typer.Option("--out", help="File to write (whole or not at all); else printed.")
]
FeedLang = Annotated[str, typer.Option("--lang", help="ko or en.")]


@app.callback()
def feeds() -> None:
    """CAP, Atom and calendar, for other systems."""


@app.command("cap")
def cap(
    identifier: Annotated[
        str | None, typer.Argument(help="ALERT.REVISION: print this message.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write every message into.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How far back.")] = 90,
    home: Home = None,
) -> None:
    """CAP 1.2 messages: one printed, or all of the last days as files. Written ones stay as they
    are. (A receiver with channel = "cap" gets them by itself, by the routes.)"""
    from ews.cli.opening import reading
    from ews.reports.feeds import cap_document, issuer_of, published_since

    if (identifier is None) == (out is None):
        raise typer.BadParameter("give ALERT.REVISION to print one, or --out FOLDER for all")
    with reading(home) as (settings, store):
        issuer = issuer_of(settings)
        if identifier is not None:
            _print(cap_document(store, issuer, identifier))
            return
        assert out is not None
        out.mkdir(parents=True, exist_ok=True)
        found = published_since(store, issuer, datetime.now(UTC) - timedelta(days=days))
        new = [one for one in found if not (out / f"{one.identifier}.xml").exists()]
        for one in reversed(new):
            write(out / f"{one.identifier}.xml", cap_document(store, issuer, one.identifier))
    typer.echo(f"{len(new)} new of {len(found)} in {out}")


@app.command("atom")
def atom(
    out: Out = None,
    base: Annotated[
        str | None,
        typer.Option("--base", help="What addresses begin with (default: public_url/feeds/)."),
    ] = None,
    page: Annotated[int, typer.Option("--page", min=1, help="Page of 50.")] = 1,
    stage: Annotated[
        str, typer.Option("--stage", help="Of alerts that reached this stage.")
    ] = "관심",
    home: Home = None,
    lang: FeedLang = "ko",
) -> None:
    """The Atom feed of CAP messages, newest first. Without --base and public_url its addresses
    are relative: publish it beside a folder `cap`."""
    from ews.cli.opening import reading
    from ews.model import Stage
    from ews.reports.feeds import atom_document, issuer_of

    with reading(home) as (settings, store):
        known = f"{settings.public_url.rstrip('/')}/feeds/" if settings.public_url else ""
        found = atom_document(
            store, issuer_of(settings), datetime.now(UTC), known if base is None else base, page,
            _lang(lang), Stage.parse(stage),
        )  # fmt: skip
    _print(found) if out is None else write(out, found)


@app.command("ical")
def ical(out: Out = None, home: Home = None, lang: FeedLang = "ko") -> None:
    """The calendar (.ics): days in force of measures, days when stocks end, planned events."""
    from ews.cli.opening import reading
    from ews.reports.feeds import ical_document

    with reading(home) as (settings, store):
        found = ical_document(store, settings, datetime.now(UTC), _lang(lang))
    _print(found) if out is None else write(out, found)


def _lang(text: str) -> str:
    if text not in {"ko", "en"}:
        raise typer.BadParameter("--lang: ko or en")
    return text


def _print(document: bytes) -> None:
    sys.stdout.buffer.write(document.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()


def write(file: Path, document: bytes) -> None:
    """Whole or not at all: a reader never sees half a file."""
    hidden = file.with_name(f".{file.name}.{os.getpid()}")
    hidden.write_bytes(document)
    hidden.replace(file)
