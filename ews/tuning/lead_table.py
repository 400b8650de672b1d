"""How long before the state did ews tell? The table of all shipped cases, for a page of the docs."""

from __future__ import annotations

from collections.abc import Sequence

from ews.model import Stage
from ews.tuning.timeline_rows import First, Timeline
from ews.tuning.timeline_words import days, moment, say

BEGIN = "<!-- generated: ews case run --all --write docs/cases.md -->"
END = "<!-- end of generated -->"
HEADS = (
    ("사례", "Case"), ("공개된 때", "Public at"), ("첫 주의 이상", "First at caution or higher"),
    ("실제 대응", "The state's reaction"), ("경보 선행", "Warning lead"),
    ("조짐의 첫 주의", "First at caution on an earlier hint"), ("조짐부터", "Lead from the hint"),
    ("첫 부족까지", "Before the first shortage"),
)  # fmt: skip


def lead_rows(found: Sequence[Timeline], lang: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """Headings and one row for each case; a quiet week says whether it stayed silent."""
    return [say(head, lang) for head in HEADS], [_row(one, lang) for one in found]


def _row(one: Timeline, lang: str) -> tuple[str, ...]:
    name, lead = one.ko if lang == "ko" else one.en, one.lead
    if lead is None:
        silent = say(("경보 없음 (옳음)", "no alert (right)"), lang)
        wrong = f"{one.alerts} {say(('건: 틀림', 'alerts: wrong'), lang)}"
        return (name, "-", wrong if one.steps else silent, "-", "-", "-", "-", "-")
    earlier = lead.hint_caution if lead.hint_caution != lead.measure else None
    return (
        name, moment(one.reference_time), _first(lead.measure, lang),
        moment(lead.reaction.at)[:10] if lead.reaction else "-", days(lead.measure_days, lang),
        _first(earlier, lang), days(lead.hint_days, lang) if earlier else "-",
        days(lead.shortage_days, lang) if lead.shortage else "-",
    )  # fmt: skip


def _first(first: First | None, lang: str) -> str:
    if first is None:
        return "-"
    stage = Stage(first.stage)
    return f"{moment(first.at)} ({stage.ko if lang == 'ko' else stage.en})"


def generated(found: Sequence[Timeline]) -> str:
    """The generated part of docs/cases.md."""
    heads, rows = lead_rows(found, "en")
    played = found[0].played
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    leads = sorted(one.lead.measure_days for one in found
                   if one.lead is not None and one.lead.measure_days is not None)  # fmt: skip
    middle = (leads[(len(leads) - 1) // 2] + leads[len(leads) // 2]) / 2 if leads else None
    lines += [
        "",
        f"Median warning lead over the {len(leads)} crises: {days(middle, 'en')}. Rules "
        f"`{played.rules}` ({played.rules_from}), model {', '.join(played.models)}, "
        f"network `{played.network}`.",
    ]
    return "\n".join(lines) + "\n"


def written(document: str, found: Sequence[Timeline]) -> str:
    """The document with its generated part made anew. ValueError when it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{generated(found)}\n{END}{after}"


def inside(document: str) -> str:
    """What stands in the generated part of a document."""
    return document.partition(BEGIN)[2].partition(END)[0].strip() + "\n"
