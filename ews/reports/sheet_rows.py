"""The rows of an exposure report's sheet, by section: column name to value.

Empty means unknown, or a column that the section does not use. What does not come, or is not
enough, is written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from ews.reports.exposure import ExposureReport
from ews.reports.outlook_views import (
    AlternativeLine,
    BuyerLine,
    DecidingLine,
    OutlookReport,
    PlanLine,
)
from ews.reports.phrases import grounds, heading, original_title, period, scope
from ews.reports.views import BasisCount, ExposureLine, Label, ShareLine, UseLine
from ews.reports.words import word

Row = dict[str, object]
COLUMNS = {
    "section": "구분", "code": "코드", "name": "이름", "kind": "종류", "title": "원래 제목",
    "event_id": "사건 ID", "as_of": "기준 시각", "day_0": "0일", "facts_on": "수치 기준일",
    "horizon_days": "계산 기간(일)", "draws": "모의계산 횟수", "seed": "난수 시드",
    "item": "품목 코드", "item_name": "품목", "origins": "공급국", "via": "길목", "use": "용도",
    "industry": "산업 코드", "industry_name": "산업", "ministries": "소관 부처", "firm": "기업",
    "share": "수입 비중", "at_least": "비중은 하한", "unit": "단위·기준", "scope": "범위",
    "period": "기간", "share_at_risk": "위험에 놓인 비중", "magnitude": "물량 차질",
    "duration_days": "지속 기간(일)", "loss": "예상 손실", "probability": "확률",
    "impact_day": "영향까지(일)", "time_to_survive_days": "재고로 버티는 일수",
    "time_to_recover_days": "회복까지(일)", "first_short_p5": "첫 부족일(P5)",
    "first_short_p5_date": "첫 부족 날짜(P5)", "first_short_p50": "첫 부족일(중앙값)",
    "first_short_p50_date": "첫 부족 날짜(중앙값)", "first_short_p95": "첫 부족일(P95)",
    "first_short_p95_date": "첫 부족 날짜(P95)", "worlds_without_shortage": "부족이 없었던 비율",
    "short_by_30": "30일 안 부족 확률", "short_by_60": "60일 안 부족 확률",
    "short_by_90": "90일 안 부족 확률", "lost_days_mean": "평균 손실(일분)",
    "lost_days_mean_error": "평균 손실의 표준오차", "lost_days_p5": "손실 P5(일분)",
    "lost_days_p50": "손실 중앙값(일분)", "lost_days_p95": "손실 P95(일분)",
    "lost_days_cvar95": "손실 CVaR95(일분)", "stock_days": "지금 재고(일분)",
    "stock_as_of": "재고 기준일", "bad_survive_days": "재고로 버티는 일수(불리한 경우)",
    "order_by": "주문 마감(불리한 경우)", "lag_days": "대체까지(일)",
    "stock_needed_days": "필요한 재고(일분)", "share_to_move": "수입선 전환 비중",
    "spare": "과거 실적으로 본 추가 공급 여력(한국 수입 대비)", "relative_price": "상대 가격",
    "own_loss": "같은 사건의 타격", "low": "낮음", "middle": "중간", "high": "높음",
    "loss_low": "낮을 때 손실(일분)", "loss_middle": "중간 손실(일분)",
    "loss_high": "높을 때 손실(일분)", "variance": "설명하는 분산",
    "shortage_flips": "부족 여부가 갈림", "not_counted": "계산에서 빠진 품목(수입 비중 미상)",
    "basis": "근거", "bases": "근거 행 수",
    "source": "출처", "synthetic": "합성 데이터",
}  # fmt: skip
SECTIONS = {
    "question": "물음", "share": "수입 비중", "use": "국내 용도", "exposure": "노출",
    "outlook": "전망", "buyer": "부족", "plan": "대책", "alternative": "다른 공급국",
    "deciding": "정하는 가정",
}  # fmt: skip
LASTS = ("소진되지 않음", "lasts")
NONE = ("없음", "none")
LATE = ("이미 늦음", "late")
NOT_ENOUGH = ("부족", "not enough")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows in one language."""

    lang: str

    def of_report(self, report: ExposureReport) -> Iterator[Row]:
        yield {
            "section": "question",
            "code": report.asked,
            "name": heading(report, self.lang),
            "kind": report.kind,
            "title": original_title(report),
            "as_of": report.as_of.isoformat(),
            "ministries": self._names(report.ministries),
            "bases": self._bases(report.bases),
        }
        yield from map(self._share, report.shares)
        yield from map(self._use, report.uses)
        yield from map(self._exposure, report.exposures)
        if report.outlook:
            yield from self.of_outlook(report.outlook)

    def of_outlook(self, found: OutlookReport) -> Iterator[Row]:
        yield {
            "section": "outlook",
            "name": found.what.text(self.lang),
            "event_id": found.event_id,
            "as_of": found.as_of.isoformat(),
            "day_0": found.start,
            "facts_on": found.facts_on,
            "horizon_days": found.horizon_days,
            "draws": found.worlds,
            "seed": found.seed,
            "not_counted": self._names(found.unknown),
            "magnitude": found.magnitude,
            "duration_days": found.duration_days,
            "probability": found.probability,
            "basis": "; ".join(grounds(basis, self.lang) for basis in found.shock_bases),
            "bases": self._bases(found.bases),
        }
        yield from map(self._buyer, found.buyers)
        yield from map(self._calm, found.untouched)
        if found.counted and not (found.buyers or found.untouched):
            yield {"section": "buyer", "name": self._t(NONE)}
        yield from map(self._plan, found.plans)
        yield from map(self._alternative, found.alternatives)
        for item in found.no_alternatives:
            yield {"section": "alternative", "name": self._t(NONE), **self._item(item)}
        yield from map(self._deciding, found.deciding)

    def _share(self, one: ShareLine) -> Row:
        return {
            "section": "share",
            "code": one.partner.code,
            "name": one.partner.text(self.lang),
            **self._item(one.item),
            "share": one.share,
            "at_least": self._yes(one.at_least),
            "unit": word(one.unit, self.lang),
            "scope": scope(one.scope, self.lang),
            "period": period(one.period, self.lang),
            "basis": word(one.basis, self.lang),
            "source": one.citation,
        }

    def _use(self, one: UseLine) -> Row:
        return {
            "section": "use",
            "code": one.use.code,
            "name": one.use.text(self.lang),
            **self._item(one.item),
            "industry": one.industry.code if one.industry else None,
            "industry_name": one.industry.text(self.lang) if one.industry else None,
            "ministries": self._names(one.ministries),
            "basis": word(one.basis, self.lang),
            "source": one.citation,
        }

    def _exposure(self, one: ExposureLine) -> Row:
        return {
            "section": "exposure",
            "code": one.id,
            "name": one.use.text(self.lang) if one.use else one.firm,
            "event_id": one.event_id,
            **self._item(one.item),
            "origins": self._names(one.origins),
            "via": self._names(one.via),
            "use": one.use.text(self.lang) if one.use else "",
            "industry": one.industry.code if one.industry else "",
            "industry_name": one.industry.text(self.lang) if one.industry else "",
            "ministries": self._names(one.ministries),
            "firm": one.firm,
            "share_at_risk": one.share_at_risk,
            "magnitude": one.magnitude,
            "loss": one.loss,
            "probability": one.probability,
            "impact_day": one.impact_day,
            "time_to_survive_days": one.time_to_survive_days,
            "time_to_recover_days": one.time_to_recover_days,
            "period": "; ".join(dict.fromkeys(
                period(hop.period, self.lang) for hop in one.path if hop.period)),
            "basis": "; ".join(dict.fromkeys(word(hop.basis, self.lang) for hop in one.path)),
            "source": "; ".join(dict.fromkeys(
                grounds(hop.citation, self.lang) for hop in one.path if hop.citation)),
            "synthetic": self._yes(one.synthetic),
        }  # fmt: skip

    def _buyer(self, one: BuyerLine) -> Row:
        first, lost = one.shortage, one.loss
        by = {hit.day: hit.probability for hit in one.hit_by}
        return {
            "section": "buyer",
            "code": one.who.code,
            "name": one.who.text(self.lang),
            "kind": word(f"kind_{one.kind}", self.lang),
            "item": "; ".join(item.code for item in one.items),
            "item_name": self._names(one.items),
            "ministries": self._names(one.ministries),
            **self._first("p5", first.p5, first.p5_date),
            **self._first("p50", first.p50, first.p50_date),
            **self._first("p95", first.p95, first.p95_date),
            "worlds_without_shortage": first.never,
            **{f"short_by_{day}": by.get(day) for day in (30, 60, 90)},
            "lost_days_mean": lost.mean,
            "lost_days_mean_error": lost.mean_error,
            "lost_days_p5": lost.p5,
            "lost_days_p50": lost.p50,
            "lost_days_p95": lost.p95,
            "lost_days_cvar95": lost.cvar95,
            "synthetic": self._yes(one.synthetic),
        }

    def _calm(self, who: Label) -> Row:
        """A buyer that loses nothing even in the bad case."""
        quiet = [self._first(part, None, None) for part in ("p5", "p50", "p95")]
        row: Row = {"section": "buyer", "code": who.code, "name": who.text(self.lang)}
        for part in quiet:
            row.update(part)
        return row

    def _first(self, part: str, day: float | None, on: date | None) -> Row:
        none = self._t(NONE)
        name = f"first_short_{part}"
        return {name: none if day is None else day, f"{name}_date": on or none}

    def _plan(self, one: PlanLine) -> Row:
        order = LATE if one.order_late else NONE
        short = self._t(NOT_ENOUGH)
        return {
            "section": "plan",
            "code": one.who.code,
            "name": one.who.text(self.lang),
            **self._item(one.item),
            "impact_day": self._t(NONE) if one.impact_day is None else one.impact_day,
            "stock_days": one.stock_days,
            "stock_as_of": one.stock_as_of,
            "time_to_survive_days": self._lasts(one.cover_days),
            "bad_survive_days": self._lasts(one.bad_cover_days),
            "time_to_recover_days": one.recover_days,
            "order_by": self._t(order) if one.order_late or not one.order_by else one.order_by,
            "lag_days": one.lag_days,
            "stock_needed_days": short if one.stock_needed is None else one.stock_needed,
            "share_to_move": short if one.move_share is None else one.move_share,
            "basis": word(one.stock_basis, self.lang),
        }

    def _alternative(self, one: AlternativeLine) -> Row:
        figures = one.share, one.spare, one.lag_days, one.price, one.own_loss
        return {
            "section": "alternative",
            "code": one.who.code,
            "name": one.who.text(self.lang),
            **self._item(one.item),
            "via": self._names(one.shared),
            "share": one.share.value,
            "spare": one.spare.value,
            "lag_days": one.lag_days.value,
            "relative_price": one.price.value,
            "own_loss": one.own_loss.value,
            "basis": "; ".join(dict.fromkeys(word(one.basis, self.lang) for one in figures)),
            "source": "; ".join(dict.fromkeys(
                grounds(one.source, self.lang) for one in figures if one.source)),
        }  # fmt: skip

    def _deciding(self, one: DecidingLine) -> Row:
        return {
            "section": "deciding",
            "code": one.name.code,
            "name": one.name.text(self.lang),
            "unit": word(f"in_{one.unit}", self.lang),
            "low": one.low,
            "middle": one.middle,
            "high": one.high,
            "loss_low": one.loss_low,
            "loss_middle": one.loss,
            "loss_high": one.loss_high,
            "variance": one.variance,
            "shortage_flips": self._yes(one.flips),
            "basis": word(one.basis, self.lang),
            "source": grounds(one.citation, self.lang),
        }

    def _item(self, item: Label) -> Row:
        return {"item": item.code, "item_name": item.text(self.lang)}

    def _names(self, labels: Iterable[Label]) -> str:
        return "; ".join(label.text(self.lang) for label in labels)

    def _bases(self, counts: Iterable[BasisCount]) -> str:
        return "; ".join(f"{word(one.basis, self.lang)} {one.rows}" for one in counts)

    def _lasts(self, value: float | None) -> float | str:
        return self._t(LASTS) if value is None else value

    def _yes(self, said: bool) -> str:
        return self._t(("예", "yes") if said else ("아니오", "no"))

    def _t(self, both: tuple[str, str]) -> str:
        return both[0] if self.lang == "ko" else both[1]
