"""Numbers of an outlook to rows: labels, dates and sources put beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from ews.model import Event
from ews.reports.names import label, labels, node_label
from ews.reports.outlook_views import (
    AlternativeLine,
    BuyerLine,
    CurvePoint,
    DayBand,
    DecidingLine,
    FigureLine,
    HitBy,
    LossBand,
    OutlookReport,
    PathLine,
    PathStep,
    PlanLine,
)
from ews.reports.rows import count_bases
from ews.reports.views import Label
from graph.advice import Advice, Plan
from graph.alternatives import Alternative, Figure
from graph.national import UNKNOWN, NationalModel
from graph.outlook import BuyerOutlook, Outlook, stock_name
from graph.reference import ITEMS
from graph.why import Path

HIT_DAYS = (7, 14, 30, 60, 90, 180)
CURVE_STEP = 3  # days between the points of a curve


def outlook_rows(
    found: Outlook, told: Advice, what: Label, event: Event | None, moment: datetime
) -> OutlookReport:
    """The numbers of the model as rows with words; nothing is computed here but dates."""
    shocks = [target.shock for target in found.model.targets]
    start = min(shock.start for shock in shocks).date()
    buyers = tuple(_buyer(found, one, start) for one in found.buyers)
    worst = found.buyers[0] if found.buyers else None
    return OutlookReport(
        what=what,
        event_id=event.id if event else "",
        hypothetical=event is None,
        start=start,
        as_of=moment,
        horizon_days=found.days,
        probability=found.probability,
        magnitude=max(shock.magnitude for shock in shocks),
        duration_days=max(shock.duration_days for shock in shocks),
        shock_bases=tuple(dict.fromkeys(shock.basis for shock in shocks)),
        worlds=found.runs,
        seed=found.seed,
        enough=worst is None or worst.band.enough,
        engine=found.engine,
        switches=found.switches,
        residual=found.residual,
        line=told.line,
        buyers=buyers,
        untouched=tuple(buyer_label(found.model, name) for name in found.calm),
        deciding=tuple(_deciding(found)),
        deciding_of=node_label(worst.node) if worst else None,
        plans=tuple(_plan(found.model, plan, start) for plan in told.plans),
        alternatives=tuple(
            alternative_line(item, one) for item, ones in told.alternatives.items() for one in ones
        ),
        unknown=tuple(label("item", item) for item in dict.fromkeys(i for i, _ in found.unknown)),
        counted=found.model.counted,
        facts_on=found.model.on,
        bad_magnitude=max((b.magnitude.high for b in found.design.blows), default=0.0),
        bad_duration_days=max((b.duration_days.high for b in found.design.blows), default=0.0),
        no_alternatives=tuple(
            label("item", item) for item, ones in told.alternatives.items() if not ones
        ),
        bases=count_bases(
            [fact.basis for fact in found.model.links]
            + [fact.basis for fact in found.model.stocks if fact.days > 0]
        ),
    )


# --------------------------------------------------------------------------- buyers


def _buyer(found: Outlook, one: BuyerOutlook, start: date) -> BuyerLine:
    kind = one.node.split(":", 1)[0]
    band = one.band
    model = found.model
    return BuyerLine(
        who=buyer_label(model, one.node),
        kind=kind,
        items=labels("item", _items(model, one.node)),
        ministries=labels("ministry", _ministries(model, one.node)),
        shortage=_day_band(band.first_day, band.never, start),
        assumed_day=one.assumed_day,
        bad_day=one.bad_day,
        loss=LossBand(
            mean=band.given.mean,
            p5=band.given.p5,
            p50=band.given.p50,
            p95=band.given.p95,
            cvar95=band.given.cvar95,
            mean_error=band.given.mean_error,
            expected=band.weighted.mean,
        ),
        hit_by=tuple(
            HitBy(day, start + timedelta(days=day), float(band.hit_by[day - 1]))
            for day in HIT_DAYS
            if day <= found.days
        ),
        curve=tuple(
            CurvePoint(
                day=t,
                on=start + timedelta(days=t),
                p5=float(band.curve[0, t]),
                p50=float(band.curve[1, t]),
                p95=float(band.curve[2, t]),
                assumed=float(one.curve[t]),
                bad=float(one.bad_curve[t]),
            )
            for t in range(0, found.days, CURVE_STEP)
        ),
        paths=tuple(_path(model, path) for path in one.why.paths),
        paths_loss=one.why.loss,
        paths_rest=one.why.rest / one.why.loss if one.why.loss > 0 else 0.0,
        paths_bad=one.why_bad,
        synthetic=kind == "firm" and any(
            fact.basis == "synthetic" for fact in model.links if fact.buyer == one.node
        ),
    )  # fmt: skip


def _day_band(days: tuple[float, float, float], never: float, start: date) -> DayBand:
    p5, p50, p95 = (None if math.isinf(day) else day for day in days)

    def on(day: float | None) -> date | None:
        return None if day is None else start + timedelta(days=day)

    return DayBand(p5, p50, p95, on(p5), on(p50), on(p95), never)


def buyer_label(model: NationalModel, node: str) -> Label:
    """The names of a node of the model: a firm and its suppliers by what the firm itself wrote."""
    if node.startswith(("firm:", "supplier:")):
        name = model.names.get(node, node.split(":", 1)[1])
        return Label(node, name, name)
    if node.startswith(f"origin:{UNKNOWN}:"):
        item = label("item", node.split(":")[2])
        return Label(node, f"{item.en} from origins not known", f"원산지 미상 {item.ko}")
    return node_label(node)


def _items(model: NationalModel, node: str) -> list[str]:
    """The items that a node uses, directly or through its uses."""
    mine = {fact.item for fact in model.links if fact.buyer == node}
    inside = {model.uses[name].item for name in mine if name in model.uses}
    return sorted((mine & set(ITEMS)) | inside)


def _ministries(model: NationalModel, node: str) -> list[str]:
    """The ministries in charge of a use, or of the uses of an industry."""
    if node in model.uses:
        return list(model.uses[node].ministries)
    uses = [model.uses[f.item] for f in model.links if f.buyer == node and f.item in model.uses]
    return list(dict.fromkeys(m for use in uses for m in use.ministries))


def _path(model: NationalModel, path: Path) -> PathLine:
    arrays = model.arrays
    steps = []
    for step in path.steps:
        fact = model.links[step.link]
        steps.append(
            PathStep(
                source=buyer_label(model, fact.seller),
                target=buyer_label(model, fact.buyer),
                weight=step.weight,
                basis=fact.basis,
                period=fact.period,
                citation=fact.citation,
                felt_from=step.felt[0],
                felt_to=step.felt[1],
            )
        )
    node = arrays.names[arrays.link_supplier[path.origin]] if path.source == "route" else None
    return PathLine(
        share=path.share,
        lost_days=path.contribution,
        struck=buyer_label(model, node or arrays.names[path.origin]),
        steps=tuple(steps),
    )


# --------------------------------------------------------------------------- assumptions


def _deciding(found: Outlook) -> Iterable[DecidingLine]:
    stocks = {stock_name(fact): fact for fact in found.model.stocks}
    for one in found.deciding:
        asked = one.assumption
        fact = stocks.get(asked.name)
        scale = fact.days if fact else 1.0
        if fact:
            who, item = buyer_label(found.model, fact.buyer), label("item", fact.item)
            name = Label("stock", f"Stock of {item.en}: {who.en}", f"{item.ko} 재고: {who.ko}")
            unit = "days"
        else:
            name, unit = _assumed_name(asked.name)
        yield DecidingLine(
            name=name,
            basis=fact.basis if fact else asked.basis,
            citation=fact.citation if fact else asked.source,
            unit=unit,
            low=asked.low * scale,
            middle=asked.baseline * scale,
            high=asked.high * scale,
            loss_low=one.answer_low,
            loss=one.answer,
            loss_high=one.answer_high,
            flips=one.flips,
            variance=one.variance,
        )


NAMED = {
    "magnitude": (Label("magnitude", "Share of the flow that is lost", "물량 차질 비율"), "share"),
    "start": (Label("start", "Days until it bites", "발효까지 걸리는 날"), "days"),
    "duration": (Label("duration", "Days it lasts", "지속 기간"), "days"),
    "substitution": (
        Label("substitution", "How well others replace the flow", "다른 공급선의 대체 정도"),
        "factor",
    ),
}


def _assumed_name(name: str) -> tuple[Label, str]:
    return NAMED[name.split(" ", 1)[0]]


# --------------------------------------------------------------------------- what to do


def _plan(model: NationalModel, plan: Plan, start: date) -> PlanLine:
    fact = next(s for s in model.stocks if (s.buyer, s.item) == (plan.buyer, plan.item))
    order = plan.bad_cover.order_by_day
    mix = plan.mix
    # With enough in store even for the bad case there is nothing to order.
    due = not math.isinf(order) and float(plan.stock.days[0]) > plan.stock.now_days[0]
    return PlanLine(
        who=buyer_label(model, plan.buyer),
        item=label("item", plan.item),
        impact_day=_finite(plan.cover.impact_day),
        stock_days=fact.days,
        stock_basis=fact.basis,
        stock_as_of=fact.as_of,
        cover_days=_finite(plan.cover.cover_days),
        bad_cover_days=_finite(plan.bad_cover.cover_days),
        recover_days=plan.recover_days,
        order_by=start + timedelta(days=max(0.0, order)) if due else None,
        order_late=due and order < 0,
        lag_days=plan.lag_days,
        lag_basis=plan.lag_basis,
        stock_needed=float(plan.stock.days[0]) if plan.stock.enough else None,
        bad_stock_days=float(plan.stock.now_days[0]),
        move_share=mix.moved if mix is not None and mix.enough else None,
    )


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def alternative_line(item: str, one: Alternative) -> AlternativeLine:
    """Another origin of an item as a row."""
    lag = one.lag_days
    basis = "assumed" if "assumed" in (one.transit_days.basis, one.qualification_days.basis) else (
        one.transit_days.basis
    )  # fmt: skip
    return AlternativeLine(
        item=label("item", item),
        who=label("country", one.who),
        share=_figure(one.share),
        spare=_figure(one.spare),
        lag_days=FigureLine(lag, basis if lag is not None else "unknown", ""),
        price=_figure(one.price),
        own_loss=_figure(one.own_loss),
        shared=tuple(map(node_label, one.shared)),
    )


def _figure(figure: Figure) -> FigureLine:
    return FigureLine(figure.value, figure.basis, figure.source)
