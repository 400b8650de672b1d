"""Commands about the installation itself: check, config, doctor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.checks import Check


KOREAN = {
    "scheduler": "수집·처리 (ews run)", "cycles": "처리", "collection": "수집",
    "heartbeat": "가동 확인 알림", "dead mans switch": "바깥 감시",
    "heartbeat to": "가동 확인 받는 곳", "store": "저장소", "sources": "수집원",
    "private sources": "자체 수집원", "schedule": "수집 차례", "undone articles": "읽지 않은 글",
    "routes": "수신처 설정", "dead deliveries": "포기한 알림", "unsettled deliveries": "보냈는지 모르는 알림",
    "contact": "연락처",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    for command in (check, config, doctor):
        app.command()(command)


def check(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Is the installation sound? Rooms, data files, model, SQLite, sources, rules, home.

    Exit 1 when a check failed.
    """
    from ews.cli.checks import installation
    from ews.config import load_settings

    settings = load_settings(home)
    _print(installation(settings), lang, as_json, settings.lang)


def doctor(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Is this home well? Store, blind sources, undone work, undelivered messages.

    Exit 1 when something needs a person.
    """
    from ews.cli.checks import running
    from ews.cli.opening import reading

    with reading(home) as (settings, store):
        # a program gets one language, whoever runs it
        found = running(settings, store, not as_json and (lang or settings.lang) == "ko")
    _print(found, lang, as_json, settings.lang)


def config(home: Home = None, as_json: Json = False) -> None:
    """Every setting in force; secrets read ***."""
    from ews.cli.output import output
    from ews.config import load_settings

    shown = load_settings(home).shown()
    out = output("en", as_json)
    if out.as_json:
        out.json(shown)
    else:
        out.table("", ["setting", "value"], sorted(shown.items()))


def _print(found: Sequence[Check], lang: str | None, as_json: bool, setting: str = "ko") -> None:
    from rich.text import Text

    from ews.cli.output import output

    out = output(lang, as_json, setting)
    if out.as_json:
        out.json(found)
    else:
        marks = {
            True: Text(out.t("정상", "ok"), "green"),
            False: Text(out.t("이상", "FAILED"), "bold red"),
        }
        out.table(
            "",
            ["", out.t("무엇", "check"), out.t("본 것", "found"), out.t("할 일", "what to do")],
            [
                (
                    marks[one.ok],
                    out.t(KOREAN.get(one.name, one.name), one.name),
                    one.found,
                    "" if one.ok else one.advice,
                )
                for one in found
            ],
        )
    raise typer.Exit(0 if all(one.ok for one in found) else 1)
