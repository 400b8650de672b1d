"""`ews ledger ...`: what became of each alert, by what evidence, and whether its probability held."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ews.cli.options import As, Home, Json, Key, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.tuning.ledger import Account, Asked, Ledger
    from ews.tuning.reliability import Reliability

app = typer.Typer(
    invoke_without_command=True,
    help="The ledger: how alerts turned out, and whether the probabilities sent were right.",
)
Since = Annotated[str | None, typer.Option("--since", help="Raised at or after: date or time.")]
Until = Annotated[str | None, typer.Option("--until", help="Raised before: date or time.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="As known at that time; a date is its end in Korea.")
]
Id = Annotated[str, typer.Argument(help="Alert ID; a unique beginning will do.")]


@app.callback(invoke_without_command=True)
def every(
    context: typer.Context,
    since: Since = None,
    until: Until = None,
    stage: Annotated[str | None, typer.Option(help="Ever this stage or higher.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Event type.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="open, true, false, late or prevented.")
    ] = None,
    as_of: AsOf = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a sheet of the alerts.", dir_okay=False)
    ] = None,
    bins: Annotated[
        Path | None,
        typer.Option("--bins", help="Write the reliability diagram as a sheet.", dir_okay=False),
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """How alerts turned out, newest first, and the reliability of the probabilities that were sent.
    Exit 1 when there is none."""
    if context.invoked_subcommand is not None:
        return
    from ews.cli.asking import asker
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.given import known_at
    from ews.reports.receivers import sees_work
    from ews.tuning.ledger import ledger

    asked, now = _asked(since, until, stage, type_, outcome), datetime.now(UTC)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        named = sees_work(asker(settings, store))
        found = ledger(store, known_at(as_of, now) or now, asked, named)
    if csv or bins:
        from ews.web.ledger_sheet import entries_sheet, reliability_sheet
    if csv:
        save(out, csv, entries_sheet(found, out.lang))
    if bins:
        save(out, bins, reliability_sheet(found, out.lang))
    if out.as_json:
        out.json(found)
    elif not (csv or bins):
        _print_ledger(out, found)
    raise typer.Exit(0 if found.alerts else 1)


@app.command()
def show(
    alert_id: Id, as_of: AsOf = None, home: Home = None, lang: Lang = None, as_json: Json = False
) -> None:
    """How one alert turned out, every decision with its evidence, and what was sent."""
    from ews.cli.asking import asker
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports import find_alert
    from ews.reports.given import known_at
    from ews.reports.receivers import sees_work
    from ews.reports.viewer import NotFound
    from ews.tuning.ledger import account

    now = datetime.now(UTC)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        at = known_at(as_of, now) or now
        alert = find_alert(store, alert_id)
        found = account(store, alert, at, sees_work(asker(settings, store)))
    if found is None:
        raise NotFound(f"alert {alert.id} was not raised by then")
    if out.as_json:
        out.json(found)
    else:
        _print_account(out, found)


@app.command()
def settle(as_of: AsOf = None, home: Home = None, lang: Lang = None, as_json: Json = False) -> None:
    """Decide what acts, later reports and later figures settle by now. `ews run` does it once a day;
    done again it writes nothing. With --as-of, from what was known then, dated then."""
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.given import known_at
    from ews.tuning.ledger_settling import settle as decide

    now = datetime.now(UTC)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        found = decide(store, known_at(as_of, now) or now)
    if out.as_json:
        out.json(found)
        return
    out.say(out.t(f"경보 {found.alerts}건을 보고 {found.new}건을 새로 정했습니다.",
                  f"{found.alerts} alerts looked at, {found.new} decisions written."), "bold")  # fmt: skip
    if found.alerts:
        _print_outcomes(out, dict(found.outcomes))
    else:
        out.say(out.t("볼 때가 지난 경보는 다시 보지 않습니다. 지난 때의 것은 --as-of로 정합니다.",
                      "Alerts that are past the time to settle are left alone; --as-of TIME settles "
                      "as of then."))  # fmt: skip


@app.command("import")
def bring(
    file: Annotated[
        Path, typer.Argument(help="Verdict file (JSON Lines).", exists=True, dir_okay=False)
    ],
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Bring in what readers judged afterwards (alert_id, verdict, reason, annotator), as outcomes.
    The majority of each alert counts; the same file again changes nothing."""
    from ews.cli.asking import actor
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.cli.tune import told
    from ews.tuning.ledger_reviews import import_verdicts

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        person, _ = actor(settings, store, by)
        found = told(
            lambda path: import_verdicts(
                store, path, person, datetime.now(UTC), "cli", f"cli:{person.id}:{key or uuid4()}"
            ),
            file,
        )
    if out.as_json:
        out.json(found)
        return
    out.facts([
        (out.t("맞음", "true"), found.true), (out.t("틀림", "false"), found.false),
        (out.t("갈림", "no majority"), found.unsure),
        (out.t("이 저장소에 없는 경보", "no alert of this home"), found.unknown),
        (out.t("새로 적음", "written"), found.new),
        (out.t("판독자", "annotators"), found.annotators),
        (out.t("일치", "agreement"), found.agreement),
    ])  # fmt: skip


@app.command("set")
def say(
    alert_id: Id,
    outcome: Annotated[str, typer.Argument(help="true, false, late or open.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept, shown to nobody outside.")],
    by: As = "", key: Key = "", home: Home = None, lang: Lang = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Say how an alert turned out, under your name; it goes before every other basis. Prevented is
    said with `ews close --turned-out prevented`, which names the action."""
    from ews.cli.asking import actor
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.model import Outcome
    from ews.tuning.ledger import account
    from ews.tuning.ledger_reviews import turned_out

    if outcome not in set(Outcome):
        raise typer.BadParameter(f"{outcome!r} is none of true, false, late, open")
    now = datetime.now(UTC)
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        person, entered = actor(settings, store, by)
        done = turned_out(
            store, person, alert_id, Outcome(outcome), reason, now, "cli",
            f"cli:{person.id}:{key or uuid4()}", entered,
        )  # fmt: skip
        alert = store.alert(done.act.alert_id or alert_id)
        assert alert is not None
        found = account(store, alert, now, named=True)
    assert found is not None
    if out.as_json:
        out.json(found)
    else:
        _print_account(out, found)


def _asked(
    since: str | None, until: str | None, stage: str | None, type_: str | None, outcome: str | None
) -> Asked:
    from ews.model import Outcome, Stage
    from ews.tuning.ledger import Asked
    from nlp.taxonomy import TYPES

    if type_ and type_ not in TYPES:
        raise ValueError(f"--type {type_!r} is none of {', '.join(TYPES)}")
    if outcome and outcome not in set(Outcome):
        raise ValueError(f"--outcome {outcome!r} is none of {', '.join(Outcome)}")
    return Asked(
        _time("--since", since), _time("--until", until),
        Stage.parse(stage) if stage else None, type_ or "", Outcome(outcome) if outcome else None,
    )  # fmt: skip


def _time(option: str, text: str | None) -> datetime | None:
    from ews.model import utc

    try:
        return utc(text) if text else None
    except ValueError:
        raise ValueError(
            f"{option}: {text!r} is no date or time; write 2023-07-01 or 2023-07-01T09:00+09:00"
        ) from None


# --------------------------------------------------------------------------- printing


def _print_ledger(out: Output, found: Ledger) -> None:
    from ews.cli.output import clean, moment
    from ews.reports import label
    from ews.reports.ledger_words import BASES, STAGES, outcome_word, said

    if not found.alerts:
        out.say(out.t("적을 경보가 없습니다.", "No alert to account for."))
        return
    _print_outcomes(out, dict(found.outcomes))
    out.table(
        out.t("근거", "What they rest on"),
        [out.t("근거", "basis"), out.t("경보", "alerts")],
        [(said(BASES, code, out.lang), count) for code, count in found.bases.items()],
        right=[1],
    )
    _print_reliability(out, found.calibration.every)
    out.table(
        out.t("경보마다", "Alert by alert"),
        ["ID", out.t("발령", "raised"), out.t("단계", "stage"), out.t("유형", "type"),
         out.t("제목", "title"), out.t("보낸 확률", "sent"), out.t("결과", "outcome"),
         out.t("근거", "basis")],
        [
            (one.alert_id, moment(one.raised_at), said(STAGES, one.stage, out.lang),
             label("type", one.type).text(out.lang), clean(one.title), _rate(one.chance),
             outcome_word(one.outcome, one.unconfirmed, out.lang), said(BASES, one.basis, out.lang))
            for one in found.entries[:200]
        ],
        right=[5],
    )  # fmt: skip
    if found.alerts > 200:
        more = found.alerts - 200
        out.say(out.t(f"그전 {more}건은 --json이나 --csv로 봅니다.",
                      f"{more} older ones: --json or --csv."))  # fmt: skip


def _print_outcomes(out: Output, outcomes: dict[str, int]) -> None:
    from ews.reports.ledger_words import OUTCOMES, said

    out.table(
        out.t("결과", "Outcomes"),
        [out.t("결과", "outcome"), out.t("경보", "alerts")],
        [(said(OUTCOMES, code, out.lang), count) for code, count in outcomes.items()],
        right=[1],
    )


def _print_reliability(out: Output, found: Reliability) -> None:
    if found.ece is None or found.ece_interval is None or found.ece_by_chance is None:
        out.say(out.t("결과가 정해진 경보로 보낸 확률이 아직 없습니다.",
                      "No alert told with a probability has an outcome yet."))  # fmt: skip
        return
    low, high = found.ece_interval
    out.say(
        f"ECE {found.ece:.3f} ({low:.3f}~{high:.3f}), "
        + out.t(
            f"우연이라면 {found.ece_by_chance[0]:.3f}", f"by chance {found.ece_by_chance[0]:.3f}"
        )
        + f", Brier {found.brier:.3f}, n={found.count}"
    )
    out.table(
        out.t("보낸 확률과 실제", "Probability sent against outcome"),
        [out.t("구간", "bin"), out.t("건수", "count"), out.t("보낸 확률", "said"),
         out.t("맞은 비율", "came true"), "95%"],
        [
            (f"{b.low:.0%}~{b.high:.0%}", b.count, _rate(b.said), _rate(b.came),
             f"{b.interval[0]:.0%}~{b.interval[1]:.0%}")
            for b in found.widths
        ],
        right=[1, 2, 3, 4],
    )  # fmt: skip


def _print_account(out: Output, found: Account) -> None:
    from ews.cli.output import clean, moment
    from ews.reports.ledger_words import BASES, outcome_word, said

    one = found.entry
    out.say(clean(one.title), "bold")
    out.facts([
        ("ID", one.alert_id),
        (out.t("결과", "outcome"), outcome_word(one.outcome, one.unconfirmed, out.lang)),
        (out.t("근거", "basis"), said(BASES, one.basis, out.lang) if one.basis else None),
        (out.t("누가", "by"), one.by),
        (out.t("같은 일의 경보", "repeats"), one.repeats),
        (out.t("기준 시각", "as known at"), moment(found.as_of)),
    ])  # fmt: skip
    _print_decisions(out, found)
    if not found.sent:
        out.say(out.t("아무에게도 보내지 않았습니다.", "Nobody was told."))
        return
    out.table(
        out.t("보낸 확률", "Probabilities sent"),
        [out.t("판", "revision"), out.t("보낸 때", "sent"), out.t("확률", "probability")],
        [(s.revision, moment(s.at), _rate(s.chance)) for s in found.sent],
        right=[0, 2],
    )


def _print_decisions(out: Output, found: Account) -> None:
    from ews.cli.output import clean, moment
    from ews.reports.ledger_words import BASES, KINDS, OUTCOMES, proof_word, said

    if not found.decisions:
        out.say(out.t("아직 정한 것이 없습니다. 뒤이은 보도와 통계, 담당자의 판단이 나오면 적힙니다.",
                      "Nothing is decided yet: later reports, figures and people's words will stand "
                      "here."))  # fmt: skip
        return
    out.table(
        out.t("정한 것과 근거", "Decisions and their evidence"),
        [out.t("때", "when"), out.t("결과", "outcome"), out.t("근거", "basis"), out.t("종류", "kind"),
         out.t("말하는 것", "says"), out.t("그때", "dated")],
        [
            (moment(d.at), said(OUTCOMES, d.outcome, out.lang), said(BASES, d.basis, out.lang),
             said(KINDS, p.kind, out.lang) if p else "", clean(proof_word(p, out.lang)) if p else "",
             moment(p.at) if p else "")
            for d in found.decisions for p in (d.proofs or (None,))
        ],
    )  # fmt: skip


def _rate(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
