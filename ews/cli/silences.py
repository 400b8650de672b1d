"""`ews silences` and `ews planned`: what is held back until when, and what is expected to come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import As, Home, Json, Key, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.reports.acts import SilenceLine

app = typer.Typer(no_args_is_help=True, help="Silences: what is held back, until when and why.")
planned = typer.Typer(no_args_is_help=True, help="Planned events: what is expected, and explains.")

All = Annotated[bool, typer.Option("--all", help="Those that have ended, too.")]
Match = Annotated[
    list[str] | None,
    typer.Option(
        "--match",
        help="What it is about, all of them: type=, country=, item=, chokepoint=, port=, ministry=, "
        "rule=, receiver= (with =value); may be repeated.",
    ),
]
Until = Annotated[
    str, typer.Option("--until", help="Until when: a date is its end in Korea, or a time.")
]


@app.command("list")
def list_silences(
    all_: All = False, home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Silences in force or to come. Exit 1 when there are none."""
    _list(home, lang, as_json, planned=False, all_=all_)


@planned.command("list")
def list_planned(
    all_: All = False, home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """Planned events in force or to come. Exit 1 when there are none."""
    _list(home, lang, as_json, planned=True, all_=all_)


@app.command("add")
def add_silence(
    reason: Annotated[str, typer.Option("--reason", help="Why; kept and shown.")],
    alert: Annotated[str | None, typer.Option("--alert", help="Only this alert.")] = None,
    match: Match = None,
    stage: Annotated[
        str,
        typer.Option(
            "--stage", help="Highest stage held (default 경계); 심각 only by who may sign."
        ),
    ] = "",
    hours: Annotated[int | None, typer.Option("--hours", help="For so many hours.")] = None,
    until: Until = "",
    by: As = "",
    key: Key = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Hold messages back: of an alert, or of all that match, for 30 days at most."""
    from ews.cli.acts import do
    from ews.model import ActKind

    detail = {**_matched(match), "stage": stage, "until": until}
    detail |= {} if hours is None else {"hours": str(hours)}
    do(ActKind.SILENCE, home, lang, as_json, by, key, alert_id=alert, note=reason, detail=detail)


@planned.command("add")
def add_planned(
    title: Annotated[str, typer.Option("--title", help="What is planned, in a line.")],
    until: Until,
    match: Match = None,
    start: Annotated[
        str, typer.Option("--from", help="From when (default now): a date or a time.")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="More about it.")] = "",
    by: As = "",
    key: Key = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Enter what is planned: a strike, a holiday, works on a canal. It explains what matches: up to
    주의 that is held back, above it is told with the plan beside it."""
    from ews.cli.acts import do
    from ews.model import ActKind

    detail = {**_matched(match), "title": title, "from": start, "until": until}
    do(ActKind.PLAN, home, lang, as_json, by, key, note=note, detail=detail)


Which = Annotated[str, typer.Argument(help="ID, as the list prints it.")]
Because = Annotated[str, typer.Option("--reason", help="Why; kept.")]


@app.command("end")
def end_silence(
    silence_id: Which, reason: Because = "", by: As = "", key: Key = "", home: Home = None,
    lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """End a silence now; what it held back may speak again."""
    _end(silence_id, reason, by, key, home, lang, as_json)


@planned.command("end")
def end_planned(
    silence_id: Which, reason: Because = "", by: As = "", key: Key = "", home: Home = None,
    lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Take a planned event back, or end it now."""
    _end(silence_id, reason, by, key, home, lang, as_json)


def _end(
    silence_id: str, reason: str, by: str, key: str, home: Path | None, lang: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    from ews.cli.acts import do
    from ews.model import ActKind

    do(ActKind.UNSILENCE, home, lang, as_json, by, key, note=reason,
       detail={"silence": silence_id})  # fmt: skip


def _matched(match: list[str] | None) -> dict[str, str]:
    """match.<matcher> -> code; a name of an item, country or place may be given instead."""
    from ews.reports import find
    from ews.reports.names import TABLES

    found = {}
    for one in match or []:
        key, equals, value = one.partition("=")
        if not equals or not value.strip():
            raise ValueError(f"{one!r}: write matcher=value, such as item=urea")
        codes = find(key, value) if key in TABLES else [value.strip()]
        if len(codes) > 1:
            raise ValueError(f"{value!r} means several: {', '.join(codes[:5])}; give one")
        found[f"match.{key.strip()}"] = codes[0]
    return found


def _list(home: Path | None, lang: str | None, as_json: bool, *, planned: bool, all_: bool) -> None:
    from datetime import UTC, datetime

    from ews.cli.asking import named_or_machine
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.acts import silence_lines

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        named_or_machine(settings, store)
        found = silence_lines(store, datetime.now(UTC), planned=planned, all=all_)
    if out.as_json:
        out.json(found)
    else:
        _table(out, found, planned)
    raise typer.Exit(0 if found else 1)


def _table(out: Output, found: tuple[SilenceLine, ...], planned: bool) -> None:
    from ews.cli.output import clean, moment

    if not found:
        out.say(out.t("없습니다.", "There are none."))
        return
    title = out.t("예정된 일", "Planned events") if planned else out.t("묵음", "Silences")
    out.table(
        title,
        ["ID", out.t("부터", "from"), out.t("까지", "until"), out.t("무엇", "what"),
         out.t("제목", "title") if planned else out.t("까닭", "reason"), out.t("누가", "by")],
        [
            (s.id, moment(s.starts_at), moment(s.ends_at),
             " ".join(f"{k}={v}" for k, v in sorted(s.matchers.items())),
             clean(s.title if planned else s.reason), s.by)
            for s in found
        ],
    )  # fmt: skip
