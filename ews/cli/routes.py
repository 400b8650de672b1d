"""`ews routes`: who would get what, by which way, when and why? Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from alerts.route_cases import RouteOutcome
    from alerts.routing import Answer, Routes
    from ews.cli.output import Output
    from ews.config import Settings
    from ews.model import Alert
    from ews.storage import Store

app = typer.Typer(no_args_is_help=True, help="Who would get what, and why.")
KNOWN = ("stage", "type", "item", "country", "ministry", "industry", "chokepoint", "port")


@app.callback()
def routes() -> None:
    """Who would get what, and why."""


@app.command("test")
def try_routes(
    facts: Annotated[
        list[str] | None,
        typer.Argument(
            help="stage=, type=, item=, country=, ministry=, industry=, chokepoint=, port=, "
            "each with =value."
        ),
    ] = None,
    alert: Annotated[str | None, typer.Option("--alert", help="Route this alert instead.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Route every item of the reference, one by one.")
    ] = False,
    at: Annotated[
        str | None, typer.Option("--at", help="As at this time, e.g. 2026-01-05T23:30+09:00.")
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Who would get an alert, stored or described: by which way, when, who is called, and why; for
    the others why not. Nothing is sent.

    --all (with stage= or type=, if wanted) asks it of every item. Exit 1 when an alert or an item
    would reach nobody.
    """
    from alerts.routes import on_duty
    from ews.cli.opening import has_store, looking, reading, routes_of
    from ews.cli.output import output
    from ews.model import utc
    from ews.reports import find_alert

    if (alert is not None) + (bool(facts) or every) != 1:
        raise typer.BadParameter("give --alert ID, or facts such as stage=경계 item=urea, or --all")
    now = utc(at) if at else datetime.now(UTC)
    with (reading if alert else looking)(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        chosen = find_alert(store, alert) if alert else described(facts or [], now)
        asked = [for_item(chosen, item) for item in _every_item()] if every else [chosen]
        gone = [p.name for p in store.people() if p.disabled_at] if has_store(settings) else []
        known = on_duty(routes_of(settings), gone)
        spoken = tuple(replace(one, lang=out.lang) for one in known.receivers)
        found = _asked(store, replace(known, receivers=spoken), asked, now)
    (_tell_all if every else _tell_one)(out, asked, found)
    raise typer.Exit(0 if all(any(a.sent for a in answers) for answers in found) else 1)


def _asked(
    store: Store, known: Routes, alerts: Sequence[Alert], now: datetime
) -> list[list[Answer]]:
    """What every receiver would get of each alert, with what this home has told and spent."""
    from alerts.routing import explain_route, matters, since_of, spent_of, told_of
    from ews.model import AlertChange, ChangeKind
    from ews.reports import Names
    from graph import USES

    firing, silences = store.open_alerts(), store.silences(now)
    since = since_of(known.receivers, now)
    spent = spent_of(store.notifications(since=since), known.receivers, now)
    answers = []
    for alert in alerts:
        change = AlertChange(alert, ChangeKind.RAISED, now, None, "")
        told = told_of(
            n for id in sorted(matters([change], known, firing))
            for n in store.notifications(alert_id=id)
        )  # fmt: skip
        answers.append(
            explain_route(alert, known, silences, spent, now, told, firing, USES, Names())
        )
    return answers


def _row(answer: Answer) -> dict[str, object]:
    return {
        "receiver": answer.receiver.name,
        "channel": answer.receiver.channel,
        "sent": answer.sent,
        "reason": answer.reason.value if answer.reason else None,
        "when": answer.when,
        "called": answer.called,
        "why": answer.why,
    }


def _tell_one(out: Output, asked: Sequence[Alert], found: Sequence[Sequence[Answer]]) -> None:
    from ews.reports.words import word

    if out.as_json:
        out.json([_row(answer) for answer in found[0]])
        return
    out.table(
        "",
        [out.t("수신자", "receiver"), out.t("통로", "channel"), out.t("까닭", "reason"),
         out.t("언제", "when"), out.t("부르는 사람", "calls"), out.t("왜", "why")],
        [
            (one.receiver.name, one.receiver.channel,
             word(one.reason.value, out.lang) if one.reason else out.t("받지 않음", "not its"),
             _when(one, out), ", ".join(one.called), one.why)
            for one in found[0]
        ],
    )  # fmt: skip


def _when(answer: Answer, out: Output) -> str:
    from ews.cli.output import moment

    if answer.reason is None:
        return "-"
    if answer.sent:
        return out.t("지금", "now")
    if answer.when is None:
        return out.t("까닭이 끝날 때", "when that ends")
    if answer.reason.value == "held_by_budget":
        return out.t(f"늦어도 모아 보기 {moment(answer.when)}", f"digest {moment(answer.when)}")
    return out.t(f"{moment(answer.when)} 뒤", f"after {moment(answer.when)}")


def _tell_all(out: Output, asked: Sequence[Alert], found: Sequence[Sequence[Answer]]) -> None:
    rows = [
        (alert.items[0], [a.receiver.name for a in answers if a.sent],
         [a.receiver.name for a in answers if a.reason and not a.sent], bool(alert.unlisted))
        for alert, answers in zip(asked, found, strict=True)
    ]  # fmt: skip
    if out.as_json:
        keys = ("item", "told", "held", "unlisted")
        out.json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    out.table(
        "",
        [out.t("품목", "item"), out.t("받음", "told"), out.t("보류", "held"),
         out.t("국내 용도", "domestic uses")],
        [
            (item, ", ".join(told) or out.t("아무도 받지 않음", "NOBODY"), ", ".join(held),
             out.t("등록 없음", "none on record") if unlisted else "")
            for item, told, held, unlisted in rows
        ],
    )  # fmt: skip
    nobody = sum(not told for _, told, _, _ in rows)
    out.say(out.t(f"품목 {len(rows)}개 중 {nobody}개는 아무도 받지 않습니다",
                  f"{nobody} of {len(rows)} items would reach nobody"))  # fmt: skip


def _every_item() -> list[str]:
    from graph.reference import ITEMS

    return sorted(ITEMS)


def described(facts: Sequence[str], now: datetime) -> Alert:
    """An alert made of key=value facts. An item brings all who depend on it by the reference."""
    from ews.model import Alert, AlertState, Stage
    from ews.reports import find

    given: dict[str, list[str]] = {key: [] for key in KNOWN}
    for fact in facts:
        key, equals, value = fact.partition("=")
        if not equals or key not in given:
            raise ValueError(f"{fact!r}: write one of {', '.join(KNOWN)} and =value")
        given[key] += [value] if key == "stage" else find(key, value)
    stage = Stage.parse(given["stage"][0]) if given["stage"] else Stage.CAUTION
    alert = Alert(
        id="alr-described", fingerprint="", event_id="", stage=stage, max_stage=stage,
        state=AlertState.FIRING, raised_at=now, updated_at=now, revision=1, ruleset=0, rule="",
        reasons=(), type=(given["type"] or ["export_restriction"])[0],
        countries=tuple(given["country"]), items=tuple(dict.fromkeys(given["item"])),
        chokepoints=tuple(given["chokepoint"]), ports=tuple(given["port"]),
        ministries=tuple(given["ministry"]), industries=tuple(given["industry"]), title="",
    )  # fmt: skip
    return depending(alert)


def for_item(alert: Alert, item: str) -> Alert:
    """The alert on that item only."""
    return depending(replace(alert, id=f"alr-{item}", items=(item,)))


def depending(alert: Alert) -> Alert:
    """With the ministries and industries that depend on its items, and the items of which no
    domestic use is on record."""
    from graph.reference import USES

    uses = [use for item in alert.items for use in USES.get(item, ())]
    return replace(
        alert,
        ministries=_once([*alert.ministries, *(m for use in uses for m in use.ministries)]),
        industries=_once([*alert.industries, *(use.ksic for use in uses if use.ksic)]),
        unlisted=tuple(item for item in alert.items if not USES.get(item)),
    )


def _once(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


# --------------------------------------------------------------------------- show, cases


@app.command("show")
def show_routes(home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """The routes in force: who is told of what, when and how much, and what is wrong with them.

    Exit 1 when something is.
    """
    from alerts.channels import CHANNELS
    from alerts.routes import problems
    from ews.cli.opening import has_store, looking, routes_of
    from ews.cli.output import output
    from ews.reports.names import TABLES

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        known = routes_of(settings)
        people = [p.name for p in store.people() if p.disabled_at is None]
        wrong = problems(known, CHANNELS, people if has_store(settings) else None, TABLES)
    if out.as_json:
        out.json({"receivers": known.receivers, "inhibitions": known.inhibitions,
                  "problems": wrong})  # fmt: skip
    else:
        _show(out, known, wrong)
    raise typer.Exit(1 if wrong else 0)


def _show(out: Output, known: Routes, wrong: Sequence[str]) -> None:
    from alerts.quiet import digest_times

    out.table(
        out.t("수신자", "Receivers"),
        [out.t("이름", "name"), out.t("통로", "channel"), out.t("주소", "address"),
         out.t("최소 단계", "minimum"), out.t("무엇을", "of what"), out.t("하루", "a day"),
         out.t("조용한 시간", "quiet"), out.t("모아 보기", "digests"), out.t("당번", "on duty"),
         out.t("대신", "backup")],
        [
            (one.name, one.channel, one.address, out.t(one.minimum.ko, one.minimum.en),
             ", ".join([*one.ministries, *one.items, *one.sectors]) or out.t("모두", "everything"),
             one.budget_per_day, one.quiet, ", ".join(digest_times(one)), ", ".join(one.people),
             one.backup)
            for one in known.receivers
        ],
    )  # fmt: skip
    out.table(
        out.t("더 큰 알림이 설명하는 것", "What explains what"),
        [out.t("이름", "name"), out.t("설명하는 것", "source"), out.t("설명되는 것", "target"),
         out.t("같아야 하는 것", "equal")],
        [
            (rule.name,
             f"{_matchers(rule.source)}; {out.t(rule.source_from.ko, rule.source_from.en)}+",
             _matchers(rule.target), ", ".join(rule.equal))
            for rule in known.inhibitions
        ],
    )  # fmt: skip
    for problem in wrong:
        out.say(problem, "bold red")


def _matchers(matchers: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{key} = {'|'.join(values)}" for key, values in matchers.items())


@app.command("cases")
def run_route_cases(
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Cases to run (default: routes_test.toml of the home)."),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Run route cases: does everybody get what the cases say?

    The home's routes_test.toml, else the shipped ones with their own receivers. Exit 1 when one
    fails.
    """
    from alerts.route_cases import load_cases, run_cases, shipped_cases
    from ews.cli.opening import looking, routes_of
    from ews.cli.output import output
    from graph import USES

    with looking(home) as (settings, _):
        out = output(lang, as_json, settings.lang)
        own = _own_cases(settings, file)
        routes, cases = load_cases(own) if own else shipped_cases()
        outcomes = run_cases(routes or routes_of(settings), cases, USES)
    failed = [one for one in outcomes if not one.passed]
    if out.as_json:
        out.json([{"case": o.name, "receiver": o.receiver, "expected": o.expected, "got": o.got,
                   "passed": o.passed, "why": o.why} for o in outcomes])  # fmt: skip
    else:
        if failed:
            _tell_failed(out, failed)
        out.say(out.t(f"사례 {len(cases)}개, 확인 {len(outcomes)}건, 어긋남 {len(failed)}건",
                      f"{len(cases)} cases, {len(outcomes)} checks, {len(failed)} failed"))  # fmt: skip
    raise typer.Exit(1 if failed else 0)


def _tell_failed(out: Output, failed: Sequence[RouteOutcome]) -> None:
    nothing = out.t("받지 않음", "not its")
    out.table(
        "",
        [out.t("사례", "case"), out.t("수신자", "receiver"), out.t("기대", "expected"),
         out.t("결과", "got"), out.t("왜", "why")],
        [(o.name, o.receiver, o.expected or nothing, o.got or nothing, o.why) for o in failed],
    )  # fmt: skip


def _own_cases(settings: Settings, file: Path | None) -> Path | None:
    own = file or settings.home / "routes_test.toml"
    return own if file or own.exists() else None
