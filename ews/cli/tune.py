"""Commands on recorded time: replay and score."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import typer

from ews.cli.options import Home, Json, Lang
from ews.model import Stage, content_id

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.config import Settings
    from ews.model import Article, Observation
    from ews.storage import Store
    from ews.tuning.replay import Difference, Progress
    from ews.tuning.score import Window
    from ews.tuning.scored import Scored

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    app.command()(replay)
    app.command()(score)


From = Annotated[str | None, typer.Option("--from", help="First day (UTC).")]
To = Annotated[str | None, typer.Option("--to", help="Last day (UTC), included.")]


def replay(
    feed: Annotated[
        list[Path] | None, typer.Option("--feed", help="Recorded feed; may be repeated.")
    ] = None,
    series_file: Annotated[
        list[Path] | None,
        typer.Option("--series", help="Series file of `ews series convert`; may be repeated."),
    ] = None,
    since: From = None,
    until: To = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="Also play the window under this rule file and compare."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Play recorded feeds through the live pipeline on their own clock. After a kill it goes on.

    With --rules the same period is played once more under a candidate rule file, in a store of its
    own below the home, and the alerts that it gains, loses or stages otherwise are listed.
    """
    from ews.cli.opening import build_pipeline, opened
    from ews.cli.output import output
    from ews.cli.progress import Clock
    from ews.tuning.replay import replay as play

    if since is None or until is None:
        raise typer.BadParameter("give --from and --to, the first and the last day")
    feeds, series_files = feed or [], series_file or []
    if not feeds and not series_files:
        raise typer.BadParameter("give at least one --feed or --series")
    first, last = _day(since), _day(until)
    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        pipeline = build_pipeline(settings, store, stream=None)
        with Clock(out) as clock:
            played = play(
                pipeline, recorded(feeds, series_files, first, last), first, last,
                feeds=[str(one) for one in feeds], history=known(series_files, first),
                progress=clock.day,
            )  # fmt: skip
        if rules is not None:
            with Clock(out) as clock:
                difference = try_rules(
                    settings, store, rules, recorded(feeds, series_files, first, last), clock.day
                )
            _print_difference(out, difference)
            return
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
    episodes: Annotated[
        Path, typer.Option(help="Reference episodes (JSONL).", exists=True, dir_okay=False)
    ],
    traps: Annotated[
        Path | None,
        typer.Option(help="Titles that must not alert (JSONL).", exists=True, dir_okay=False),
    ] = None,
    verdicts: Annotated[Path | None, typer.Option(help="People's verdicts on alerts.")] = None,
    since: From = None,
    until: To = None,
    write: Annotated[Path | None, typer.Option(help="Also write the document here.")] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Print a sheet of so many random alerts to judge, not the score."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample: the same sheet again.")] = 1,
    stage: Annotated[
        str | None, typer.Option(help="Sample only alerts that ever reached this stage.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another home over the same days: also what this one gains and loses."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Score the last replay of this home against reference episodes and traps.

    With --sample the sheet for people to judge is printed instead (JSON Lines, the stage hidden);
    filled in, it is a file for --verdicts. With --against the episodes and alerts that this home
    gains and loses against another one are named, and each figure is compared.
    """
    from ews.cli.opening import reading, routes_of
    from ews.cli.output import output
    from ews.cli.score_tables import print_comparison, print_score
    from ews.tuning import score as scoring
    from ews.tuning.comparison import compare_scores
    from ews.tuning.references import read_episodes, read_traps
    from ews.tuning.scored_alerts import last_window, read_alerts
    from ews.tuning.stored_loads import stored_loads
    from ews.tuning.verdicts import read_verdicts, sample_sheet

    references = told(read_episodes, episodes)
    if not references:
        raise ValueError(f"{episodes}: no episode in it; docs/score-format.md says what one is")
    trapped = told(read_traps, traps) if traps else []
    said = told(read_verdicts, verdicts) if verdicts and verdicts.exists() else None

    def examined(there: Path | None, window: Window | None = None) -> tuple[Scored, str]:
        with reading(there) as (settings, store):
            window = window or last_window(store, *days)
            raised = read_alerts(store, window, _hs_of, _names_of)
            loads = stored_loads(store, window, routes_of(settings))
            scored = scoring.examine(raised, references, trapped, window, said, loads)
            return scored, settings.lang

    days = (
        _start(_day(since)) if since else None,
        _start(_day(until) + timedelta(days=1)) if until else None,
    )
    scored, spoken = examined(home)
    if sample is not None:
        least = Stage.parse(stage) if stage else Stage.WATCH
        chosen = [alert for alert in scored.alerts if alert.max_stage >= least]
        for row in sample_sheet(chosen, sample, seed):
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    document = scoring.document(scored)
    if against is not None:
        document["against"] = compare_scores(examined(against, scored.window)[0], scored)
    if write:
        write.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    out = output(lang, as_json, spoken)
    if out.as_json:
        out.json(document)
        return
    print_score(out, document)
    if against is not None:
        print_comparison(out, cast("Mapping[str, object]", document["against"]))


def try_rules(
    settings: Settings,
    store: Store,
    rules: Path,
    signals: Iterator[Article | Observation],
    progress: Progress,
) -> Difference:
    """The last replay of the store against one under the rules of that file."""
    from datetime import UTC

    from ews.cli.opening import build_pipeline
    from ews.tuning.replay import compare, differ
    from ews.tuning.rules import candidate

    tried = candidate(store, rules, datetime.now(UTC))
    # One store per rules, window and feeds, so that no run adds to another's.
    played = content_id("", store.get("replay.last"))
    home = settings.home / "candidates" / f"{tried.digest}{played}"
    other, _ = compare(
        store, tried, lambda s: build_pipeline(settings, s, None), signals, home, progress
    )
    try:
        return differ(store, other)
    finally:
        other.close()


def _print_difference(out: Output, difference: Difference) -> None:
    if out.as_json:
        out.json(asdict(difference))
        return
    stages = [(s.ko if out.lang == "ko" else s.en, difference.before[s.en], difference.after[s.en])
              for s in Stage]  # fmt: skip
    out.table(
        out.t("최고 단계별 경보", "Alerts by highest stage"),
        [out.t("단계", "stage"), out.t("지금 규칙", "rules in force"), out.t("후보", "candidate")],
        stages,
        right=[1, 2],
    )
    for title, rows in (
        (out.t("새로 생기는 경보", "Gained"), difference.gained),
        (out.t("사라지는 경보", "Lost"), difference.lost),
        (out.t("단계가 달라지는 경보", "Staged otherwise"), difference.moved),
    ):
        out.table(
            f"{title}: {len(rows)}",
            [out.t("경보", "alert"), out.t("단계", "stage"), out.t("제목", "title"), "URL"],
            [(row.alert, row.stage, row.title, row.url) for row in rows[:40]],
        )


def recorded(
    feeds: Sequence[Path], series_files: Sequence[Path], first: date, last: date
) -> Iterator[Article | Observation]:
    """The signals of recorded files that became known from `first` to the end of `last`."""
    from ews.tuning.feeds import read_feed
    from ews.tuning.series import read_series

    since, until = _start(first), _start(last + timedelta(days=1))
    yield from read_series(series_files, since, until)
    yield from read_feed(feeds, since, until)


def known(series_files: Sequence[Path], first: date) -> list[Observation]:
    """The figures of recorded files that were known before `first`."""
    from ews.tuning.series import read_series

    return read_series(series_files, None, _start(first))


def told(read: Callable[[Path], T], file: Path) -> T:
    """What `read` makes of the file; an unreadable one is named, with what was expected."""
    try:
        return read(file)
    except UnicodeDecodeError as err:
        raise ValueError(f"{file}: not text in UTF-8; a JSON Lines file is expected") from err
    except OSError as err:
        raise ValueError(f"{file}: cannot be read ({err.strerror})") from err


def _hs_of(item: str) -> tuple[str, ...]:
    from graph.reference import ITEMS

    return ITEMS[item].hs if item in ITEMS else ()


def _names_of(kind: str, code: str) -> tuple[str, ...]:
    from ews.reports import label

    found = label(kind, code)
    return tuple(dict.fromkeys((found.en, found.ko)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise ValueError(f"{text!r} is no day; write 2023-07-01") from err


def _start(day: date) -> datetime:
    from datetime import UTC

    return datetime.combine(day, time(), UTC)
