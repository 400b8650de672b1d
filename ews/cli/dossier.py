"""`ews dossier`: one alert as a document to hand on."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home, Lang


def register(app: typer.Typer) -> None:
    app.command()(dossier)


def dossier(
    alert_id: Annotated[str, typer.Argument(help="Alert ID; a unique beginning will do.")],
    format: Annotated[str, typer.Option("--format", help="md or pdf.")] = "md",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default for md: stdout).")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What was known at that time; a date is its end in Korea."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
) -> None:
    """One alert as a document: impact, cause, duration, sectors, measures taken, help wanted, and the
    proof. Markdown, or tagged PDF. No firm's rows but the viewer's own are in it."""
    from ews.cli.asked import known
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.dossier import FORMATS, document, markdown
    from ews.reports.dossier import dossier as made
    from ews.reports.dossier_pdf import as_pdf

    if format not in FORMATS:
        raise typer.BadParameter(f"--format: unknown format {format!r}; use md or pdf")
    if format == "pdf" and out is None:
        raise typer.BadParameter("--out: name the file of the PDF")
    at = known(as_of, "--as-of", datetime.now(UTC))
    with reading(home) as (settings, store):
        chosen = output(lang, False, settings.lang).lang
        found = made(
            store, alert_id, now=datetime.now(UTC), viewer=asker(settings, store), as_of=at
        )
    if format == "pdf":
        assert out is not None
        out.write_bytes(as_pdf(document(found, chosen)))
    elif out is None:
        sys.stdout.write(markdown(found, chosen))
    else:
        out.write_text(markdown(found, chosen), "utf-8")
