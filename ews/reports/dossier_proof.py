"""What stands behind a dossier: path, stocks, alternatives, why this stage, who was told, versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alerts.pictures import path_picture
from ews.reports.dossier_words import ROWS, Words
from ews.reports.outlook_views import PlanLine
from ews.reports.paper import Block, Bullets, Image, Table, Text
from ews.reports.phrases import grounds, period, weight
from ews.reports.rows import count_bases, hops_of
from ews.reports.views import days, percent

if TYPE_CHECKING:
    from ews.reports.dossier import Dossier


def path(found: Dossier, w: Words) -> Iterator[Block]:
    hops = hops_of(found.explanation.exposures)
    if not hops:
        yield Text(w.t("보일 경로가 없습니다.", "There is no path to show."))
        return
    picture = path_picture(found.view, w.lang) if found.view is not None else None
    if picture is not None:
        yield Image(w.t("가장 강한 경로의 그림. 아래 표의 단계와 같습니다.",
                        "Picture of the strongest path; its steps are in the table below."), picture)  # fmt: skip
    yield Table(
        w.t("단계와 그 근거", "Steps, and why each is believed"),
        (w.t("에서", "from"), w.t("으로", "to"), w.t("비중", "weight"), w.t("근거", "basis"),
         w.t("기간", "period"), w.t("출처", "source")),
        tuple(
            (h.source.text(w.lang), h.target.text(w.lang), weight(h, w.lang), w.word(h.basis),
             period(h.period, w.lang) or "-", grounds(h.citation, w.lang) or "-")
            for h in hops[: 2 * ROWS]
        ),
        right=(2,),
    )  # fmt: skip


def stocks(found: Dossier, w: Words) -> Iterator[Block]:
    plans = found.outlook.plans if found.outlook else ()
    if not plans:
        yield Text(w.t("재고에 관해 계산한 것이 없습니다.", "Nothing was computed about stocks."))
        return
    yield Table(
        w.t("재고로 얼마나 버티는가", "How long stocks last"),
        (w.t("누가", "who"), w.t("품목", "item"), w.t("재고 일수", "stock, days"),
         w.t("근거", "basis"), w.t("버티는 일수", "lasts"),
         w.t("나쁜 경우", "bad case"), w.t("늦어도 주문할 날", "order by")),
        tuple(_plan(one, w) for one in plans[:ROWS]),
        right=(2, 4, 5),
    )  # fmt: skip


def _plan(one: PlanLine, w: Words) -> tuple[str, ...]:
    late = w.t(" (이미 늦음)", " (late already)") if one.order_late else ""
    lasts = w.t("동나지 않음", "it lasts")
    return (
        one.who.text(w.lang), one.item.text(w.lang), f"{one.stock_days:.0f}",
        f"{w.word(one.stock_basis)} {one.stock_as_of}".strip(),
        lasts if one.cover_days is None else days(one.cover_days, w.lang),
        lasts if one.bad_cover_days is None else days(one.bad_cover_days, w.lang),
        f"{one.order_by}{late}" if one.order_by else "-",
    )  # fmt: skip


def alternatives(found: Dossier, w: Words) -> Iterator[Block]:
    outlook = found.outlook
    if outlook is None or not (outlook.alternatives or outlook.plans):
        yield Text(w.t("계산한 대안이 없습니다.", "No alternative was computed."))
        return
    if outlook.alternatives:
        yield Table(
            w.t("다른 공급국, 나은 것부터", "Other origins, better ones first"),
            (w.t("품목", "item"), w.t("공급국", "origin"), w.t("지금 비중", "share now"),
             w.t("근거", "basis"), w.t("오는 데 걸리는 날", "lag, days"),
             w.t("같은 사건에 잃는 몫", "own loss")),
            tuple(
                (a.item.text(w.lang), a.who.text(w.lang), percent(a.share.value, w.lang),
                 w.word(a.share.basis),
                 w.word("unknown") if a.lag_days.value is None else f"{a.lag_days.value:.0f}",
                 percent(a.own_loss.value, w.lang))
                for a in outlook.alternatives[:ROWS]
            ),
            right=(2, 4, 5),
        )  # fmt: skip
    if outlook.no_alternatives:
        yield Text(w.t(f"다른 공급국이 알려지지 않은 품목: {w.names(outlook.no_alternatives)}",
                       f"No other origin is known of: {w.names(outlook.no_alternatives)}"))  # fmt: skip
    needed = [p for p in outlook.plans[:ROWS] if p.stock_needed is not None or p.move_share]
    if needed:
        yield Bullets(tuple(_remedy(p, outlook.line, w) for p in needed))


def _remedy(one: PlanLine, line: float, w: Words) -> str:
    stock = "-" if one.stock_needed is None else f"{one.stock_needed:.0f}"
    moved = percent(one.move_share, w.lang) if one.move_share is not None else "-"
    who = f"{one.who.text(w.lang)} · {one.item.text(w.lang)}"
    within = days(line, w.lang)
    return w.t(
        f"{who}: 나쁜 경우에도 손실을 {within} 안으로 두려면 재고 {stock}일, 또는 수입의 {moved}를 "
        "사건과 무관한 공급국에서(구할 수 있다면)",
        f"{who}: to keep the loss of the bad case within {within}: stock of {stock} days, or "
        f"{moved} of the import from origins that the event leaves alone, if they can be found",
    )


def why(found: Dossier, w: Words) -> Iterator[Block]:
    told = found.explanation
    yield Text(f"{w.t('규칙', 'rule')} {told.alert.rule} · "
               f"{w.t('규칙 버전', 'rule set')} {told.alert.ruleset}")  # fmt: skip
    yield Bullets(
        (*(fact.text(w.lang) for fact in told.facts),
         *(f"{key} = {value}" for key, value in told.thresholds.items()))
    )  # fmt: skip
    yield Table(
        w.t("단계가 바뀐 내역", "How the stage moved"),
        (w.t("때", "when"), w.t("무엇", "what"), w.t("단계", "stage"), w.t("서명", "signature"),
         w.t("까닭", "reason")),
        tuple(
            (w.when(c.at), w.word(c.kind), w.stage(c.after),
             f"{w.stage(c.proposed)} {w.t('대기', 'waits')}" if c.proposed is not None
             else c.signed_off_by or (w.t("기한 안에 없음", "nobody in time") if c.timed_out else "-"),
             c.said.text(w.lang))
            for c in told.changes
        ),
    )  # fmt: skip


def told(found: Dossier, w: Words) -> Iterator[Block]:
    sent = found.explanation.deliveries
    if found.explanation.public:
        yield Text(
            w.t("이 문서를 만든 사람은 볼 수 없습니다.", "Whoever made this may not see it.")
        )
        return
    if not sent:
        yield Text(w.t("아무에게도 알리지 않았습니다.", "Nobody was told."))
        return
    yield Table(
        "",
        (w.t("정한 때", "decided"), w.t("수신자", "receiver"), w.t("통로", "channel"),
         w.t("까닭", "reason"), w.t("상태", "state"), w.t("보낸 때", "sent")),
        tuple(
            (w.when(d.at), d.receiver, d.channel, w.word(d.reason), w.word(d.state),
             w.when(d.sent_at))
            for d in sent
        ),
    )  # fmt: skip


def about(found: Dossier, w: Words) -> Iterator[Block]:
    told = found.explanation
    bases = count_bases(
        "synthetic" if x.synthetic else hop.basis for x in told.exposures for hop in x.path
    )
    shown = ", ".join(f"{w.word(b.basis)} {b.rows}" for b in bases)
    lines = [
        w.t(f"근거별 단계 수: {shown or '-'}", f"Steps by basis: {shown or '-'}"),
        w.t("확인되지 않은 비중은 ‘모름’으로 적습니다. 법에 따른 경보가 아닙니다.",
            "A share nobody confirmed reads “unknown”. This is no alarm under the law."),
        w.t("기업의 개별 자료는 만든 사람 자신의 것만 들어갑니다.",
            "Of firms' own rows only those of whoever made this are in it."),
        *(note.text(w.lang) for note in told.notes),
    ]  # fmt: skip
    if found.outlook is not None:
        lines.append(w.t(f"전망 계산: {found.outlook.engine}, 씨앗 {found.outlook.seed}",
                         f"Outlook by {found.outlook.engine}, seed {found.outlook.seed}"))  # fmt: skip
    yield Bullets(tuple(lines))
