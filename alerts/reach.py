"""What does an alert reach, when, and by which path? The parts of a message about exposures."""

from __future__ import annotations

import re

from alerts.plain import one_line
from alerts.reasons import some
from alerts.sections import percent
from alerts.uses import (
    ITEMS_SHOWN,
    brief_lines,
    by_item,
    ministries,
    ministry_lines,
    uncounted_lines,
    use_lines,
    use_name,
)
from alerts.view import AlertView, Line, Section
from alerts.words import say
from ews.model import Exposure, Hop

YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# What the file of shares remarks on a period that its source does not give.
REMARKS = {
    "(not stated)": "text.period_not_stated",
    "(year not shown)": "text.period_no_year",
    "(typical year)": "text.period_typical",
}


def reach(view: AlertView, lang: str) -> Section:
    """Item and share at risk with its year and source; uses, industries, ministries; days.

    Every domestic use of every item is named with its ministries, in detail or by name.
    """
    items = by_item(view.public_exposures)
    label = say("label.reach", lang)
    pathless = [code for code in view.alert.items if code not in items]
    lines: list[Line] = []
    if any(exposure.synthetic for uses in items.values() for exposure in uses):
        lines.append(Line(say("text.synthetic", lang)))
    lines += ministry_lines(view, items, lang)
    for number, (item, uses) in enumerate(items.items()):
        if number < ITEMS_SHOWN:
            lines.append(Line(share_line(view, item, uses[0], lang)))
            lines += use_lines(view, uses, lang)
        else:
            lines += brief_lines(view, item, uses, lang)
        lines += uncounted_lines(view, item, uses, say("text.uncounted", lang), lang)
    for code in pathless:
        name = one_line(view.names.item(code, lang), 100)
        head = say("text.pathless", lang, item=name)
        lines += uncounted_lines(view, code, (), f"{head}: ", lang) or [Line(head, holds=1)]
    if not items:
        lines.append(Line(say("text.no_reach", lang)))
    return Section(label, tuple(lines), roomy=bool(items))


def share_hop(exposure: Exposure) -> Hop | None:
    """The hop that says which share of the item's import is at risk; None when none was read."""
    into = [hop for hop in exposure.path if hop.target == f"item:{exposure.item}"]
    return next((hop for hop in reversed(into) if hop.weight is not None), None)


def publisher(hop: Hop | None) -> str:
    """Who states the figure. Its address is in the full proof; here it would only be in the way."""
    return one_line(hop.citation.partition(", http")[0], 120) if hop else ""


def years(exposure: Exposure, lang: str) -> str:
    """The period of the share's figures; of several, the first and the last year; "" unknown."""
    periods = sorted({one_line(hop.period, 40) for hop in exposure.path if hop.period})
    if len(periods) < 2:
        return _period("".join(periods), lang)
    found = sorted(year for period in periods for year in YEAR.findall(period))
    return "~".join(dict.fromkeys(found[:1] + found[-1:]))


def _period(period: str, lang: str) -> str:
    """The period as the data file has it, its remark in the reader's language.

    >>> _period("2024 (not stated)", "ko")
    '2024 (출처에 시점 없음)'
    """
    for remark, key in REMARKS.items():
        period = period.replace(remark, say(key, lang))
    return period


def source_of(exposure: Exposure, lang: str) -> str:
    """Who states the share; for a strait or port, those whose figures were added up."""
    hop = share_hop(exposure)
    if hop is None or not hop.source.startswith(("chokepoint:", "port:")):
        return publisher(hop)
    added = [publisher(h) for h in exposure.path if h.target == hop.source and h.period]
    names = some(list(dict.fromkeys(filter(None, added))), 2, lang)
    return say("text.route_sum", lang, names=names) if names else publisher(hop)


def loss_basis(exposure: Exposure, lang: str) -> str:
    """Where the lost part comes from: the basis of the first hop, else assumed.

    Even a measured drop becomes a loss only with an assumption (what a detour still brings).
    """
    first = next(iter(exposure.path), None)
    if first is None or first is share_hop(exposure):
        return say("basis.assumed", lang)
    if first.basis == "computed":
        return say("text.loss_computed", lang)
    return say(f"basis.{first.basis}", lang)


def share_line(view: AlertView, item: str, exposure: Exposure, lang: str) -> str:
    name = one_line(view.names.item(item, lang), 100)
    critical = say("text.critical", lang) if exposure.critical else ""
    if exposure.share_at_risk is None:
        return say("text.share_unknown", lang, item=name) + critical
    hop = share_hop(exposure)
    unknown = say("text.unknown", lang)
    basis = "synthetic" if exposure.synthetic else (hop.basis if hop else "unknown")
    text = say(
        "text.share",
        lang,
        item=name,
        share=percent(exposure.share_at_risk),
        year=years(exposure, lang) or unknown,
        basis=say(f"basis.{basis}", lang),
        citation=source_of(exposure, lang) or unknown,
    )
    lost = say(
        "text.loss",
        lang,
        magnitude=percent(exposure.magnitude),
        basis=loss_basis(exposure, lang),
    )
    return text + lost + critical


def path(view: AlertView, lang: str) -> Section:
    """One line from the origin to the ministry: `중국 → 요소 → 요소수 → 화물 운송업 → 환경부`."""
    exposures = view.public_exposures
    label = say("label.path", lang)
    if not exposures:
        return Section(label)
    strongest = exposures[0]
    nodes = [hop.source for hop in strongest.path[:1]] + [hop.target for hop in strongest.path]
    names = [name_node(view, node, lang) for node in nodes if not node.startswith("ministry:")]
    if not names:
        names = [
            view.names.country(strongest.origin, lang) if strongest.origin else "",
            view.names.item(strongest.item, lang),
            use_name(view, strongest, lang),
        ]
    names.append(ministries(view, strongest, lang))
    steps = [one_line(name, 200) for name in names if name]
    return Section(label, (Line(" → ".join(dict.fromkeys(steps))),))


def name_node(view: AlertView, node: str, lang: str) -> str:
    """The readable name of a node of the network. A firm's name never leaves: "" for it."""
    kind, _, code = node.partition(":")
    names = view.names
    match kind:
        case "origin" | "country":
            return names.country(code.partition(":")[0], lang)
        case "item":
            return names.item(code, lang)
        case "use":
            unknown = code.endswith(":unknown")
            return say("text.no_use", lang) if unknown else names.use(node, lang)
        case "industry":
            return names.industry(code, lang)
        case "ministry":
            return names.ministry(code, lang)
        case "chokepoint":
            return names.chokepoint(code, lang)
        case "port":
            return names.port(code, lang)
        case "firm" | "supplier":
            return ""
    return node  # a kind we have no words for: shown as it is, an alert must not fail on it
