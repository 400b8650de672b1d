"""`ews metrics`: what Prometheus reads, printed or as a file for the textfile collector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home


def register(app: typer.Typer) -> None:
    app.command()(metrics)


def metrics(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write, whole or not at all; name it *.prom."),
    ] = None,
    home: Home = None,
) -> None:
    """Metrics in the text format of Prometheus; the same as /metrics of `ews serve`."""
    from datetime import UTC, datetime

    from ews.cli.feeds import write
    from ews.cli.opening import reading
    from ews.reports.metrics import StoreCollector, exposition

    with reading(home) as (settings, store):
        found, _ = exposition(StoreCollector(settings, store, lambda: datetime.now(UTC)))
    if out is None:
        typer.echo(found.decode("utf-8"), nl=False)
    else:
        write(out, found)
