"""How a case that was played is printed: in short, its time line, the ministries reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ews.cli.output import Output, clean, stage_text
from ews.model import Stage

if TYPE_CHECKING:
    from alerts.view import Names
    from ews.tuning.timeline_rows import Timeline


def timeline(out: Output, found: Timeline, names: Names) -> None:
    """One case, for a person who has a minute."""
    from ews.tuning.timeline_words import conditions, summary

    out.say(out.t(found.ko, found.en), "bold")
    out.facts(list(summary(found, out.lang)))
    _lines(out, found, names)
    _reached(out, found, names)
    out.say(conditions(found, out.lang), "dim")


def _lines(out: Output, found: Timeline, names: Names) -> None:
    from ews.tuning.timeline_words import lines, moment

    rows = []
    for line in lines(found, names, out.lang):
        stage: object = ""
        if line.stage is not None:
            known = Stage(line.stage)
            stage = stage_text(line.stage, out.t(known.ko, known.en))
        public = moment(line.observed_at) if line.observed_at else ""
        text = clean(line.text) + (f" ({line.marks})" if line.marks else "")
        rows.append((moment(line.at), public, line.what, stage, text, clean(line.told)))
    out.table(
        out.t("시간표", "Time line"),
        [out.t("알 수 있던 때", "could be known"), out.t("공개·기간", "public, or period"),
         out.t("무엇", "what"), out.t("단계", "stage"), out.t("내용", "content"),
         out.t("알린 곳", "told")],
        rows,
    )  # fmt: skip


def _reached(out: Output, found: Timeline, names: Names) -> None:
    if not found.reached:
        return
    out.table(
        out.t("공급 그래프가 닿은 부처", "Ministries that the supply graph reached"),
        [out.t("부처", "ministry"), out.t("산업", "industries"), out.t("품목", "items"),
         out.t("알린 수신처", "receivers told")],
        [(names.ministry(one.ministry, out.lang),
          ", ".join(names.industry(code, out.lang) for code in one.industries[:4]) or "-",
          ", ".join(names.item(code, out.lang) for code in one.items[:4]),
          ", ".join(one.told) or out.t("아무도 없음", "nobody")) for one in found.reached],
    )  # fmt: skip


def table(out: Output, found: list[Timeline], write: Path | None) -> None:
    """The warning lead of every shipped case; written into a document where one is named."""
    from ews.tuning.lead_table import lead_rows, written

    if write is not None:
        write.write_text(written(write.read_text("utf-8"), found), "utf-8")
    if out.as_json:
        out.json([{"name": one.name, "lead": one.lead, "alerts": one.alerts, "played": one.played}
                  for one in found])  # fmt: skip
        return
    heads, rows = lead_rows(found, out.lang)
    out.table(out.t("경보 선행", "Warning lead"), heads, rows)
