"""`ews watch`: which items became more dangerous, which does nobody watch, and the watch list."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from ews.model import RuleSet

app = typer.Typer(
    no_args_is_help=True,
    help="How vulnerable is Korea in each HS6 item, what changed and why, and what nobody watches.",
)

Month = Annotated[
    str | None, typer.Option("--month", help="Month, 2026-10 (default: the newest of each item).")
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="Month that is compared with (default: the one before)."),
]
Limit = Annotated[int, typer.Option("--limit", help="Lines at most.")]
Csv = Annotated[
    Path | None, typer.Option("--csv", help="Write a sheet of them to this file.", dir_okay=False)
]
ItemName = Annotated[str, typer.Argument(help="Item id, name, or HS6 code.")]
WhoDoes = Annotated[
    str, typer.Option("--by", help="Who does it; kept with the change. Not with a token.")
]


@app.command()
def table(
    item: Annotated[
        str, typer.Option(help="Only this item, HS code of 2 to 6 digits, or part of a name.")
    ] = "",
    industry: Annotated[
        str, typer.Option(help="Only what industries with such a KSIC code make or use.")
    ] = "",
    ministry: Annotated[str, typer.Option(help="Only what this ministry should hear of.")] = "",
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="Only with such a score or more, 0 to 1.")
    ] = None,
    watched: Annotated[
        bool | None,
        typer.Option("--watched/--unwatched", help="Only what is watched, or only what is not."),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="Index or column, largest first; -NAME smallest first.")
    ] = "score",
    month: Month = None,
    limit: Limit = 30,
    csv: Csv = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Every item with its score, rank, largest partner and thresholds exceeded.

    Exit 1 when none meets what is asked. A sheet has all lines.
    """
    from ews.cli import show_watch
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.watch import MOST, Asked, watch_table
    from ews.reports.watch_book import month_of
    from ews.reports.watch_sheet import watch_sheet

    asked = Asked(item, industry, ministry, min_score, watched, sort, MOST if csv else limit)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = watch_table(store, asked, now=datetime.now(UTC), month=month_of(month))
    if csv:
        save(out, csv, watch_sheet(found, out.lang))
    if out.as_json:
        out.json(found)
    elif not csv:
        show_watch.table(out, found)
    raise typer.Exit(0 if found.lines else 1)


@app.command()
def item(
    name: ItemName,
    month: Month = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """One item: every index with what it adds to the score, its past, what changed and why, its
    partners, uses, industries and ministries. Exit 1 when it has no figures here."""
    from ews.cli import show_watch
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.watch_book import month_of
    from ews.reports.watch_item import watch_item

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = watch_item(store, name, now=datetime.now(UTC), month=month_of(month))
    if out.as_json:
        out.json(found)
    else:
        show_watch.item(out, found)


@app.command()
def changed(
    month: Month = None,
    since: Since = None,
    limit: Limit = 15,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Items whose score rose and fell most since the month before, and why. Exit 1 without any."""
    from ews.cli import show_watch
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.watch_book import month_of
    from ews.reports.watch_changes import watch_changes

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = watch_changes(
            store, now=datetime.now(UTC), month=month_of(month), since=month_of(since), limit=limit
        )
    if out.as_json:
        out.json(found)
    else:
        show_watch.changes(out, found)
    raise typer.Exit(0 if found.compared else 1)


@app.command("blind-spots")
def blind_spots(
    month: Month = None,
    since: Since = None,
    limit: Limit = 20,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Items that rise while nobody watches them: why, what for, who makes them, whom to tell.

    Exit 1 when there is none.
    """
    from ews.cli import show_watch
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.watch_book import month_of
    from ews.reports.watch_changes import watch_spots

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = watch_spots(
            store, now=datetime.now(UTC), month=month_of(month), since=month_of(since), limit=limit
        )
    if out.as_json:
        out.json(found)
    else:
        show_watch.spots(out, found)
    raise typer.Exit(0 if found.count else 1)


@app.command()
def compute(
    month: Month = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", help="As known at that time (a date: its end in Korea); keeps nothing."
        ),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Compute vulnerability from the stored series: `ews run` does it once a day when figures are
    new. With --month or --as-of the rows are shown and nothing is kept. Exit 1 without any."""
    from ews.cli import show_watch
    from ews.cli.opening import reading
    from ews.cli.output import output, working
    from ews.reports.given import known_at
    from ews.reports.watch_book import month_of
    from ews.watching import compute as computed
    from ews.watching import turn

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        now = datetime.now(UTC)
        at = known_at(as_of, now)
        with working(out.t("계산하는 중", "computing")):
            if month is None and at is None:
                done = turn(store, now)
                rows = []
            else:
                done = None
                rows = computed(store, at or now, month_of(month))
    if out.as_json:
        out.json(done or rows)
    elif done:
        show_watch.done(out, done)
    else:
        show_watch.rows(out, rows)
    raise typer.Exit(0 if rows or (done and done.rows) else 1)


@app.command("list")
def list_(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Items that analysts put on the watch list: who, when, why. Exit 1 when it is empty."""
    from ews.cli import show_watch
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.watch_list import watch_list

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = watch_list(store, datetime.now(UTC))
    if out.as_json:
        out.json(found)
    else:
        show_watch.entries(out, found)
    raise typer.Exit(0 if found.entries else 1)


@app.command()
def add(
    name: ItemName,
    reason: Reason,
    budget: Annotated[
        float | None,
        typer.Option(help="False alarms a year that are accepted (default: as of watched items)."),
    ] = None,
    by: WhoDoes = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Put an item on the watch list: a new version of the rules, kept with name and reason."""
    from ews.tuning.watch_list import watch

    _change(partial(watch, budget=budget), name, reason, by, home, lang, as_json)


@app.command()
def remove(
    name: ItemName,
    reason: Reason,
    by: WhoDoes = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Take an item off the watch list: a new version of the rules, kept with name and reason."""
    from ews.tuning.watch_list import unwatch

    _change(unwatch, name, reason, by, home, lang, as_json)


def _change(
    do: Callable[..., RuleSet], name: str, reason: str, by: str, home: Home, lang: Lang,
    as_json: Json,
) -> None:  # fmt: skip
    """Change the list under the name of who does it, and show it as it is then."""
    from ews.cli import show_watch
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.cli.rules import changer_of
    from ews.reports.watch_list import list_key, watch_list

    with opened(home) as (settings, store):
        now, who = datetime.now(UTC), changer_of(settings, store, by)
        saved = do(store, list_key(name), reason=reason, now=now, by=by, changer=who)
        out = output(lang, as_json, settings.lang)
        found = watch_list(store, datetime.now(UTC))
    if out.as_json:
        out.json(found)
        return
    out.say(
        out.t(
            f"규칙 버전 {saved.version}: {saved.reason}", f"rules {saved.version}: {saved.reason}"
        )
    )
    show_watch.entries(out, found)
