"""What does a reason of the rules or of a person say in the reader's language?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from alerts.plain import one_line
from alerts.view import AlertView
from alerts.words import phrases, reason_patterns, say
from ews.model import FALSE_ALARMS, Stage

THRESHOLDS = re.compile(r"\(raise (\S+), clear \S+\)")


def stage_word(stage: Stage, lang: str) -> str:
    return say(f"stage.{stage.name}", lang)


def some(names: Sequence[str], limit: int, lang: str) -> str:
    """Up to `limit` names and how many more there are."""
    unknown = say("text.unknown", lang)
    shown = ", ".join(one_line(name, 100) or unknown for name in names[:limit])
    left = len(names) - limit
    return shown if left <= 0 else f"{shown} {say('text.and_more', lang, n=left)}"


def readable_reason(view: AlertView, reason: str, lang: str) -> str:
    """A reason in the reader's language; one we have no words for is shown as it is.

    Several stand in a row, with "; " between. A reason can hold text from outside (an analyst's
    words), so it is cleaned like a title.
    """
    if (whole := _worded(view, reason, lang)) is not None:
        return whole
    parts = [(part, _worded(view, part, lang)) for part in reason.split("; ")]
    if all(words is None for _, words in parts):
        return one_line(reason, 400)
    shown = (one_line(part, 300) if words is None else words for part, words in parts)
    return one_line(" · ".join(shown), 900)


def _worded(view: AlertView, reason: str, lang: str) -> str | None:
    """The words for one reason; None when there are none."""
    for key, pattern in reason_patterns():
        if found := pattern.fullmatch(reason.strip()):
            values = {
                name: _value(view, name, text or "", lang)
                for name, text in found.groupdict().items()
            }
            return say(key, lang, **values)
    return None


def note_of(reason: str) -> str:
    """The words a person added to a reason; of one we have no words for, all of it."""
    for _, pattern in reason_patterns():
        if found := pattern.fullmatch(reason.strip()):
            return one_line(found.groupdict().get("note") or "", 300)
    return one_line(reason, 300)


def _value(view: AlertView, name: str, text: str, lang: str) -> str:
    """What a pattern's group holds, by its name: codes, a stage, a false alarm, else plain words."""
    readers: dict[str, Callable[[], str]] = {
        "what": lambda: some([name_code(view, code, lang) for code in text.split(", ")], 8, lang),
        "stage": lambda: _stage(text, lang),
        "asked": lambda: _stage(text, lang),
        "false": lambda: false_alarm(text, lang),
        "note": lambda: f" ({one_line(text, 300)})" if text.strip() else "",
    }
    return readers.get(name, lambda: one_line(text, 300))()


def _stage(text: str, lang: str) -> str:
    try:
        return stage_word(Stage.parse(text), lang)
    except ValueError:
        return one_line(text, 40)


def false_alarm(code: str, lang: str) -> str:
    """`old_news` in words; anything that is no reason of a false alarm as it is."""
    return say(f"false.{code}", lang) if code in FALSE_ALARMS else one_line(code, 300)


def name_code(view: AlertView, code: str, lang: str) -> str:
    """The name of one of the alert's own codes; any other word comes back unchanged."""
    alert, names = view.alert, view.names
    for codes, lookup in (
        (alert.items, names.item),
        (alert.chokepoints, names.chokepoint),
        (alert.ports, names.port),
        (alert.countries, names.country),
        (alert.ministries, names.ministry),
    ):
        if code in codes:
            return lookup(code, lang)
    return code


def readable_measure(reason: str, lang: str) -> str:
    """`share=0.98 (raise 0.5, clear 0.3)` in the reader's language; anything else unchanged."""
    measure, found, rest = reason.partition("=")
    if not found or f"measure.{measure}" not in phrases():
        return one_line(reason, 120)
    value = THRESHOLDS.sub(lambda m: say("text.threshold", lang, limit=m[1]), rest)
    return f"{say(f'measure.{measure}', lang)} {one_line(value, 60)}"
