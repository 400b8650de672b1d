"""What does the tuning page show for a question? The desk's answer, with words, links and drawings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from alerts.words import Bilingual, say
from ews.acting import refusal
from ews.model import ActKind, RuleSet, Stage
from ews.reports import label
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate, ConfusionRow, Knob, Period, Point, Preview, Told
from ews.tuning.rules import RuleChangeError, of_version
from ews.web import tuning_words as words
from ews.web.acts_pages import form_values
from ews.web.asking import bearer
from ews.web.rendering import language, page
from ews.web.site import Site
from ews.web.tuning_asked import Asked, Unread, last_day, period
from ews.web.tuning_desks import Desks
from ews.web.tuning_drawing import Bars, Mark, draw_loads, draw_operating
from ews.web.tuning_form import form
from graph.reference import COUNTRIES
from nlp.taxonomy import TYPES

ROWS = 60  # alerts to read on the page; the API and a link have all
MOST_ROWS = 3_000
ORDER = ("gained", "lost", "moved", "same")


@dataclass(frozen=True, slots=True)
class Seen:
    """A question and its answer, or why there is none."""

    asked: Asked
    base: RuleSet
    knobs: tuple[Knob, ...]
    usual: Period | None
    changes: Mapping[str, str]
    preview: Preview | None
    wrong: Exception | None


def look(desk: Desk, asked: Asked, now: datetime, curve: bool = True, loads: bool = True) -> Seen:
    """Ask the desk. A change that cannot be, or a store with nothing to play, is part of the answer."""
    base, wrong = _base(desk, asked, now)
    knobs = tuple(desk.knobs(base))
    changes = asked.differing({knob.key: knob for knob in knobs})
    usual: Period | None = None
    if wrong is not None:
        return Seen(asked, base, knobs, usual, changes, None, wrong)
    try:
        usual = desk.period(now)
        change = Candidate(base.version, changes)
        found = desk.preview(change, period(asked, usual), curve=curve, loads=loads)
    except (ValueError, LookupError, Unread) as err:
        if isinstance(err, KeyError | IndexError | UnicodeError):
            raise  # a fault of ours, not of the question
        return Seen(asked, base, knobs, usual, changes, None, err)
    return Seen(asked, base, knobs, usual, changes, found, None)


def _base(desk: Desk, asked: Asked, now: datetime) -> tuple[RuleSet, Exception | None]:
    """The version that is changed; that in force, and why, when there is none of that number."""
    if asked.base is None:
        return desk.base(now), None
    try:
        return of_version(desk.store, asked.base), None
    except RuleChangeError as err:
        return desk.base(now), err


def said(err: Exception | None, lang: str) -> str:
    """An error in the reader's language."""
    if err is None:
        return ""
    return err.text(lang) if isinstance(err, Bilingual) else str(err)


def query_of(seen: Seen, **more: object) -> dict[str, str]:
    """The question as a query, so that its address can be handed on."""
    asked = seen.asked
    values: dict[str, object] = {
        "base": asked.base, "rule": asked.rule, "from": asked.since, "to": asked.until,
        **{k: asked.typed.get(k, "") for k in ("show", "name", "reason", "at")},
        **seen.changes, **more,
    }  # fmt: skip
    return {key: str(value) for key, value in values.items() if value not in (None, "")}


def answer_values(seen: Seen, lang: str, waits: bool = False) -> dict[str, Any]:
    """What both the page and the part of it that a script asks for need; `waits`: the receivers'
    loads are not counted yet."""
    names = {code: label("country", code).text(lang) for code in COUNTRIES}
    p = seen.preview
    all_rows = seen.asked.typed.get("show") == "all"
    return {
        "p": p,
        "wrong": said(seen.wrong, lang),
        "form": form(seen.knobs, seen.asked, names, lang),
        "typed": seen.asked.typed,
        "changes": seen.changes,
        "base": seen.base,
        "rows": _rows(p.alerts, MOST_ROWS if all_rows else ROWS) if p else (),
        "curve": Markup(_curve(p, lang)) if p else Markup(),
        "loads": Markup(_loads(p, lang)) if p else Markup(),
        "waits": waits,
        "days": _days(p, seen.usual),
        "notes": [words.note(key, lang) for key in p.basis.notes] if p else [],
        "again": again_of(seen, lang),
        "key_name": lambda key: words.key_name(key, lang, names),
        "rule_name": lambda rule: words.rule_name(rule, lang),
        "shown": shown,
        "stage_word": lambda stage: say(f"stage.{Stage(stage).name}", lang),
        "type_names": [(code, type_.label(lang)) for code, type_ in TYPES.items()],
        "country_names": sorted(names.items(), key=lambda pair: pair[1]),
        "receivers": [knob.key.split(".", 1)[1] for knob in seen.knobs if knob.group == "budget"],
    }


def _days(p: Preview | None, usual: Period | None) -> tuple[str, str]:
    """The first and the last day of what was, or would be, played."""
    played = p.period if p else usual
    if played is None:
        return "", ""
    return played.since.date().isoformat(), last_day(played).isoformat()


def _rows(alerts: Sequence[ConfusionRow], most: int) -> list[ConfusionRow]:
    """What changes first, then the highest stage, then the newest."""
    ordered = sorted(alerts, key=lambda row: (-row.at.timestamp(), row.alert))
    return sorted(ordered, key=lambda row: (ORDER.index(row.side), -row.stage))[:most]


def _curve(p: Preview, lang: str) -> str:
    if p.curve is None:
        return ""
    points = [_mark(point) for point in p.curve.points]
    return draw_operating(points, _mark(p.curve.before), _mark(p.curve.after), lang)


def _mark(point: Point) -> Mark:
    return Mark(point.per_day, point.recall, point.precision)


def _loads(p: Preview, lang: str) -> str:
    return draw_loads([_bars(row.receiver, row.before, row.after) for row in p.receivers], lang)


def _bars(name: str, before: Told, after: Told) -> Bars:
    return Bars(name, before.told_per_day, after.told_per_day, after.budget)


def again_of(seen: Seen, lang: str) -> Callable[..., str]:
    """A maker of links to the same question with something else."""

    def again(path: str = "/tuning", **more: object) -> str:
        query = query_of(seen, **more) | ({} if lang == "ko" else {"lang": lang})
        return f"{path}?{urlencode(query)}" if query else path

    return again


def shown(value: object) -> str:
    """A value of the rules as a person writes it.

    >>> shown(None), shown(0.7), shown(True), shown(["a", "b"])
    ('-', '0.70', 'true', 'a, b')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return words.number(float(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


# --------------------------------------------------------------------------- the page


def tuning_page(
    request: Request, site: Site, desks: Desks, asked: Asked, status: int = 200, refused: str = ""
) -> HTMLResponse:
    """The form and the answer; `refused` says why what was sent was not saved."""
    seen = desks.ask(lambda desk: look(desk, asked, site.clock()))
    values = answer_values(seen, language(request)) | who_saves(request, site)
    if seen.wrong is not None and status == 200:
        status = 400
    return page(request, "tuning.html", status=status, refused=refused, **values)


def who_saves(request: Request, site: Site) -> dict[str, Any]:
    """Whether who looks may save, and what a form needs for it."""
    viewer = request.state.viewer
    person = site.store.person(name=viewer.person) if viewer.person else None
    may = person is not None and not refusal(person, ActKind.RULES) and bearer(request) is None
    return {"may_save": may, "forms": form_values(request)}
