"""What does an alert reach, when, and by which path? The parts of a message about exposures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.plain import one_line
from alerts.reasons import some
from alerts.sections import percent
from alerts.view import KST, AlertView, Line, Section
from alerts.words import say
from ews.model import Exposure, Hop

YEAR = re.compile(r"\b(?:19|20)\d\d\b")
ITEMS_SHOWN = 3
USES_SHOWN = 4
PACKED_LENGTH = 400  # of a line of names: one that is left out takes few with it


def by_item(exposures: Sequence[Exposure]) -> dict[str, list[Exposure]]:
    """Exposures per item, each use once (its strongest, with the ministries of all), order kept."""
    merged: dict[tuple[str, str], Exposure] = {}
    for exposure in exposures:
        key = (exposure.item, "" if _nameless(exposure) else exposure.use_id)
        first = merged.setdefault(key, exposure)
        more = tuple(dict.fromkeys((*first.ministries, *exposure.ministries)))
        if more != first.ministries:
            merged[key] = replace(first, ministries=more)
    items: dict[str, list[Exposure]] = {}
    for exposure in merged.values():
        items.setdefault(exposure.item, []).append(exposure)
    return items


def _nameless(use: Exposure) -> bool:
    """Nobody has written down what the item is used for."""
    return not use.use_id or use.use_id.endswith(":unknown")


def unlisted_items(view: AlertView) -> tuple[str, ...]:
    """Items with a use nobody has written down: named by the alert, or seen in its exposures."""
    seen = (x.item for x in view.public_exposures if _nameless(x))
    return tuple(dict.fromkeys((*view.alert.unlisted, *seen)))


def unlisted(view: AlertView, lang: str) -> Section:
    """Says aloud that a ministry may be missing: in 2021 the use left out was the one that
    mattered."""
    items = () if view.ended else unlisted_items(view)
    label = say("label.unlisted", lang)
    if not items:
        return Section(label)
    named = packed([one_line(view.names.item(item, lang), 60) for item in items], "")
    return Section(label, (*named, Line(say("text.unlisted", lang, n=len(items)))))


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
    if pathless:
        names = [one_line(view.names.item(code, lang), 60) for code in pathless]
        lines += packed(names, say("text.pathless", lang))
    if not items:
        lines.append(Line(say("text.no_reach", lang)))
    return Section(label, tuple(lines), roomy=bool(items))


def ministry_lines(view: AlertView, items: dict[str, list[Exposure]], lang: str) -> list[Line]:
    """Every ministry that depends on it, with how many uses: first, so that no cut loses one.

    Left out where the detailed lines below name them all.
    """
    uses = [use for group in items.values() for use in group]
    count = Counter(code for use in uses for code in use.ministries)
    codes = dict.fromkeys((*view.alert.ministries, *count))
    detailed = len(items) <= ITEMS_SHOWN and all(len(g) <= USES_SHOWN for g in items.values())
    if not codes or (detailed and all(code in count for code in codes)):
        return []
    names = [
        say("text.ministry_uses", lang, name=name, n=count[code]) if count[code] else name
        for code in codes
        for name in [one_line(view.names.ministry(code, lang), 60)]
    ]
    return packed(names, say("text.all_ministries", lang), holds=0)


def packed(names: Sequence[str], head: str, holds: int = 1) -> list[Line]:
    """The names after `head`, in as many lines as they need; none is left out."""
    lines: list[Line] = []
    for name in names:
        last = lines[-1] if lines else None
        if last is None or len(last.text) + len(name) + 2 > PACKED_LENGTH:
            lines.append(Line(f"{head}{name}", holds=holds))
        else:
            lines[-1] = Line(f"{last.text}, {name}", holds=last.holds + holds)
    return lines


def share_hop(exposure: Exposure) -> Hop | None:
    """The hop that says which share of the item's import is at risk; None when none was read."""
    into = [hop for hop in exposure.path if hop.target == f"item:{exposure.item}"]
    return next((hop for hop in reversed(into) if hop.weight is not None), None)


def publisher(hop: Hop | None) -> str:
    """Who states the figure. Its address is in the full proof; here it would only be in the way."""
    return one_line(hop.citation.partition(", http")[0], 120) if hop else ""


def years(exposure: Exposure) -> str:
    """The period of the share's figures; of several, the first and the last year; "" unknown."""
    periods = sorted({one_line(hop.period, 20) for hop in exposure.path if hop.period})
    if len(periods) < 2:
        return "".join(periods)
    found = sorted(year for period in periods for year in YEAR.findall(period))
    return "~".join(dict.fromkeys(found[:1] + found[-1:]))


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
    name = one_line(view.names.item(item, lang), 60)
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
        year=years(exposure) or unknown,
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


def use_lines(view: AlertView, uses: Sequence[Exposure], lang: str) -> list[Line]:
    """The strongest uses in full, every other one by name with its ministries."""
    lines = [Line(use_line(view, use, lang), holds=1) for use in uses[:USES_SHOWN]]
    rest = [use_brief(view, use, lang) for use in uses[USES_SHOWN:]]
    return lines + packed(rest, say("text.more_uses", lang))


def brief_lines(view: AlertView, item: str, uses: Sequence[Exposure], lang: str) -> list[Line]:
    """A further item: its share, and every use by name with its ministries."""
    share = uses[0].share_at_risk
    risk = percent(share) if share is not None else say("text.unknown", lang)
    name = one_line(view.names.item(item, lang), 60)
    head = say("text.brief_item", lang, item=name, share=risk)
    return packed([use_brief(view, use, lang) for use in uses], head)


def use_brief(view: AlertView, use: Exposure, lang: str) -> str:
    return f"{use_name(view, use, lang)} ({ministries(view, use, lang)})"


def use_line(view: AlertView, use: Exposure, lang: str) -> str:
    names = view.names
    industry = names.industry(use.industry, lang) if use.industry else say("text.no_industry", lang)
    return say(
        "text.use",
        lang,
        use=use_name(view, use, lang),
        industry=one_line(industry, 60),
        ministries=ministries(view, use, lang),
        impact=impact(view, use, lang),
        stock=stock(use, lang),
    )


def use_name(view: AlertView, use: Exposure, lang: str) -> str:
    if _nameless(use):
        return say("text.no_use", lang)
    return one_line(view.names.use(use.use_id, lang), 90)


def ministries(view: AlertView, use: Exposure, lang: str) -> str:
    """All of them: a ministry behind "and 2 more" is a ministry that is not told."""
    named = [one_line(view.names.ministry(code, lang), 60) for code in use.ministries]
    return ", ".join(named) or say("text.no_ministry", lang)


def impact(view: AlertView, use: Exposure, lang: str) -> str:
    """When the loss reaches the user, counted from the event's onset (else when first seen)."""
    if use.impact_day is None:
        return say("text.impact_unknown", lang)
    start = view.event.onset or view.event.first_seen
    day = (start + timedelta(days=use.impact_day)).astimezone(KST)
    left = (day.date() - view.now.astimezone(KST).date()).days
    if left <= 0:
        return say("text.impact_now", lang, date=day.date().isoformat())
    return say("text.impact", lang, days=left, date=day.date().isoformat())


def stock(use: Exposure, lang: str) -> str:
    if use.time_to_survive_days is None:
        return say("text.stock_unknown", lang)
    if use.time_to_survive_days > 365:
        return say("text.stock_long", lang)
    return say("text.stock", lang, days=f"{use.time_to_survive_days:.0f}")


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
