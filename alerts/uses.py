"""Who in Korea uses what is hit? Every domestic use with its ministries, in detail or by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.plain import one_line
from alerts.sections import percent
from alerts.view import KST, AlertView, Line, ListedUse, Section
from alerts.words import say
from ews.model import Exposure

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
    """Items with a use nobody has written down: named by the alert, or seen in its exposures, or
    without any on record."""
    seen = (x.item for x in view.public_exposures if _nameless(x))
    bare = (code for code in view.alert.items if view.uses and not view.uses.get(code))
    return tuple(dict.fromkeys((*view.alert.unlisted, *seen, *bare)))


def uncounted(view: AlertView, item: str, uses: Sequence[Exposure]) -> list[ListedUse]:
    """Uses on record of that item for which no exposure came: a limit of the computation must not
    hide them."""
    counted = {use.use_id for use in uses}
    return [use for use in view.uses.get(item, ()) if use.id not in counted]


def unlisted(view: AlertView, lang: str) -> Section:
    """Says aloud that a ministry may be missing: in 2021 the use left out was the one that
    mattered."""
    items = () if view.ended else unlisted_items(view)
    label = say("label.unlisted", lang)
    if not items:
        return Section(label)
    named = packed([one_line(view.names.item(item, lang), 100) for item in items], "")
    return Section(label, (*named, Line(say("text.unlisted", lang, n=len(items)))))


def ministry_lines(view: AlertView, items: dict[str, list[Exposure]], lang: str) -> list[Line]:
    """Every ministry that depends on it, with how many uses: first, so that no cut loses one.

    Left out where the detailed lines below name them all.
    """
    uses = [use for group in items.values() for use in group]
    count = Counter(code for use in uses for code in use.ministries)
    missed = {
        code: uncounted(view, code, items.get(code, ())) for code in (*items, *view.alert.items)
    }
    count.update(code for listed in missed.values() for use in listed for code in use.ministries)
    codes = dict.fromkeys((*view.alert.ministries, *count))
    detailed = len(items) <= ITEMS_SHOWN and all(len(g) <= USES_SHOWN for g in items.values())
    detailed = detailed and not any(missed.values())
    if not codes or (detailed and all(code in count for code in codes)):
        return []
    names = [
        say("text.ministry_uses", lang, name=name, n=count[code]) if count[code] else name
        for code in codes
        for name in [one_line(view.names.ministry(code, lang), 100)]
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


def use_lines(view: AlertView, uses: Sequence[Exposure], lang: str) -> list[Line]:
    """The strongest uses in full, every other one by name with its ministries."""
    lines = [Line(use_line(view, use, lang), holds=1) for use in uses[:USES_SHOWN]]
    rest = [use_brief(view, use, lang) for use in uses[USES_SHOWN:]]
    return lines + packed(rest, say("text.more_uses", lang))


def brief_lines(view: AlertView, item: str, uses: Sequence[Exposure], lang: str) -> list[Line]:
    """A further item: its share, and every use by name with its ministries."""
    share = uses[0].share_at_risk
    risk = percent(share) if share is not None else say("text.unknown", lang)
    name = one_line(view.names.item(item, lang), 100)
    head = say("text.brief_item", lang, item=name, share=risk)
    return packed([use_brief(view, use, lang) for use in uses], head)


def uncounted_lines(
    view: AlertView, item: str, uses: Sequence[Exposure], head: str, lang: str
) -> list[Line]:
    """Each by name with its ministries."""
    names = [
        f"{one_line(view.names.use(use.id, lang), 120)} ({ministry_names(view, use.ministries, lang)})"
        for use in uncounted(view, item, uses)
    ]
    return packed(names, head)


def use_brief(view: AlertView, use: Exposure, lang: str) -> str:
    return f"{use_name(view, use, lang)} ({ministries(view, use, lang)})"


def use_line(view: AlertView, use: Exposure, lang: str) -> str:
    names = view.names
    industry = names.industry(use.industry, lang) if use.industry else say("text.no_industry", lang)
    return say(
        "text.use",
        lang,
        use=use_name(view, use, lang),
        industry=one_line(industry, 100),
        ministries=ministries(view, use, lang),
        impact=impact(view, use, lang),
        stock=stock(use, lang),
    )


def use_name(view: AlertView, use: Exposure, lang: str) -> str:
    if _nameless(use):
        return say("text.no_use", lang)
    return one_line(view.names.use(use.use_id, lang), 120)


def ministries(view: AlertView, use: Exposure, lang: str) -> str:
    return ministry_names(view, use.ministries, lang)


def ministry_names(view: AlertView, codes: Sequence[str], lang: str) -> str:
    """All of them: a ministry behind "and 2 more" is a ministry that is not told."""
    named = [one_line(view.names.ministry(code, lang), 100) for code in codes]
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
