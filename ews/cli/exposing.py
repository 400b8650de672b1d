"""Commands that ask what an event, or a supposed one, may do: exposure, what-if."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output

CsvFile = Annotated[
    Path | None, typer.Option("--csv", help="Write a sheet to this file.", dir_okay=False)
]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", help="Write one page, ready to print as PDF.", dir_okay=False),
]


def register(app: typer.Typer) -> None:
    for command in (exposure, what_if):
        app.command()(command)


def exposure(
    item: Annotated[str | None, typer.Option(help="Item: name, code or HS code.")] = None,
    country: Annotated[str | None, typer.Option(help="Country: name or ISO code.")] = None,
    chokepoint: Annotated[str | None, typer.Option(help="Strait or canal.")] = None,
    port: Annotated[str | None, typer.Option("--port", help="Port: code or name.")] = None,
    industry: Annotated[str | None, typer.Option(help="Industry: KSIC code or name.")] = None,
    firm: Annotated[str | None, typer.Option(help="An imported firm, or its owner.")] = None,
    event: Annotated[str | None, typer.Option(help="Event ID.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What was known at that time; a date is its end in Korea."),
    ] = None,
    outlook: Annotated[
        bool,
        typer.Option(
            help="Run the model on the strongest event: who runs short when, why, what to do."
        ),
    ] = True,
    csv: CsvFile = None,
    html: HtmlFile = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What depends on it, and what threatens it now? Ask exactly one thing.

    Exit 1 when nothing is known of it.
    """
    from ews.cli import show, show_outlook
    from ews.cli.asked import known, told_in
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import exposure_report

    asked = {"item": item, "country": country, "chokepoint": chokepoint, "port": port,
             "industry": industry, "firm": firm, "event": event}  # fmt: skip
    given = [(kind, value) for kind, value in asked.items() if value]
    if len(given) != 1:
        raise typer.BadParameter("give exactly one of --" + ", --".join(asked))
    kind, value = given[0]
    now = datetime.now(UTC)
    at = known(as_of, "--as-of", now)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        with told_in(out.lang):
            report = exposure_report(
                store,
                kind,
                value,
                now=now,
                as_of=at,
                viewer=asker(settings, store),
                with_outlook=outlook,
            )
    if csv:
        from ews.reports.sheet import sheet

        save(out, csv, sheet(report, out.lang))
    if html:
        from ews.web.standalone import exposure_html

        save(out, html, exposure_html(report, out.lang))
    if out.as_json:
        out.json(report)
    elif not (csv or html):
        show.exposure(out, report)
        if report.outlook:
            show_outlook.outlook(out, report.outlook)
    raise typer.Exit(1 if report.empty else 0)


def what_if(
    item: Annotated[
        str | None, typer.Option(help="Item, from everywhere: name, code or HS.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="Item from one country, such as CN:urea.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="Country: name or ISO code.")] = None,
    chokepoint: Annotated[str | None, typer.Option(help="Strait or canal.")] = None,
    port: Annotated[str | None, typer.Option("--port", help="Port: code or name.")] = None,
    percent: Annotated[float, typer.Option(help="Share of the flow lost, in percent.")] = 50.0,
    days: Annotated[float, typer.Option(help="Days that it lasts.")] = 60.0,
    lag: Annotated[float, typer.Option(help="Days until it bites.")] = 0.0,
    stock: Annotated[
        float | None, typer.Option(help="Days of cover of every use hit, instead of what is known.")
    ] = None,
    csv: CsvFile = None,
    html: HtmlFile = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What if it stopped? The outlook of a blow that nobody reported; nothing is stored or sent.

    Ask exactly one thing. Exit 1 when nobody would run short.
    """
    from ews.cli import show_outlook
    from ews.cli.asked import told_in
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.given import korean_day, lost_share
    from ews.reports.outlook import WhatIf, target_of, what_if_report

    asked = {"item": item, "origin": origin, "country": country,
             "chokepoint": chokepoint, "port": port}  # fmt: skip
    given = [(kind, value) for kind, value in asked.items() if value]
    if len(given) != 1:
        raise typer.BadParameter("give exactly one of --" + ", --".join(asked))
    kind, value = given[0]
    place, _, name = value.partition(":") if kind == "origin" else ("", "", value)
    if kind == "origin" and not name:
        raise typer.BadParameter("--origin: write the country and the item, such as CN:urea")
    try:
        lost = lost_share(percent)
    except ValueError as err:
        raise typer.BadParameter(f"--{err}") from err
    now = datetime.now(UTC)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        with told_in(out.lang):
            supposed = WhatIf(target_of(kind, name, place), lost, days, lag, stock)
        found = what_if_report(store, supposed, now=korean_day(now), viewer=asker(settings, store))
        report = replace(found, as_of=now)
    if csv:
        from ews.reports.sheet import outlook_sheet

        save(out, csv, outlook_sheet(report, out.lang))
    if html:
        from ews.web.standalone import outlook_html

        save(out, html, outlook_html(report, out.lang))
    if out.as_json:
        out.json(report)
    elif not (csv or html):
        show_outlook.outlook(out, report)
    raise typer.Exit(0 if report.buyers else 1)


def save(out: Output, path: Path, text: str) -> None:
    """The text in that file, whole or not at all. FileNotFoundError names the folder that is not
    there."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it first, or name "
                                "a file elsewhere")  # fmt: skip
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(path)
    out.say(out.t(f"{path} 에 썼습니다.", f"Written to {path}."))
