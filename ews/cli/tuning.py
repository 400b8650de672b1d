"""`ews tune`: what a change of the rules would have done, before it is saved; saving, planning, undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import By, Home, Json, Lang, Reason
from ews.cli.rules import ForceTests, changer_of, check_bounds, pairs_of

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.config import Settings
    from ews.storage import Store
    from ews.tuning.desk import Desk
    from ews.tuning.desk_shapes import Against, Period

app = typer.Typer(
    no_args_is_help=True,
    help="See what a threshold would have done before it is saved; save, plan, undo.",
)

Changes = Annotated[
    list[str],
    typer.Argument(
        help="key=value: a key of `ews rules show`, sensitivity.types.TYPE, "
        "sensitivity.countries.CC or budget.RECEIVER; - takes a budget or sensitivity back."
    ),
]
From = Annotated[
    str | None, typer.Option("--from", help="First day (UTC); default: of the last replay.")
]
To = Annotated[str | None, typer.Option("--to", help="Last day (UTC), included.")]
Episodes = Annotated[
    list[Path] | None,
    typer.Option("--episodes", help="Reference episodes (JSONL); may be repeated.", exists=True,
                 dir_okay=False),
]  # fmt: skip
Traps = Annotated[
    list[Path] | None,
    typer.Option("--traps", help="Titles that must not alert (JSONL); may be repeated.",
                 exists=True, dir_okay=False),
]  # fmt: skip
VerdictFiles = Annotated[
    list[Path] | None,
    typer.Option("--verdicts", help="People's verdicts on alerts (JSONL); may be repeated.",
                 exists=True, dir_okay=False),
]  # fmt: skip
Base = Annotated[
    int | None,
    typer.Option("--base", help="Version that the change was made on (default: in force)."),
]


@dataclass(frozen=True, slots=True)
class At:
    """A desk over one home, and how to print."""

    settings: Settings
    store: Store
    desk: Desk
    out: Output
    now: datetime


@contextmanager
def _desk(home: Path | None, lang: str | None, as_json: bool) -> Iterator[At]:
    from ews.cli.opening import firms_of, reading, routes_of
    from ews.cli.output import output
    from ews.reports import Names
    from ews.tuning.desk import Desk
    from graph import build_network

    with reading(home) as (settings, store):
        now = datetime.now(UTC)
        network = build_network(firms_of(store, now.date()))
        desk = Desk(store, settings, network, routes_of(settings), Names())
        yield At(settings, store, desk, output(lang, as_json, settings.lang), now)


@app.command()
def show(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """The rules in force as sentences, what may be moved and how far, and what is planned."""
    from ews.cli import show_tuning

    with _desk(home, lang, as_json) as at:
        base = at.desk.base(at.now)
        knobs, versions = at.desk.knobs(base), at.desk.versions(at.now)
    if at.out.as_json:
        at.out.json({"version": base.version, "knobs": knobs,
                     "planned": [v for v in versions if v.state == "planned"]})  # fmt: skip
        return
    show_tuning.rules(at.out, base, knobs)
    show_tuning.plans(at.out, versions)


@app.command("try")
def try_change(
    changes: Changes,
    since: From = None,
    until: To = None,
    episodes: Episodes = None,
    traps: Traps = None,
    verdicts: VerdictFiles = None,
    base: Base = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What a change would have done in a period: alerts and messages a day, episodes gained and lost
    by name, the operating curve, the alerts to read. Saves nothing."""
    from ews.cli import show_tuning
    from ews.cli.output import working
    from ews.tuning.desk_shapes import Candidate

    pairs = pairs_of(changes)
    check_bounds(pairs)
    with _desk(home, lang, as_json) as at:
        version = at.desk.base(at.now).version if base is None else base
        period = _period(at, since, until)
        with working(at.out.t("시험하는 중", "Playing")):
            found = at.desk.preview(
                Candidate(version, pairs), period, _against(episodes, traps, verdicts)
            )
    if at.out.as_json:
        at.out.json(found)
    else:
        show_tuning.preview(at.out, found)


@app.command()
def propose(
    most: Annotated[float, typer.Option("--most", min=0, help="At most so many a day.")],
    stage: Annotated[
        str, typer.Option(help="Of new alerts that reach this stage (관심 주의 경계 심각).")
    ] = "관심",
    receiver: Annotated[
        str | None, typer.Option(help="Of messages that this receiver would be sent instead.")
    ] = None,
    precision_at_least: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the judged alerts that is right.")
    ] = None,
    since: From = None,
    until: To = None,
    episodes: Episodes = None,
    traps: Traps = None,
    verdicts: VerdictFiles = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Thresholds that give at most so many a day at the best recall, fitted on the first half of the
    period and held against the second. Exit 1 when no thresholds reach it. Saves nothing."""
    from ews.cli import show_tuning
    from ews.cli.output import working
    from ews.model import Stage
    from ews.tuning.desk_shapes import Target

    target = Target(most, Stage.parse(stage), receiver, precision_at_least)
    with _desk(home, lang, as_json) as at:
        period = _period(at, since, until)
        with working(at.out.t("찾는 중", "Searching")):
            against = _against(episodes, traps, verdicts)
            found = at.desk.propose(target, period, at.now, against)
    if at.out.as_json:
        at.out.json(found)
    else:
        show_tuning.proposal(at.out, found)
    raise typer.Exit(0 if found.met else 1)


@app.command()
def save(
    changes: Changes,
    reason: Reason,
    name: Annotated[str, typer.Option("--name", help="What the version is called.")],
    by: By = "",
    at_time: Annotated[
        str,
        typer.Option("--at", help="In force from then on: a date or time to come, in Korea."),
    ] = "",
    base: Base = None,
    rebase: Annotated[
        bool,
        typer.Option(
            "--rebase", help="Put it on what was saved meanwhile, where nothing collides."
        ),
    ] = False,
    force_tests: ForceTests = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Save a change as a new version, in force at once or from a time on. Exit 2, and nothing saved,
    when somebody saved meanwhile, a rule test fails, or a key or value is wrong."""
    from ews.cli import show_tuning
    from ews.tuning.desk_shapes import Candidate

    pairs = pairs_of(changes)
    check_bounds(pairs)
    with _desk(home, lang, as_json) as at:
        version = at.desk.base(at.now).version if base is None else base
        with _told(at.out):
            saved = at.desk.save(
                Candidate(version, pairs), name=name, reason=reason, now=at.now, by=by,
                changer=changer_of(at.settings, at.store, by), rebase=rebase,
                force_tests=force_tests, at=_moment(at_time),
            )  # fmt: skip
        show_tuning.saved(at.out, at.desk.versions(at.now), saved.version)


@app.command()
def undo(
    reason: Reason, by: By = "", home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Take back the newest change, planned ones too; asked again, the change before it."""
    from ews.cli import show_tuning

    with _desk(home, lang, as_json) as at:
        with _told(at.out):
            saved = at.desk.undo(
                reason=reason, now=at.now, by=by, changer=changer_of(at.settings, at.store, by)
            )
        show_tuning.saved(at.out, at.desk.versions(at.now), saved.version)


@app.command()
def planned(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Versions that come into force later, the first to come first."""
    from ews.cli import show_tuning

    with _desk(home, lang, as_json) as at:
        waiting = [one for one in at.desk.versions(at.now) if one.state == "planned"][::-1]
    if at.out.as_json:
        at.out.json(waiting)
    else:
        show_tuning.plans(at.out, waiting)


@app.command()
def diff(
    before: Annotated[int, typer.Argument(help="Version.")],
    after: Annotated[int | None, typer.Argument(help="Version (default: the newest).")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What differs between two versions, planned ones too. Exit 1 when nothing does."""
    from ews.cli import show_tuning
    from ews.tuning.desk_preview import diff_rows
    from ews.tuning.rules import in_force, of_version

    with _desk(home, lang, as_json) as at:
        old = of_version(at.store, before)
        new = in_force(at.store) if after is None else of_version(at.store, after)
    rows = diff_rows(old, new)
    if at.out.as_json:
        at.out.json(rows)
    else:
        show_tuning.differences(at.out, f"{old.version} → {new.version}", rows)
    raise typer.Exit(0 if rows else 1)


# --------------------------------------------------------------------------- what was typed


@contextmanager
def _told(out: Output) -> Iterator[None]:
    """An error of the rules in the reader's language."""
    from alerts.words import Bilingual

    try:
        yield
    except Bilingual as err:
        raise ValueError(err.text(out.lang)) from err


def _period(at: At, since: str | None, until: str | None) -> Period:
    from ews.tuning.desk_shapes import Period

    usual = at.desk.period(at.now)
    return Period(
        _day(since, "--from") if since else usual.since,
        _day(until, "--to") + timedelta(days=1) if until else usual.until,
    )


def _day(text: str, option: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as err:
        raise typer.BadParameter(f"{option}: {text!r} is no day; write 2023-07-01") from err


def _moment(text: str) -> datetime | None:
    """A date (its beginning) or time, in Korea where no zone is given."""
    from ews.cli.output import KST

    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as err:
        raise typer.BadParameter(
            f"--at: {text!r} is no date or time; write 2026-12-01 or 2026-12-01T09:00 (Korea)"
        ) from err
    return (at if at.tzinfo else at.replace(tzinfo=KST)).astimezone(UTC)


def _against(
    episodes: list[Path] | None, traps: list[Path] | None, verdicts: list[Path] | None
) -> Against:
    from ews.tuning.desk_shapes import Against

    return Against(tuple(episodes or ()), tuple(traps or ()), tuple(verdicts or ()))
