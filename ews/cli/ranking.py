"""`ews systemic`: what would cost Korea most if it stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang


def register(app: typer.Typer) -> None:
    app.command()(systemic)


def systemic(
    kind: Annotated[
        str | None, typer.Option(help="Only country, chokepoint, port or origin.")
    ] = None,
    top: Annotated[int, typer.Option(help="Lines of each table.")] = 20,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a sheet to this file.", dir_okay=False)
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Which countries, straits, ports and single origins would cost Korea most if they stopped for
    30 or 90 days? Of the reference network, without any event; some seconds."""
    from ews.cli import show_networks
    from ews.cli.exposing import save
    from ews.cli.opening import looking
    from ews.cli.output import output, working
    from ews.reports.ranking_sheets import stops_sheet
    from ews.reports.systemic import systemic_report

    with looking(home) as (settings, _):
        out = output(lang, as_json, settings.lang)
    with working(out.t("하나씩 멈춰 보는 중", "stopping each of them")):
        found = systemic_report(datetime.now(UTC).date(), top=top, kind=kind)
    if csv:
        save(out, csv, stops_sheet(found, out.lang))
    if out.as_json:
        out.json(found)
    elif not csv:
        show_networks.stops(out, found)
