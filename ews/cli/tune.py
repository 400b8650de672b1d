"""Commands on recorded time: replay, score, and series convert."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.tuning.score import Window

series = typer.Typer(no_args_is_help=True, help="Recorded series.")


def register(app: typer.Typer) -> None:
    app.command()(replay)
    app.command()(score)


From = Annotated[str | None, typer.Option("--from", help="First day (UTC).")]
To = Annotated[str | None, typer.Option("--to", help="Last day (UTC), included.")]


def replay(
    feed: Annotated[list[Path], typer.Option("--feed", help="Recorded feed; may be repeated.")],
    since: From = None,
    until: To = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Play recorded feeds through the live pipeline on their own clock. After a kill it goes on."""
    from ews.cli.opening import build_pipeline, opened
    from ews.cli.output import output
    from ews.cli.progress import Clock
    from ews.tuning.feeds import read_feed
    from ews.tuning.replay import replay as play

    if since is None or until is None:
        raise typer.BadParameter("give --from and --to, the first and the last day")
    first, last = _day(since), _day(until)
    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        pipeline = build_pipeline(settings, store, stream=None)
        signals = read_feed(feed, _start(first), _start(last + timedelta(days=1)))
        with Clock(out) as clock:
            played = play(
                pipeline, signals, first, last,
                feeds=[str(one) for one in feed], progress=clock.day,
            )  # fmt: skip
    if out.as_json:
        out.json({"from": played.since.isoformat(), "to": played.until.isoformat(),
                  "articles": played.articles, "observations": played.observations,
                  "ticks": played.ticks, "alerts": played.alerts})  # fmt: skip
        return
    out.facts([
        (out.t("기간", "window"), f"{played.since} .. {played.until}"),
        (out.t("기사", "articles"), played.articles),
        (out.t("관측값", "observations"), played.observations),
        (out.t("경보", "alerts"), played.alerts),
    ])  # fmt: skip


def score(
    episodes: Annotated[Path, typer.Option(help="Reference episodes (JSONL).")],
    traps: Annotated[Path | None, typer.Option(help="Titles that must not alert (JSONL).")] = None,
    verdicts: Annotated[Path | None, typer.Option(help="People's verdicts on alerts.")] = None,
    since: From = None,
    until: To = None,
    write: Annotated[Path | None, typer.Option(help="Also write the document here.")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Score the last replay of this home against reference episodes and traps."""
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.tuning import score as scoring
    from ews.tuning.references import read_episodes, read_traps
    from ews.tuning.scored_alerts import last_window, read_alerts
    from ews.tuning.verdicts import read_verdicts

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        window: Window = last_window(
            store,
            _start(_day(since)) if since else None,
            _start(_day(until) + timedelta(days=1)) if until else None,
        )
        document = scoring.score(
            read_alerts(store, window, _hs_of, _names_of),
            read_episodes(episodes),
            read_traps(traps) if traps else [],
            window,
            read_verdicts(verdicts) if verdicts and verdicts.exists() else None,
        )
    if write:
        write.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    if out.as_json:
        out.json(document)
        return
    rows = [(key, value) for key, value in _flat(document) if not isinstance(value, list)]
    out.table(out.t("점수", "Score"), [out.t("항목", "measure"), out.t("값", "value")], rows)


@series.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(help="CSV of one provider.")],
    provider: Annotated[str, typer.Option(help="Whose layout: portwatch, pinksheet, ...")],
    out_file: Annotated[Path, typer.Option("--out", help="JSON Lines of observations.")],
) -> None:
    """Turn a provider's recorded series into observations that `ews replay --feed` can play."""
    from ews.tuning.series import convert_file

    count = convert_file(provider, file, out_file)
    typer.echo(f"{count} observations", err=True)


def _hs_of(item: str) -> tuple[str, ...]:
    from graph.reference import ITEMS

    return ITEMS[item].hs if item in ITEMS else ()


def _names_of(kind: str, code: str) -> tuple[str, ...]:
    from ews.reports import label

    found = label(kind, code)
    return tuple(dict.fromkeys((found.en, found.ko)))


def _flat(document: object, prefix: str = "") -> list[tuple[str, object]]:
    if not isinstance(document, dict):
        return [(prefix, document)]
    rows: list[tuple[str, object]] = []
    for key, value in document.items():
        rows += _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return rows


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise ValueError(f"{text!r} is no day; write 2023-07-01") from err


def _start(day: date) -> datetime:
    from datetime import UTC

    return datetime.combine(day, time(), UTC)
