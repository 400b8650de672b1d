"""The outlook of an event or a what-if, as rows: one function each, three faces."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from ews.model import Event, Shock, content_id
from ews.reports.names import UnknownName, find, label, labels, node_label
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
from ews.reports.standing import network
from ews.reports.viewer import OPEN, NotFound, Viewer, visible_shocks
from ews.reports.views import Label
from ews.storage import Store
from graph.advice import Advice, Plan, advice
from graph.alternatives import Alternative, Figure
from graph.arrays import SupplyArrays
from graph.firms import FirmLink
from graph.national import UNKNOWN, NationalModel, national_model
from graph.outlook import RUNS, BuyerOutlook, Outlook, outlook, stock_name
from graph.reference import ITEMS
from graph.why import Path

HORIZON = 180
HIT_DAYS = (7, 14, 30, 60, 90, 180)
CURVE_STEP = 3  # days between the points of a curve
TARGETS = ("item", "country", "chokepoint", "port", "origin")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A blow that nobody reported: what is hit (node ids), how hard, how long, from when."""

    targets: tuple[str, ...]
    magnitude: float
    duration_days: float
    lag_days: float = 0.0
    stock_days: float | None = None  # cover of every use hit, instead of what is known


def outlook_report(
    store: Store,
    event_id: str,
    *,
    now: datetime,
    as_of: datetime | None = None,
    viewer: Viewer = OPEN,
    days: int = HORIZON,
    runs: int = RUNS,
) -> OutlookReport:
    """The outlook of an event by its shocks, with facts as known at `as_of`.

    NotFound for an event that is not there, or that reaches nothing.
    """
    event = store.event(event_id)
    if event is None:
        raise NotFound(f"no event {event_id!r}; `ews alert ID` names the event behind an alert")
    shocks = visible_shocks(store, event.id, viewer)
    if not shocks:
        raise NotFound(f"event {event_id!r} hits nothing on the network: there is no outlook")
    moment = as_of or now
    what = Label(event.id, event.title, event.title)
    return _report(store, shocks, what, moment, viewer, event=event, days=days, runs=runs)


def what_if_report(
    store: Store,
    asked: WhatIf,
    *,
    now: datetime,
    viewer: Viewer = OPEN,
    days: int = HORIZON,
    runs: int = RUNS,
) -> OutlookReport:
    """The outlook of a blow that nobody reported, from today. ValueError for a wrong number."""
    if not 0 < asked.magnitude <= 1:
        raise ValueError("magnitude: give the share of the flow that is lost, above 0 and up to 1")
    if not 0 < asked.duration_days <= 3650 or not 0 <= asked.lag_days <= 3650:
        raise ValueError("duration and lag: give days, at most 3650; the duration above 0")
    if asked.stock_days is not None and not 0 <= asked.stock_days <= 3650:
        raise ValueError("stock: give days of cover, 0 to 3650")
    if not asked.targets:
        raise ValueError("name what is hit: an item, country, origin, strait or port")
    named = [node_label(node) for node in asked.targets]
    what = Label(
        "what-if",
        f"What if: {', '.join(n.en for n in named)}",
        f"가정: {', '.join(n.ko for n in named)}",
    )
    shocks = [
        Shock(
            event_id=content_id("what-if", node),
            target_kind=node.split(":", 1)[0],
            target=node,
            magnitude=asked.magnitude,
            probability=1.0,
            duration_days=asked.duration_days,
            start=now,
            lag_days=asked.lag_days,
            basis="assumed: what-if",
        )
        for node in asked.targets
    ]
    return _report(
        store, shocks, what, now, viewer, days=days, runs=runs, stock_days=asked.stock_days
    )


def target_of(kind: str, text: str, country: str = "") -> tuple[str, ...]:
    """Node ids for what a person typed: `("item", "urea")`, `("origin", "urea", "CN")`, ...

    UnknownName, with near names, when nothing fits.
    """
    if kind not in TARGETS:
        raise UnknownName(f"unknown kind of target {kind!r}; use one of {', '.join(TARGETS)}")
    if kind == "origin":
        places = find("country", country)
        return tuple(f"origin:{c}:{item}" for item in find("item", text) for c in places)
    return tuple(f"{kind}:{code}" for code in find(kind, text))


def _report(
    store: Store,
    shocks: Sequence[Shock],
    what: Label,
    moment: datetime,
    viewer: Viewer,
    *,
    event: Event | None = None,
    days: int,
    runs: int,
    stock_days: float | None = None,
) -> OutlookReport:
    firms = [FirmLink.from_row(row) for row in store.firm_links() if viewer.sees(str(row["owner"]))]
    found, told = computed(tuple(shocks), moment.date(), tuple(firms), days, runs, stock_days)
    return _rows(found, told, what, event, moment)


@lru_cache(maxsize=64)
def computed(
    shocks: tuple[Shock, ...],
    on: date,
    firms: tuple[FirmLink, ...],
    days: int,
    runs: int,
    stock_days: float | None,
) -> tuple[Outlook, Advice]:
    """Kept for the next reader: the same shocks, facts and firms give the same numbers. The firms'
    links are part of the key, so that no reader gets what was computed with another's."""
    model = national_model(network(), shocks, on, firms)
    if stock_days is not None:
        model = model.with_stock(stock_days)
    found = outlook(model, days=days, runs=runs)
    return found, advice(network(), found)


def _rows(
    found: Outlook, told: Advice, what: Label, event: Event | None, moment: datetime
) -> OutlookReport:
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
        untouched=found.unreached,
        deciding=tuple(_deciding(found)),
        deciding_of=node_label(worst.node) if worst else None,
        plans=tuple(_plan(found.model, plan, start) for plan in told.plans),
        alternatives=tuple(
            _alternative(item, one) for item, ones in told.alternatives.items() for one in ones
        ),
        unknown=tuple(label("item", item) for item in dict.fromkeys(i for i, _ in found.unknown)),
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
    arrays: SupplyArrays = model.arrays
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
        order_by=None if math.isinf(order) else start + timedelta(days=max(0.0, order)),
        order_late=order < 0,
        lag_days=plan.lag_days,
        lag_basis=plan.lag_basis,
        stock_needed=float(plan.stock.days[0]) if plan.stock.enough else None,
        move_share=mix.moved if mix is not None and mix.enough else None,
    )


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _alternative(item: str, one: Alternative) -> AlternativeLine:
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
