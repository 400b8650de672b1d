"""Reports as terminal tables. Prints what the report holds and computes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ews.cli import show_firms
from ews.cli.output import Output, clean, moment, stage_text
from ews.reports import (
    Aggregates,
    AlertLine,
    EventLine,
    Explanation,
    ExposureLine,
    ExposureReport,
    Label,
    days,
    hops_of,
    percent,
)
from ews.reports.names import told
from ews.reports.phrases import (
    grounds,
    heading,
    list_name,
    nothing_read,
    original_title,
    period,
    scope,
    weight,
)
from ews.reports.views import ShareLine
from ews.reports.words import word


def _names(out: Output, labels: Iterable[Label], limit: int = 99) -> str:
    found = [label.text(out.lang) for label in labels]
    more = f" +{len(found) - limit}" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more


def alerts(out: Output, found: Sequence[AlertLine]) -> None:
    if not found:
        out.say(out.t("조건에 맞는 경보가 없습니다.", "No alert fits."))
        return
    out.table(
        out.t("경보", "Alerts"),
        [
            out.t("단계", "stage"),
            out.t("발령", "raised"),
            out.t("무슨 일", "what"),
            out.t("상태", "state"),
            out.t("출처", "sources"),
            "ID",
        ],
        [
            (
                stage_text(a.stage, out.t(a.stage_ko, a.stage_en)),
                moment(a.raised_at),
                _what(out, a),
                word(a.state, out.lang),
                a.independent_sources,
                a.id,
            )
            for a in found
        ],
        right=[4],
    )


def _what(out: Output, a: AlertLine) -> str:
    where = _names(out, a.countries + a.chokepoints + a.ports, 3)
    said = " · ".join(filter(None, [a.type.text(out.lang), _names(out, a.items, 3), where]))
    return f"{clean(told(a, out.lang))}\n{said}"


def alert(out: Output, found: Explanation) -> None:
    one = found.alert
    unsigned = f" ({out.t('서명 전', 'not signed off')})" if one.unsigned else ""
    out.say(f"[{out.t(one.stage_ko, one.stage_en)}{unsigned}] {clean(one.title)}", "bold")
    out.facts([
        ("ID", one.id),
        (out.t("유형", "type"), one.type.text(out.lang)),
        (out.t("상태", "state"), word(one.state, out.lang)),
        (out.t("품목", "items"), _names(out, one.items)),
        (out.t("국가", "countries"), _names(out, one.countries)),
        (out.t("해협·항만", "chokepoints, ports"), _names(out, one.chokepoints + one.ports)),
        (out.t("소관 부처", "ministries"), _names(out, one.ministries)),
        (out.t("발령", "raised"), moment(one.raised_at)),
        (out.t("최근 변경", "last change"), moment(one.updated_at)),
        (out.t("독립 출처", "independent sources"), one.independent_sources),
        (out.t("서명", "sign-off"), _sign_off(out, one)),
        (out.t("사건", "event"), one.event_id),
    ])  # fmt: skip
    _deliveries(out, found)


def _sign_off(out: Output, one: AlertLine) -> str | None:
    """Who signed; for 경계 and 심각 also that nobody has."""
    return one.signed_off_by or (out.t("서명 전", "not signed off") if one.unsigned else None)


def aggregates(out: Output, found: Aggregates) -> None:
    """Sums over firms."""
    if found.lines:
        out.table(
            out.t("노출된 기업의 합계", "Firms exposed, in sums"),
            [out.t("무엇", "what"), out.t("기업 수(이상)", "firms (at least)"),
             out.t("예상 손실(기업 투입량 단위)", "expected loss (whole inputs of firms)")],
            [(line.code.text(out.lang), line.firms,
              word("unknown", out.lang) if line.loss is None else f"{line.loss:g}")
             for line in found.lines],
            right=[1, 2],
        )  # fmt: skip
    out.say(f"* {found.note.text(out.lang)}")


def _deliveries(out: Output, found: Explanation) -> None:
    if found.public:
        out.say(out.t("누구에게 알렸는지는 이름 있는 공무원·분석가·운영자에게만 보입니다.",
                      "Who was told is for officials, analysts and operators under a name."))  # fmt: skip
        return
    if not found.deliveries:
        out.say(out.t("아직 아무에게도 알리지 않았습니다.", "Nobody was told yet."))
        return
    out.table(
        out.t("누구에게 알렸는가", "Who was told"),
        [out.t("수신자", "receiver"), out.t("통로", "channel"), out.t("까닭", "reason"),
         out.t("왜 이 수신자", "why this receiver"), out.t("상태", "state"), out.t("보낸 때", "sent")],
        [
            (d.receiver, d.channel, word(d.reason, out.lang), d.why,
             word(d.state, out.lang), moment(d.sent_at))
            for d in found.deliveries
        ],
    )  # fmt: skip


def rule(out: Output, found: Explanation) -> None:
    out.say(out.t("규칙", "Rule"), "bold")
    rules = found.ruleset
    out.facts([
        (out.t("규칙", "rule"), found.alert.rule),
        (out.t("규칙 버전", "RuleSet version"), found.alert.ruleset),
        (out.t("정한 사람", "set by"), rules and f"{rules.by}: {rules.reason}"),
        (out.t("사실", "facts"), "; ".join(fact.text(out.lang) for fact in found.facts)),
        (out.t("그때의 문턱값", "thresholds then"),
         "; ".join(f"{key}={value}" for key, value in found.thresholds.items())),
    ])  # fmt: skip


def exposures(out: Output, found: Sequence[ExposureLine]) -> None:
    if not found:
        out.say(out.t("닿는 경로가 없습니다.", "No dependent path is known."))
        return
    out.table(
        out.t("노출, 강한 것부터", "Exposures, strongest first"),
        [out.t("품목", "item"), out.t("공급국 · 길목", "supplier · via"), out.t("용도", "use"),
         out.t("산업", "industry"), out.t("부처", "ministries"), out.t("위험 비중", "share at risk"),
         out.t("예상 손실", "loss"), out.t("확률", "probability"), out.t("영향까지", "bites in"),
         out.t("재고로 버티는 일수", "survive"), out.t("회복까지", "recover")],
        [_exposure_row(out, one) for one in found[:40]],
        right=[5, 6, 7, 8, 9, 10],
    )  # fmt: skip


def _exposure_row(out: Output, one: ExposureLine) -> tuple[object, ...]:
    item = one.item.text(out.lang) + (f" [{word('synthetic', out.lang)}]" if one.synthetic else "")
    return (
        item,
        " · ".join(filter(None, [_names(out, one.origins, 4), _names(out, one.via, 3)])),
        one.use.text(out.lang) if one.use else (one.firm or ""),
        f"{one.industry.text(out.lang)} ({one.industry.code})" if one.industry else "",
        _names(out, one.ministries),
        percent(one.share_at_risk, out.lang),
        percent(one.loss, out.lang),
        percent(one.probability, out.lang),
        days(one.impact_day, out.lang),
        days(one.time_to_survive_days, out.lang),
        days(one.time_to_recover_days, out.lang),
    )


def hops(out: Output, found: Sequence[ExposureLine]) -> None:
    hops = hops_of(found)
    if not hops:
        return
    out.table(
        out.t("경로와 근거", "Path, and why each step is believed"),
        [out.t("에서", "from"), out.t("으로", "to"), out.t("설명", "step"), out.t("비중", "weight"),
         out.t("근거", "basis"),
         out.t("기간", "period"), out.t("출처", "source")],
        [
            (h.source.text(out.lang), h.target.text(out.lang), out.t(h.ko, h.en), weight(h, out.lang),
             word(h.basis, out.lang), period(h.period, out.lang), grounds(h.citation, out.lang))
            for h in hops
        ],
        right=[3],
    )  # fmt: skip


def event(out: Output, event: EventLine) -> None:
    out.say(out.t("사건", "Event"), "bold")
    out.facts([
        ("ID", event.id),
        (out.t("유형", "type"), event.type.text(out.lang)),
        (out.t("상태", "status"), word(event.status, out.lang)),
        (out.t("국면", "phase"), word(event.phase, out.lang)),
        (out.t("확률", "probability"), percent(event.probability, out.lang)),
        (out.t("심각도(0~3)", "severity (0..3)"), f"{event.severity:.1f}"),
        (out.t("찾은 것", "raised by"), " ".join([event.detector, event.model])),
        (out.t("수치", "facts"), "; ".join(f"{k}={v:.3g}" for k, v in event.facts.items() if "." not in k)),
        (out.t("처음 알 수 있던 때", "first available"), moment(event.first_seen)),
    ])  # fmt: skip
    out.table(
        out.t("근거", "Evidence"),
        [out.t("알 수 있던 때", "available"), out.t("매체", "outlet"), out.t("제목", "title"),
         out.t("분류", "tags"), out.t("모델", "model"), "URL"],
        [
            (moment(e.available_at), clean(e.outlet), clean(told(e, out.lang)),
             ", ".join(f"{t.type.text(out.lang)} {percent(t.probability, out.lang)}"
                       for t in e.tags[:3]),
             e.model, e.url)
            for e in event.evidence
        ],
    )  # fmt: skip
    if event.unverified:
        out.table(
            out.t("확인되지 않은 출처: 어디에도 세지 않음", "Unverified sources: counted nowhere"),
            [out.t("알 수 있던 때", "available"), out.t("매체", "outlet"), out.t("제목", "title"), "URL"],
            [(moment(e.available_at), clean(e.outlet), clean(told(e, out.lang)), e.url)
             for e in event.unverified],
        )  # fmt: skip


def exposure(out: Output, report: ExposureReport) -> None:
    out.say(f"{out.t('노출', 'Exposure')}: {heading(report, out.lang)}", "bold")
    if title := original_title(report):
        out.say(f"{out.t('원래 제목', 'Title from the source')}: {clean(title)}")
    out.facts([
        (out.t("기준 시각", "as of"), moment(report.as_of)),
        (out.t("공개 목록", "public lists"), ", ".join(list_name(code, out.lang) for code in report.lists)),
        (out.t("소관 부처", "ministries"), _names(out, report.ministries)),
        (out.t("기대는 산업", "dependent industries"),
         ", ".join(f"{i.text(out.lang)} ({i.code})" for i in report.industries)),
        (out.t("근거 행 수", "rows by basis"),
         ", ".join(f"{word(b.basis, out.lang)} {b.rows}" for b in report.bases)),
    ])  # fmt: skip
    if report.links:
        show_firms.links(out, report.links)
    for note in report.notes:
        out.say(f"* {note.text(out.lang)}")
    if nothing := nothing_read(report):
        out.say(nothing.text(out.lang))
    _shares_and_uses(out, report)
    if report.dependence:
        for one in report.dependence[:5]:
            if one.hhi is None and one.why_unknown:
                out.say(f"{one.item.text(out.lang)}: {out.t('집중도 모름', 'no index')}: "
                        f"{one.why_unknown.text(out.lang)}")  # fmt: skip
        out.table(
            out.t("집중도와 재고", "Concentration and stocks"),
            [out.t("품목", "item"), out.t("집중도 HHI(하한)", "HHI (lower bound)"),
             out.t("알려진 비중 합", "shares known"), out.t("지나는 해협(가정)", "passes (assumed)"),
             out.t("재고", "stock")],
            [
                (d.item.text(out.lang), word("unknown", out.lang) if d.hhi is None else f"{d.hhi:.2f}",
                 percent(d.covered, out.lang),
                 ", ".join(f"{p.chokepoint.text(out.lang)} {percent(p.share, out.lang)} "
                           f"{out.t('(가정)', '(assumed)')}"
                           for p in d.passages),
                 f"{days(d.stock_days, out.lang)} {d.stock_as_of}".strip())
                for d in report.dependence
            ],
            right=[1, 2],
        )  # fmt: skip
    if report.routes:
        out.table(
            out.t("어느 길로 오는가", "By which way it comes"),
            [
                out.t("상대국", "partner"),
                out.t("해협·운하(가정)", "chokepoints (assumed)"),
                out.t("항해(가정)", "sailing (assumed)"),
            ],
            [
                (
                    r.partner.text(out.lang),
                    _names(out, r.chokepoints),
                    f"{days(r.sailing_days, out.lang)} {out.t('(가정)', '(assumed)')}",
                )
                for r in report.routes
            ],
        )
    if report.alerts:
        alerts(out, report.alerts)
    if report.exposures:
        exposures(out, report.exposures)
        hops(out, report.exposures)
    else:
        out.say(out.t("진행 중인 관련 사건이 없습니다.", "No open event reaches it."))


def _shares_and_uses(out: Output, report: ExposureReport) -> None:
    if report.shares:
        out.table(
            out.t("한국 수입 비중, 가장 새로운 수치", "Share of Korea's imports, newest figure known"),
            [out.t("품목", "item"), out.t("상대국", "partner"), out.t("비중", "share"),
             out.t("기준", "by"), out.t("기간", "period"), out.t("근거", "basis"),
             out.t("출처", "source")],
            [
                (s.item.text(out.lang), s.partner.text(out.lang), ("≥ " if s.at_least else "") + percent(s.share, out.lang),
                 word(s.unit, out.lang), _period(out, s) + (out.t(" (오래됨)", " (old)") if s.stale else ""), word(s.basis, out.lang), s.citation)
                for s in report.shares[:40]
            ],
            right=[2],
        )  # fmt: skip
    if report.uses:
        out.table(
            out.t("국내 용도", "Uses in Korea"),
            [out.t("품목", "item"), out.t("용도", "use"), out.t("산업", "industry"),
             out.t("소관 부처", "ministries"), out.t("근거", "basis"),
             out.t("부처 근거", "ministry basis")],
            [
                (u.item.text(out.lang), u.use.text(out.lang),
                 f"{u.industry.text(out.lang)} ({u.industry.code})" if u.industry else "",
                 _names(out, u.ministries), word(u.basis, out.lang),
                 word(u.ministry_basis, out.lang))
                for u in report.uses[:40]
            ],
        )  # fmt: skip


def _period(out: Output, line: ShareLine) -> str:
    """The period of a share, and the part of the item that it is of."""
    part = scope(line.scope, out.lang)
    return period(line.period, out.lang) + (f" ({part})" if part else "")
