"""Commands that ask. They change nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang


def register(app: typer.Typer) -> None:
    for command in (alerts, alert, explain, aggregates):
        app.command()(command)


def alerts(
    stage: Annotated[str | None, typer.Option(help="This stage or higher: 관심 .. 심각.")] = None,
    since: Annotated[str | None, typer.Option(help="Raised since this date or time.")] = None,
    item: Annotated[str | None, typer.Option(help="Item code, name or HS code.")] = None,
    state: Annotated[str | None, typer.Option(help="firing, acknowledged or resolved.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="As they stood at that time; a date is its end in Korea."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Alerts, newest first. Exit 1 when none fits."""
    from ews.cli import show
    from ews.cli.asked import alert_state, known, when
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.model import Stage
    from ews.reports import alert_list, find

    state, start = alert_state(state), when(since, "--since")
    at = known(as_of, "--as-of", datetime.now(UTC))
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = alert_list(
            store,
            since=start,
            stage=int(Stage.parse(stage)) if stage else None,
            state=state,
            items=find("item", item) if item else None,
            as_of=at,
            limit=limit,
        )
    if out.as_json:
        out.json(found)
    else:
        show.alerts(out, found)
    raise typer.Exit(0 if found else 1)


def alert(
    alert_id: Annotated[str, typer.Argument(help="Alert ID; a unique beginning will do.")],
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """One alert: what, where, for whom, since when, and who was told."""
    _explained(alert_id, home, lang, as_json, full=False)


def explain(
    alert_id: Annotated[str, typer.Argument(help="Alert ID; a unique beginning will do.")],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What was known at that time; a date is its end in Korea."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Why this alert? From the delivery back to the published text, each step with its source; with
    --as-of from what was known then. Exit 1 when there is no such alert, or it was not raised yet."""
    _explained(alert_id, home, lang, as_json, full=True, as_of=as_of)


def _explained(
    alert_id: str,
    home: Home,
    lang: str | None,
    as_json: bool,
    *,
    full: bool,
    as_of: str | None = None,
) -> None:
    from ews.cli import show, show_explanation
    from ews.cli.asked import known
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.explain import explain as explained

    at = known(as_of, "--as-of", datetime.now(UTC))
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = explained(store, alert_id, viewer=asker(settings, store), as_of=at)
    if out.as_json:
        out.json(found if full else found.alert)
    elif full:
        show_explanation.explanation(out, found)
    else:
        show.alert(out, found)


def aggregates(
    by: Annotated[str, typer.Option("--by", help="item, industry or country.")] = "item",
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What was known at that time; a date is its end in Korea."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """How many firms are exposed, and how much of their input: sums that tell of no one firm.

    Exit 1 when no sum may be shown.
    """
    from ews.cli import show
    from ews.cli.asked import known
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.aggregates import aggregates as summed

    at = known(as_of, "--as-of", datetime.now(UTC))
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = summed(store, by, now=datetime.now(UTC), as_of=at)
    if out.as_json:
        out.json(found)
    else:
        show.aggregates(out, found)
    raise typer.Exit(0 if found.lines else 1)
