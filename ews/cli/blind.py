"""`ews blind`: what cannot be seen now, so that silence is not taken for calm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.reports.blind import Board, BoardLine, CountryLine

NAMED = 3  # silent sources of a row


def register(app: typer.Typer) -> None:
    app.command()(blind)


def blind(
    every: Annotated[
        bool, typer.Option("--all", help="All items of the reference, not only those with a use.")
    ] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Each item, and each country that items come from: alerting, calm, blind (its sources are
    silent), or not watched live.

    Exit 1 when something is blind.
    """
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.reports.blind import board_states

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        board = board_states(store, datetime.now(UTC), every=every)
    if out.as_json:
        out.json(board)
    else:
        _show(out, board)
    dark = any(one.blind for one in board.lines) or any(one.blind for one in board.countries)
    raise typer.Exit(1 if dark else 0)


def _show(out: Output, board: Board) -> None:
    if not board.watched:
        out.say(out.t("실시간으로 수집한 적이 없는 저장소입니다(시연·재생). 조용해도 이상 없음이 아니라 보지 않은 것입니다.",
                      "Nothing was ever fetched live here (a demo or a replay): silence is not calm, "
                      "nobody looked."))  # fmt: skip
        return
    out.table(
        out.t("보이는 것과 보이지 않는 것", "What can be seen, and what cannot"),
        [out.t("상태", "state"), out.t("품목·나라", "item or country"),
         out.t("보이지 않은 때부터", "blind since"), out.t("출처", "sources"),
         out.t("멈춘 출처", "silent")],
        [*(table_row(out, line, line.item.text(out.lang)) for line in board.lines),
         *(table_row(out, line, line.country.text(out.lang)) for line in board.countries)],
    )  # fmt: skip
    lost = sum(line.blind for line in board.lines)
    lands = sum(line.blind for line in board.countries)
    silent, of = len(board.silent), board.sources
    out.say(out.t(f"보이지 않는 품목 {lost}개, 나라 {lands}곳, 멈춘 출처 {silent}/{of}곳.",
                  f"{lost} items and {lands} countries blind, {silent} of {of} sources silent."))  # fmt: skip


def table_row(out: Output, line: BoardLine | CountryLine, name: str) -> tuple[str, ...]:
    """State, name, blind since, speaking of its sources, silent ones."""
    from ews.cli.output import moment
    from ews.reports.words import word

    state = word(line.state, out.lang)
    if line.state == "calm" and len(line.silent) == line.sources:  # nobody of its own speaks
        state = out.t("다른 출처로만 봄", "seen by others only")
    return (
        state + (" !" if line.blind and line.state != "blind" else ""),
        name, moment(line.since) if line.blind else "",
        f"{line.sources - len(line.silent)}/{line.sources}",
        _some(out, [one.name for one in line.silent]),
    )  # fmt: skip


def _some(out: Output, names: Sequence[str]) -> str:
    """A few of them; `--json` has all. A row of twenty names hides the rows beside it."""
    more = len(names) - NAMED
    rest = out.t(f" 외 {more}곳", f" and {more} more") if more > 0 else ""
    return ", ".join(names[:NAMED]) + rest
