"""`ews series`: what the figures are, why they alarmed, and what they may cost in false alarms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.tuning.series_load import Loaded

app = typer.Typer(
    no_args_is_help=True, help="Series: their values and vintages, detections and budget."
)
Name = Annotated[
    str, typer.Argument(help="provider/measure/place/item, as `ews series list` has it.")
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="What was known then: a date (its end in Korea) or time."),
]
Csv = Annotated[
    Path | None, typer.Option("--csv", help="Write a sheet to this file.", dir_okay=False)
]


@app.command("list")
def list_series(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Words to look for: item, place or name, Korean or English."),
    ] = None,
    item: Annotated[str, typer.Option(help="Only this item: its name, id or HS code.")] = "",
    provider: Annotated[str, typer.Option(help="Only of this provider, such as customs.")] = "",
    measure: Annotated[str, typer.Option(help="Only this measure, such as import-kg.")] = "",
    place: Annotated[str, typer.Option(help="Only this place, such as CN-KR or suez.")] = "",
    detected: Annotated[
        bool, typer.Option("--detected", help="Only series that alarmed, the newest alarm first.")
    ] = False,
    sort: Annotated[str, typer.Option(help="name, newest or found.")] = "",
    offset: Annotated[int, typer.Option(help="Series that are passed over.")] = 0,
    limit: Annotated[int, typer.Option(help="Series listed, 1 to 1,000.")] = 50,
    csv: Csv = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Which series there are: newest value, how old it is by its release calendar, newest alarm.
    Exit 1 when none fits."""
    from ews.cli import show_series
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.series_list import Asked, series_list
    from ews.reports.series_sheet import list_sheet

    asked = Asked(
        " ".join(words or ()), item, provider, measure, place, detected, sort, offset, limit
    )
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = series_list(store, asked, datetime.now(UTC))
    if csv:
        save(out, csv, list_sheet(found, out.lang))
    if out.as_json:
        out.json(found)
    elif not csv:
        show_series.listed(out, found)
    raise typer.Exit(0 if found.count else 1)


@app.command()
def show(
    name: Name,
    as_of: AsOf = None,
    vintages: Annotated[
        bool, typer.Option("--vintages", help="Also every published figure of each period.")
    ] = False,
    periods: Annotated[int, typer.Option(min=1, help="Newest periods shown.")] = 24,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            dir_okay=False,
            help="Write a sheet to this file: the periods, with --vintages every published figure.",
        ),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """One series: values with their vintages, what was expected, alarms, events and its share of
    the false-alarm budget. Exit 1 when there is none of that name."""  # fmt: skip
    from ews.cli import show_series
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output, working
    from ews.reports.given import known_at
    from ews.reports.series_report import series_report
    from ews.reports.series_sheet import points_sheet, vintages_sheet

    with reading(home) as (settings, store):
        out, now = output(lang, as_json, settings.lang), datetime.now(UTC)
        with working(out.t("읽는 중", "reading")):
            every = None if csv else periods
            found = series_report(store, name, now, known_at(as_of, now), every)
    if csv:
        sheet = vintages_sheet(found, out.lang) if vintages else points_sheet(found, out.lang)
        save(out, csv, sheet)
    if out.as_json:
        out.json(found)
    elif not csv:
        show_series.one(out, found, periods, vintages)


@app.command()
def budget(
    item: Annotated[str, typer.Argument(help="Only this item: its name, id or HS code.")] = "",
    as_of: AsOf = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Items listed, the largest budgets first.")
    ] = 20,
    csv: Csv = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """The false-alarm budget: what is set, what each item gets, what was scaled and why, and the
    rate that was achieved with its 95% interval."""
    from ews.cli import show_series
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output, working
    from ews.reports.given import known_at
    from ews.reports.series_budget import budget_report, kept, shared
    from ews.reports.series_sheet import budget_sheet

    with reading(home) as (settings, store):
        out, now = output(lang, as_json, settings.lang), datetime.now(UTC)
        at = known_at(as_of, now)
        with working(out.t("나누는 중", "sharing it out")):
            when, most = at or now, 1_000_000 if csv else limit
            came = kept(store, when, at is not None)
            found = budget_report(shared(store, when), came, when, item, most)
    if csv:
        save(out, csv, budget_sheet(found, out.lang))
    if out.as_json:
        out.json(found)
    elif not csv:
        show_series.budget(out, found)


@app.command()
def detect(
    name: Name,
    since: Annotated[
        str | None, typer.Option("--from", help="First release (default: a year back).")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", "--as-of", help="Last release (default: now).")
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """A dry run: what every detector, EARS baselines too, says at each release of one series, as
    known then. Nothing is kept. Exit 1 when there is no such series."""  # fmt: skip
    from datetime import timedelta

    from ews.cli import show_series
    from ews.cli.opening import reading
    from ews.cli.output import output, working
    from ews.reports.given import known_at
    from ews.reports.series_dry_run import dry_run

    with reading(home) as (settings, store):
        out, now = output(lang, as_json, settings.lang), datetime.now(UTC)
        last = known_at(until, now) or now
        first = known_at(since, now) or last - timedelta(days=366)
        with working(out.t("견주는 중", "judging")):
            found = dry_run(store, name, first, last)
    if out.as_json:
        out.json(found)
    else:
        show_series.dry_run(out, found)


@app.command()
def convert(
    data: Annotated[Path, typer.Argument(help="Folder with recorded tables (its trade/ folder).")],
    out_file: Annotated[Path, typer.Option("--out", help="The series file to write (CSV).")],
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Turn recorded tables into one series file, each figure with the day it became known."""
    from ews.cli.output import output
    from ews.tuning.series import convert_series

    out = output(lang, as_json)
    counts = convert_series(data, out_file)
    if out.as_json:
        out.json(counts)
    else:
        out.table("", [out.t("표", "table"), out.t("행", "rows")], list(counts.items()), right=[1])


@app.command()
def load(
    files: Annotated[
        list[Path],
        typer.Argument(help="Series files of `ews series convert`.", exists=True, dir_okay=False),
    ],
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Keep the values of series files as history, as if the detectors had read them long ago: no
    alarm is raised for the past. A wrong line, or another unit, and nothing is kept (exit 2)."""
    from ews.cli.opening import opened
    from ews.cli.output import output, working
    from ews.tuning.series_load import load_series

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        with working(out.t("넣는 중", "loading")):
            found = load_series(store, files, datetime.now(UTC))
    _tell(out.lang, out.as_json, found)


@app.command()
def synthetic(
    items: Annotated[int, typer.Option(help="HS6 items to make up, 1 to 5,612 or so.")],
    months: Annotated[int, typer.Option(help="Months of trade, 24 to 240.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 1,
    fresh: Annotated[
        int, typer.Option(help="Newest releases left for the next `ews cycle` to judge.")
    ] = 0,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Also into a home that holds real series.")
    ] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Make trade up, to try things on: every series is labelled synthetic wherever it appears.
    Exit 2 for a home with real series, unless --mixed."""
    from ews.cli.opening import opened
    from ews.cli.output import output, working
    from ews.tuning.series_load import load_synthetic

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        with working(out.t("만드는 중", "making it up")):
            found = load_synthetic(store, datetime.now(UTC), items, months, seed, fresh, mixed)
    _tell(out.lang, out.as_json, found, made_up=True)


def _tell(lang: str, as_json: bool, found: Loaded, made_up: bool = False) -> None:
    from ews.cli.output import output

    out = output(lang, as_json)
    if as_json:
        out.json(found)
        return
    label = out.t(" [합성 자료]", " [synthetic]") if made_up else ""
    span = f"{found.oldest:%Y-%m-%d} ~ {found.newest:%Y-%m-%d}" if found.oldest else "-"
    out.say(out.t(f"계열 {found.series:,}개, 새 값 {found.values:,}개, 기간 {span}{label}",
                  f"{found.series:,} series, {found.values:,} new values, periods {span}{label}"))  # fmt: skip
    if found.later:
        out.say(out.t(f"값 {found.later:,}개는 아직 알려질 때가 아니어서, 그때 새 값으로 읽습니다.",
                      f"{found.later:,} values become known later, and are read as news then."))  # fmt: skip
