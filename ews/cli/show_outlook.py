"""An outlook as terminal tables. Prints what the report holds and computes nothing."""

from __future__ import annotations

from datetime import date

from ews.cli.output import Output
from ews.reports import days, percent
from ews.reports.outlook_views import BuyerLine, OutlookReport
from ews.reports.words import word

SHOWN = 12  # buyers in the table, the worst first


def outlook(out: Output, found: OutlookReport) -> None:
    """Who runs short when, why, which assumptions decide, and what could be done."""
    said = out.t("가정한 사건", "what-if") if found.hypothetical else found.event_id
    out.say(f"{out.t('전망', 'Outlook')}: {found.what.text(out.lang)} ({said})", "bold")
    out.facts([
        (out.t("0일", "day 0"), str(found.start)),
        (out.t("차질", "lost"), f"{percent(found.magnitude, out.lang)}, "
                               f"{days(found.duration_days, out.lang)}"),
        (out.t("사건 확률", "probability"), percent(found.probability, out.lang)),
        (out.t("근거의 종류", "rests on"),
         ", ".join(f"{word(b.basis, out.lang)} {b.rows}" for b in found.bases)),
        (out.t("비중을 몰라 못 센 품목", "hit, share unknown"),
         ", ".join(label.text(out.lang) for label in found.unknown[:12])),
    ])  # fmt: skip
    if not found.buyers:
        out.say(out.t("비중이 알려진 흐름에서는 모든 가정이 나빠도 부족해지는 곳이 없습니다.",
                      "On the flows whose share was read nobody runs short, even with every "
                      "assumption at its bad end."))  # fmt: skip
        return
    _buyers(out, found)
    _paths(out, found.buyers[0])
    _deciding(out, found)
    _plans(out, found)
    _alternatives(out, found)


def _buyers(out: Output, found: OutlookReport) -> None:
    out.table(
        out.t(f"언제 누가 모자라는가 (가상 세계 {found.worlds}개, 손실은 평소 사용량의 며칠분)",
              f"Who runs short, and when ({found.worlds} worlds; losses in days of normal use)"),
        [out.t("용도·산업·기업", "use, industry, firm"), out.t("소관 부처", "ministries"),
         out.t("빠르면(P5)", "early (P5)"), out.t("중앙값", "median"),
         out.t("부족 없는 세계", "worlds without"), out.t("평균 손실", "mean loss"), "P95"],
        [
            (
                _who(out, one),
                ", ".join(m.text(out.lang) for m in one.ministries),
                _day(out, one.shortage.p5, one.shortage.p5_date),
                _day(out, one.shortage.p50, one.shortage.p50_date),
                percent(one.shortage.never, out.lang),
                f"{one.loss.mean:.1f} ± {one.loss.mean_error:.1f}",
                f"{one.loss.p95:.1f}",
            )
            for one in found.buyers[:SHOWN]
        ],
        right=[2, 3, 4, 5, 6],
    )  # fmt: skip
    more = len(found.buyers) - SHOWN
    if more > 0:
        out.say(out.t(f"그 밖에 {more}곳: --json", f"{more} more: --json"))


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
    bad = out.t(" (나쁜 경우)", " (bad case)") if one.paths_bad else ""
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
            f"{', ' + s.period if s.period else ''})"
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
    lasts, late = out.t("끝나지 않음", "lasts"), out.t("이미 늦음", "late already")
    out.table(
        out.t(f"무엇을 할 수 있는가 (나쁜 경우에도 손실 {found.line:g}일분 아래)",
              f"What could be done (bad case under {found.line:g} day of normal use)"),
        [out.t("어디", "who"), out.t("지금 재고", "stock now"), out.t("버티는 날", "survive"),
         out.t("나쁠 때", "in the bad case"), out.t("회복", "recover"), out.t("주문 마감", "order by"),
         out.t("필요한 재고", "stock needed"), out.t("옮길 비중", "share to move")],
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
    if not found.alternatives:
        return
    out.table(
        out.t("다른 공급국", "Other origins"),
        [out.t("품목", "item"), out.t("나라", "country"), out.t("지금 비중", "share now"),
         out.t("여력", "spare"), out.t("대체까지", "lag"), out.t("같은 사건의 타격", "hit by the same event")],
        [
            (a.item.text(out.lang), a.who.text(out.lang), percent(a.share.value, out.lang),
             percent(a.spare.value, out.lang), days(a.lag_days.value, out.lang),
             percent(a.own_loss.value, out.lang))
            for a in found.alternatives[:16]
        ],
        right=[2, 3, 4, 5],
    )  # fmt: skip
