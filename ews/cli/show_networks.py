"""Printing what-ifs and rankings of brought networks, and the ranking of the national one."""

from __future__ import annotations

from ews.cli.output import Output, moment
from ews.reports import percent
from ews.reports.network_views import NetworkLine, NetworkSystemic, NetworkWhatIf
from ews.reports.systemic import StoppedLine, SystemicReport
from ews.reports.words import word

BARS = 30  # characters of the greatest bar
ROWS = 15  # lines of the curve, at most
KINDS = {
    "country": ("나라", "Countries"),
    "chokepoint": ("해협·운하", "Straits and canals"),
    "port": ("항만", "Ports"),
    "origin": ("한 나라의 한 품목", "Single origins"),
}


def _head(out: Output, line: NetworkLine) -> None:
    out.say(f"{line.name} ({line.version}): {line.nodes:,} / {line.links:,}", "bold")
    if line.synthetic:
        out.say(out.t(f"합성 데이터: 링크 {line.synthetic_links:,}개는 만들어 낸 것입니다.",
                      f"Synthetic: {line.synthetic_links:,} links are made up."), "yellow")  # fmt: skip
    if line.bases:
        out.say(out.t("근거: ", "Rests on: ")
                + ", ".join(f"{word(b.basis, out.lang)} {b.rows:,}" for b in line.bases))  # fmt: skip


def what_if(out: Output, found: NetworkWhatIf) -> None:
    """Loss by day, the nodes hit most, the paths to one of them, and what made the numbers."""
    _head(out, found.network)
    money = found.network.currency or out.t("화폐 단위", "units of the file")
    out.facts([
        (out.t("맞은 노드", "nodes hit"), found.struck),
        (out.t("움직인 노드", "nodes that lost"), f"{found.moved:,}"),
        (out.t("손실", "loss"), f"{found.loss:,.4g} {money} ({percent(found.share, out.lang)})"),
    ])  # fmt: skip
    step = max(1, -(-len(found.curve) // ROWS))
    most = max(day.loss for day in found.curve) or 1.0
    out.table(
        out.t("날짜별 손실", "Loss by day"),
        [out.t("일", "day"), money, "%", ""],
        [
            (day.day, f"{day.loss:,.4g}", percent(day.share, out.lang),
             "█" * round(BARS * day.loss / most))
            for day in found.curve[::step]
        ],
        right=[0, 1, 2],
    )  # fmt: skip
    out.table(
        out.t("가장 많이 잃는 곳", "Who loses most"),
        ["ID", out.t("이름", "name"), out.t("업종", "sector"), out.t("첫날", "first day"), money,
         "%", ""],
        [
            (one.who.code, one.who.text(out.lang), one.sector, one.first_day, f"{one.loss:,.4g}",
             percent(one.share, out.lang), out.t("직접", "hit") if one.struck else "")
            for one in found.firms
        ],
        right=[3, 4, 5],
    )  # fmt: skip
    _why(out, found)
    out.say(f"{found.engine}; {found.switches}; residual {found.residual:.2g}", "dim")


def _why(out: Output, found: NetworkWhatIf) -> None:
    if found.why is None:
        return
    rows = []
    for path in found.why.paths:
        rows.append((percent(path.share, out.lang), path.struck.text(out.lang), "", "", ""))
        rows += [
            ("", f"{s.supplier.text(out.lang)} → {s.buyer.text(out.lang)} ({s.item})",
             percent(s.weight, out.lang), f"{s.felt_from}~{s.felt_to}",
             " ".join((word(s.basis, out.lang), s.source, s.as_of)))
            for s in path.steps
        ]  # fmt: skip
    out.table(
        out.t(f"{found.why.who.text(out.lang)} 의 손실은 어디서 오는가",
              f"Where the loss of {found.why.who.text(out.lang)} comes from"),
        [out.t("몫", "part"), out.t("경로", "path"), out.t("비중", "weight"),
         out.t("느끼는 날", "felt"), out.t("근거", "basis")],
        rows,
    )  # fmt: skip
    out.say(out.t(f"나머지 {percent(found.why.rest, 'ko')}, 돌고 돈 것 {percent(found.why.circles, 'ko')}",
                  f"rest {percent(found.why.rest)}, by circles {percent(found.why.circles)}"))  # fmt: skip


def ranking(out: Output, found: NetworkSystemic) -> None:
    """All firms by ESRI, with what made the numbers."""
    _head(out, found.network)
    out.table(
        out.t("닫히면 전체가 가장 많이 잃는 기업 (ESRI)", "Firms whose closing costs most (ESRI)"),
        ["", "ID", out.t("이름", "name"), out.t("업종", "sector"), "ESRI", out.t("하류", "down"),
         out.t("상류", "up"), out.t("매출 비중", "of sales"), out.t("반복", "sweeps"), ""],
        [
            (one.rank, one.who.code, one.who.text(out.lang), one.sector,
             percent(one.esri, out.lang), percent(one.down, out.lang), percent(one.up, out.lang),
             percent(one.sales, out.lang), one.sweeps,
             "" if one.converged else out.t("아직 오름", "still rising"))
            for one in found.firms
        ],
        right=[0, 4, 5, 6, 7, 8],
    )  # fmt: skip
    out.say(out.t(
        f"기업 {found.ranked:,}곳 중 {found.converged:,}곳이 멈춤, 가장 많은 반복 {found.sweeps}, 남은 변화 "
        f"{found.residual:.2g}; 다른 기업에만 파는 곳 {found.no_final:,}",
        f"{found.converged:,} of {found.ranked:,} firms came to rest; most sweeps {found.sweeps}, "
        f"residual {found.residual:.2g}; {found.no_final:,} sell to other firms only",
    ))  # fmt: skip
    out.say(f"{found.engine}; {found.switches}; {moment(found.made_at)}", "dim")


def stops(out: Output, found: SystemicReport) -> None:
    """The tables of the national ranking."""
    for kind, (ko, en) in KINDS.items():
        for days in found.lengths:
            lines = found.of(kind, days)
            if lines:
                _stops(out, f"{out.t(ko, en)}: {days}{out.t('일 멈춤', ' days')}", lines)
    out.say(out.t(
        f"{found.on} 기준, {found.horizon_days}일 동안. 품목 {found.items}개, 비중을 모르는 품목 {found.unread}개는 "
        f"빠짐. 재고 {found.assumed_stocks}곳은 가정, {found.stated_stocks}곳은 발표. 단위는 평소 사용량의 며칠분(용도별 합).",
        f"As of {found.on}, over {found.horizon_days} days. {found.items} items; {found.unread} "
        f"without a share are left out. {found.assumed_stocks} stocks are assumed, "
        f"{found.stated_stocks} stated. Days are of normal use, summed over uses.",
    ))  # fmt: skip
    out.say(f"{found.engine}; {found.switches}; residual {found.residual:.2g}", "dim")


def _stops(out: Output, title: str, lines: tuple[StoppedLine, ...]) -> None:
    out.table(
        title,
        ["", out.t("이름", "name"), out.t("손실(일분)", "days lost"),
         out.t("핵심 품목", "critical"), out.t("안 오는 물량", "not arriving"), out.t("부족한 용도", "uses short"),
         out.t("첫날", "first day"), out.t("품목", "items"), out.t("비중 모름", "unread")],
        [
            (one.rank, _named(out, one), f"{one.loss_days:.1f}", f"{one.critical_days:.1f}",
             f"{one.missing_days:.1f}",
             f"{one.uses_short}/{one.uses}", one.first_day,
             ", ".join(f"{i.item.text(out.lang)} {i.loss_days:.0f}" for i in one.items[:3]),
             len(one.unread) or "")
            for one in lines
        ],
        right=[0, 2, 3, 4, 5, 6, 8],
    )  # fmt: skip


def _named(out: Output, one: StoppedLine) -> str:
    more = out.t(f" 외 {len(one.alike)}곳", f" and {len(one.alike)} more") if one.alike else ""
    return one.who.text(out.lang) + more
