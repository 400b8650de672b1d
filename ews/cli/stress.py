"""`ews firms stress`: what a firm's supply hangs on, one by one taken away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.exposing import CsvFile, HtmlFile
from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.reports.stress_views import StrainLine, StressReport

SHOWN = 15  # sources in the table, the worst first
HELPED = 8  # sources for which remedies are shown


def stress(
    firm: Annotated[
        str | None, typer.Option(help="An imported firm, or its owner (default: your own).")
    ] = None,
    days: Annotated[
        float | None,
        typer.Option(
            help="Days that each source is down (default: until another is assumed "
            "to deliver, by its share)."
        ),
    ] = None,
    line: Annotated[
        float, typer.Option(help="Days of output that may be lost; plans keep under it.")
    ] = 1.0,
    csv: CsvFile = None,
    html: HtmlFile = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """A firm's own stress test: each supplier, origin, strait, port and part taken away in turn,
    how long the firm lasts, what it loses, and what would help. Exit 1 when nothing was given to
    test."""  # fmt: skip
    from ews.cli.asking import asker
    from ews.cli.exposing import save
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.reports.stress import stress_report

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        report = stress_report(
            store, firm, now=datetime.now(UTC), viewer=asker(settings, store), days=days, line=line
        )
    if csv:
        from ews.reports.stress_sheet import stress_sheet

        save(out, csv, stress_sheet(report, out.lang))
    if html:
        from ews.web.stress_page import stress_html

        save(out, html, stress_html(report, out.lang))
    if out.as_json:
        out.json(report)
    elif not (csv or html):
        show(out, report)
    raise typer.Exit(0 if report.sources else 1)


def show(out: Output, found: StressReport) -> None:
    """The report as terminal tables."""
    from ews.reports.words import word

    firms = ", ".join(one.text(out.lang) for one in found.firms)
    made = f" [{word('synthetic', out.lang)}]" if found.synthetic else ""
    out.say(f"{out.t('공급 중단 시험', 'Supply stress test')}: {firms}{made}", "bold")
    given = found.given
    out.facts([
        (out.t("받은 자료", "given"),
         out.t(f"공급 링크 {given.links}건, 수입신고 {given.declarations}건, 부품표 {given.bom}건, 재고 {given.stocks}건",
               f"{given.links} links, {given.declarations} declared, {given.bom} bill lines, {given.stocks} stocks")),
        (out.t("끊기는 기간", "down for"), _held(out, found)),
        (out.t("복구까지 못 버티는 곳", "outlast the firm"), f"{found.exposed} / {len(found.sources)}"),
        (out.t("근거의 종류", "rests on"),
         ", ".join(f"{word(b.basis, out.lang)} {b.rows}" for b in found.bases)),
    ])  # fmt: skip
    for note in found.missing:
        out.say(f"* {note.text(out.lang)}")
    if not found.sources:
        return
    _sources(out, found)
    _remedies(out, found)
    _names(out, found)
    _rest(out, found)


def _held(out: Output, found: StressReport) -> str:
    if found.days is not None:
        return out.t(f"{found.days:g}일 (물은 대로)", f"{found.days:g} days (as asked)")
    return out.t("대체 공급까지 걸린다고 가정한 날 (비중에 따라 60·90·180일)",
                 "until another supplier is assumed to deliver (60, 90 or 180 days by share)")  # fmt: skip


def _name(out: Output, one: StrainLine) -> str:
    from ews.reports import percent
    from ews.reports.words import word

    sure = "" if one.confidence is None else f" ({percent(one.confidence, out.lang)})"
    return f"[{word(f'hang_{one.kind}', out.lang)}] {one.what.text(out.lang)}{sure}"


def survives(value: float | None, looked: int, lang: str) -> str:
    """Days until the first loss; a person is told how far was looked."""
    if value is None:
        return f"{looked}일 넘게" if lang == "ko" else f"over {looked} days"
    return f"{value:.0f}일" if lang == "ko" else f"{value:.0f} days"


def _sources(out: Output, found: StressReport) -> None:
    from ews.reports import days, percent
    from ews.reports.words import word

    out.table(
        out.t("무엇이 끊기면 며칠 버티고 얼마나 잃는가 (손실은 회사 전체 생산의 며칠분, 나쁜 순)",
              "What is taken away, how long the firm lasts, what it loses (in days of whole output, worst first)"),
        [out.t("끊기는 곳", "taken away"), out.t("비중", "share"), out.t("재고로 버티는 일수", "survives"),
         out.t("가장 잘하면", "at best"), out.t("복구까지", "recovers"), out.t("복구까지 손실", "lost by then"),
         out.t("끝까지 손실", "lost in all"), out.t("위험지수", "risk index"),
         out.t("먼저 바닥나는 것 (재고)", "binds (stock)")],
        [
            (
                _name(out, one),
                f"{percent(one.share, out.lang)} ({word(one.share_basis, out.lang)})",
                survives(one.survive_days, one.looked_days, out.lang),
                out.t("계속", "for ever") if one.best_survive_days is None
                else days(one.best_survive_days, out.lang),
                f"{days(one.recover_days, out.lang)} ({word(one.recover_basis, out.lang)})",
                f"{one.lost_days:.1f}",
                f"{one.all_lost_days:.1f}",
                f"{one.index:.2f}",
                "" if one.binding is None else
                f"{one.binding.text(out.lang)} ({days(one.stock_days, out.lang)}, {word(one.stock_basis, out.lang)})",
            )
            for one in found.sources[:SHOWN]
        ],
        right=[1, 2, 3, 4, 5, 6, 7],
    )  # fmt: skip
    more = len(found.sources) - SHOWN
    if more > 0:
        out.say(out.t(f"그 밖에 {more}곳: --json 또는 --csv", f"{more} more: --json or --csv"))
    out.say(out.t(
        "재고로 버티는 일수는 지금 재고와 오는 중인 물량으로, 아무 조치 없이 손실이 시작되기까지입니다. ‘가장 잘하면’은 남은 것을 가장 잘 나눠 쓸 때(LP)입니다.",
        "Survival counts stock and what is on its way, until the first loss if nothing is done; "
        "“at best” is by the best plan there is (LP)."))  # fmt: skip


def _remedies(out: Output, found: StressReport) -> None:
    from ews.reports import percent

    worst = [one for one in found.sources if one.all_lost_days > found.line_days]
    if not worst:
        return
    out.table(
        out.t(f"무엇을 하면 손실이 생산 {found.line_days:g}일분을 넘지 않는가",
              f"What keeps the loss under {found.line_days:g} days of output"),
        [out.t("끊기는 곳", "taken away"), out.t("필요한 재고 (지금 → 필요)", "stock (now → enough)"),
         out.t("또는 조달처 전환 비중", "or share to buy elsewhere"),
         out.t("그것을 파는 내 다른 공급사", "your other suppliers of what binds"),
         out.t("한국에 파는 다른 나라", "other origins that sell to Korea")],
        [
            (
                _name(out, one),
                "\n".join(_stock(out, s.part.text(out.lang), s.now_days, s.enough_days) for s in one.stocks[:4])
                + (out.t(f"\n그 밖에 {len(one.stocks) - 4}곳", f"\n{len(one.stocks) - 4} more")
                   if len(one.stocks) > 4 else ""),
                out.t("옮겨서는 안 됨", "not by moving") if one.move_share is None
                else percent(one.move_share, out.lang),
                _others(out, one),
                ", ".join(o.who.text(out.lang) for o in one.origins) or "-",
            )
            for one in worst[:HELPED]
        ],
        right=[2],
    )  # fmt: skip


def _others(out: Output, one: StrainLine) -> str:
    same = out.t(" (같은 회사일 수 있음)", " (may be the same company)")
    found = [o.who.text(out.lang) + (same if o.maybe_same else "") for o in one.others]
    none = "-" if one.kind in ("part", "made") else out.t("없음", "none")
    return ", ".join(found) or none


def _stock(out: Output, part: str, now: float, enough: float | None) -> str:
    if enough is None:
        return out.t(f"{part}: 재고로는 안 됨", f"{part}: no stock is enough")
    return out.t(f"{part}: {now:.0f} → {enough:.0f}일", f"{part}: {now:.0f} → {enough:.0f} days")


def _names(out: Output, found: StressReport) -> None:
    from ews.reports import percent

    if found.together:
        out.table(
            out.t("같은 회사일 수 있는 공급사 (이름으로 본 제안이며, 확인이 필요합니다)",
                  "Suppliers that may be one company (a suggestion by name; please check)"),
            [out.t("이름", "names"), out.t("확신", "confidence"), out.t("합친 비중", "share together"),
             out.t("까닭", "why")],
            [(" = ".join(one.names), percent(one.confidence, out.lang),
              percent(one.share, out.lang) if one.same else "-", one.why.text(out.lang)) for one in found.together],
            right=[1, 2],
        )  # fmt: skip
    if found.known:
        out.say(out.t("뉴스 목록에 있는 회사로 보이는 공급사: ", "Suppliers that may be a listed company: ")
                + ", ".join(f"{k.name} = {k.company.text(out.lang)} ({percent(k.confidence, out.lang)})"
                            for k in found.known))  # fmt: skip


def _rest(out: Output, found: StressReport) -> None:
    if found.spare:
        out.say(out.t("이 기간 없어도 생산이 멈추지 않는 것: ", "Lost for so long, these cost no output: ")
                + ", ".join(one.text(out.lang) for one in found.spare))  # fmt: skip
    for ring in found.rings:
        said = " → ".join(one.text(out.lang) for one in ring.members)
        out.say(out.t(f"손실이 갇히는 고리: {said} (한 바퀴 {ring.round_days}일)",
                      f"A ring that keeps a loss: {said} (round in {ring.round_days} days)"))  # fmt: skip
