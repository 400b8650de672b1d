"""An outlook as terminal tables. Prints what the report holds and computes nothing."""

from __future__ import annotations

from datetime import date

from ews.cli.output import Output
from ews.reports import days, percent
from ews.reports.outlook_views import BuyerLine, OutlookReport
from ews.reports.phrases import grounds, period, undecided
from ews.reports.words import word

SHOWN = 12  # buyers in the table, the worst first
BY = (30, 60, 90)  # days


def outlook(out: Output, found: OutlookReport) -> None:
    """Who runs short when, why, which assumptions decide, and what could be done."""
    said = out.t("가정한 사건", "what-if") if found.hypothetical else found.event_id
    out.say(f"{out.t('전망', 'Outlook')}: {found.what.text(out.lang)} ({said})", "bold")
    out.facts([
        (out.t("0일", "day 0"), str(found.start)),
        (out.t("수치 기준일", "figures known on"), str(found.facts_on)),
        (out.t("앞으로 본 날", "days ahead"), str(found.horizon_days)),
        (out.t("차질", "lost"), f"{percent(found.magnitude, out.lang)}, "
                               f"{days(found.duration_days, out.lang, exact=True)} "
                               f"({'; '.join(grounds(b, out.lang) for b in found.shock_bases)})"),
        (out.t("불리한 경우", "bad case"), f"{percent(found.bad_magnitude, out.lang)}, "
                                     f"{days(found.bad_duration_days, out.lang, exact=True)}"),
        (out.t("사건 확률", "probability"), percent(found.probability, out.lang)),
        (out.t("근거 행 수", "rows by basis"),
         ", ".join(f"{word(b.basis, out.lang)} {b.rows}" for b in found.bases)),
        (out.t("계산에서 빠진 품목(수입 비중 미상)", "hit, not counted: share unknown"),
         ", ".join(label.text(out.lang) for label in found.unknown[:12])),
    ])  # fmt: skip
    if not found.buyers:
        out.say(_nobody(out, found))
        return
    _buyers(out, found)
    if found.untouched:
        out.say(out.t("불리한 경우에도 부족하지 않은 곳: ", "Not short even in the bad case: ")
                + ", ".join(one.text(out.lang) for one in found.untouched[:SHOWN]))  # fmt: skip
    _paths(out, found.buyers[0])
    _deciding(out, found)
    _plans(out, found)
    _alternatives(out, found)


def _buyers(out: Output, found: OutlookReport) -> None:
    out.table(
        out.t(f"언제 누가 모자라는가 (모의계산 {found.worlds}회, 난수 시드 {found.seed}. "
              "손실은 평소 사용량의 며칠분, ± 는 표준오차)",
              f"Who runs short, and when ({found.worlds} draws, random seed {found.seed}; losses "
              "in days of normal use, ± is the standard error)"),
        [out.t("용도·산업·기업", "use, industry, firm"), out.t("빠르면(P5)", "early (P5)"),
         *(out.t(f"{day}일 안", f"by day {day}") for day in BY),
         out.t("부족이 없었던 비율", "never short"), out.t("중앙값", "median"),
         out.t("평균 손실", "mean loss"), "P95", out.t("소관 부처", "ministries")],
        [
            (
                _who(out, one),
                _day(out, one.shortage.p5, one.shortage.p5_date),
                *_chances(out, one),
                percent(one.shortage.never, out.lang),
                _day(out, one.shortage.p50, one.shortage.p50_date)
                + (out.t(" 갈림", " undecided") if undecided(one.shortage) else ""),
                f"{one.loss.mean:.1f} ± {one.loss.mean_error:.1f}",
                f"{one.loss.p95:.1f}",
                ", ".join(m.text(out.lang) for m in one.ministries),
            )
            for one in found.buyers[:SHOWN]
        ],
        right=[1, 2, 3, 4, 5, 6, 7, 8],
    )  # fmt: skip
    if not found.enough:
        out.say(out.t("모의계산 횟수가 적어 평균의 오차가 2%를 넘습니다.",
                      "Too few draws for an error of 2 % of the mean."))  # fmt: skip
    more = len(found.buyers) - SHOWN
    if more > 0:
        out.say(out.t(f"그 밖에 {more}곳: --json", f"{more} more: --json"))


def _nobody(out: Output, found: OutlookReport) -> str:
    if not found.counted:
        return out.t("수입 비중을 읽은 흐름이 걸리지 않아, 부족 여부를 말할 수 없습니다.",
                     "No flow whose share was read is hit, so nothing can be said of shortages.")  # fmt: skip
    return out.t("비중이 알려진 흐름에서는 불리한 경우에도 부족해지는 곳이 없습니다.",
                 "On the flows whose share was read nobody runs short, even in the bad case.")  # fmt: skip


def _chances(out: Output, one: BuyerLine) -> list[str]:
    """The probability of being short by each day of BY; "-" past the horizon."""
    by = {hit.day: percent(hit.probability, out.lang) for hit in one.hit_by}
    return [by.get(day, "-") for day in BY]


def _who(out: Output, one: BuyerLine) -> str:
    """A use says of which item: two items may be for one thing."""
    items = ", ".join(item.text(out.lang) for item in one.items[:3])
    made = f" [{word('synthetic', out.lang)}]" if one.synthetic else ""
    return f"{one.who.text(out.lang)} ({items}){made}"


def _day(out: Output, day: float | None, on: date | None) -> str:
    if day is None or on is None:
        return out.t("없음", "none")
    return out.t(f"{on} ({day:.0f}일)", f"{on} (day {day:.0f})")


def _paths(out: Output, one: BuyerLine) -> None:
    bad = out.t(" (불리한 경우)", " (bad case)") if one.paths_bad else ""
    out.say(
        out.t(f"손실이 오는 경로{bad}: ", f"Paths of the loss{bad}: ") + one.who.text(out.lang),
        "bold",
    )
    for path in one.paths:
        steps = (
            [path.struck.text(out.lang)]
            if not path.steps
            else [path.steps[0].source.text(out.lang)]
        )
        steps += [
            f"{s.target.text(out.lang)} ({percent(s.weight, out.lang)}, {word(s.basis, out.lang)}"
            f"{', ' + period(s.period, out.lang) if s.period else ''})"
            for s in path.steps
        ]
        out.say(f"  {percent(path.share, out.lang)}: " + " → ".join(steps))


def _deciding(out: Output, found: OutlookReport) -> None:
    if not found.deciding:
        return
    out.table(
        out.t("무엇을 알아내면 답이 정해지는가", "Which assumptions decide the answer"),
        [out.t("가정", "assumption"), out.t("근거", "basis"), out.t("낮음/중간/높음", "low/middle/high"),
         out.t("그때의 손실(일분)", "loss then (days)"), ""],
        [
            (
                d.name.text(out.lang),
                word(d.basis, out.lang),
                f"{d.low:.3g} / {d.middle:.3g} / {d.high:.3g}",
                f"{d.loss_low:.1f} / {d.loss:.1f} / {d.loss_high:.1f}",
                out.t("부족 여부가 갈림", "shortage comes or goes") if d.flips else "",
            )
            for d in found.deciding[:6]
        ],
    )  # fmt: skip


def _plans(out: Output, found: OutlookReport) -> None:
    if not found.plans:
        return
    lasts, late = out.t("소진되지 않음", "lasts"), out.t("이미 늦음", "late already")
    out.table(
        out.t(f"무엇을 할 수 있는가 (불리한 경우에도 손실 {found.line:g}일분 아래)",
              f"What could be done (bad case under {found.line:g} day of normal use)"),
        [out.t("용도·기업", "who"), out.t("지금 재고", "stock now"), out.t("재고로 버티는 일수", "survive"),
         out.t("불리한 경우", "in the bad case"), out.t("회복", "recover"), out.t("주문 마감", "order by"),
         out.t("필요한 재고", "stock needed"), out.t("수입선 전환 비중", "share to move")],
        [
            (
                f"{p.who.text(out.lang)} ({p.item.text(out.lang)})",
                f"{days(p.stock_days, out.lang)} ({word(p.stock_basis, out.lang)})",
                lasts if p.cover_days is None else days(p.cover_days, out.lang),
                lasts if p.bad_cover_days is None else days(p.bad_cover_days, out.lang),
                days(p.recover_days, out.lang),
                "-" if p.order_by is None else late if p.order_late else str(p.order_by),
                out.t("재고로는 안 됨", "no stock is enough") if p.stock_needed is None
                else days(p.stock_needed, out.lang),
                "-" if p.move_share is None else percent(p.move_share, out.lang),
            )
            for p in found.plans
        ],
        right=[1, 2, 3, 4, 5, 6, 7],
    )  # fmt: skip


def _alternatives(out: Output, found: OutlookReport) -> None:
    if found.no_alternatives:
        out.say(out.t("다른 공급국이 알려지지 않은 품목: ", "No other origin is known of: ")
                + ", ".join(item.text(out.lang) for item in found.no_alternatives))  # fmt: skip
    if not found.alternatives:
        return
    out.table(
        out.t("다른 공급국", "Other origins"),
        [out.t("품목", "item"), out.t("나라", "country"), out.t("지금 비중", "share now"),
         out.t("과거 실적으로 본 추가 공급 여력(한국 수입 대비)", "spare shown before (of Korea's import)"), out.t("대체까지", "lag"), out.t("같은 사건의 타격", "hit by the same event")],
        [
            (a.item.text(out.lang), a.who.text(out.lang), percent(a.share.value, out.lang),
             percent(a.spare.value, out.lang), days(a.lag_days.value, out.lang),
             percent(a.own_loss.value, out.lang))
            for a in found.alternatives[:16]
        ],
        right=[2, 3, 4, 5],
    )  # fmt: skip
