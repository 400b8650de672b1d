"""A firm's stress test as one flat sheet for a spreadsheet program."""

from __future__ import annotations

from ews.reports.sheet_text import written
from ews.reports.stress_views import StrainLine, StressReport

COLUMNS = (
    "rank", "kind", "code", "name", "confidence", "share", "share_basis", "survive_days",
    "survive_looked_days", "best_survive_days", "recover_days", "recover_basis", "exposed",
    "lost_days", "lost_share", "all_lost_days", "value_basis", "risk_index", "stops", "binding",
    "stock_days", "stock_basis", "cover_days", "lead_basis", "need_basis", "stock_enough",
    "move_share", "other_suppliers", "other_origins", "synthetic",
)  # fmt: skip


def stress_sheet(report: StressReport, lang: str) -> str:
    """One line per source, the worst first. Empty: none, unknown, or for ever (survive, cover)."""
    return written(COLUMNS, [_row(n, one, lang) for n, one in enumerate(report.sources, start=1)])


def _row(rank: int, one: StrainLine, lang: str) -> list[object]:
    enough = "; ".join(
        f"{s.part.text(lang)}: {s.now_days:.4g} -> "
        + ("-" if s.enough_days is None else f"{s.enough_days:.4g}")
        for s in one.stocks
    )
    stops = "; ".join(f"{s.who.text(lang)} {s.lost_days:.4g}" for s in one.stops)
    return [
        rank, one.kind, one.what.code, one.what.text(lang), one.confidence, one.share,
        one.share_basis, one.survive_days, one.looked_days, one.best_survive_days,
        one.recover_days, one.recover_basis, one.exposed, one.lost_days, one.lost_share,
        one.all_lost_days, one.value_basis, one.index, stops,
        one.binding.text(lang) if one.binding else None, one.stock_days, one.stock_basis,
        one.cover_days, one.lead_basis, one.need_basis, enough, one.move_share,
        "; ".join(other.who.text(lang) for other in one.others),
        "; ".join(f"{o.who.text(lang)} ({o.item.text(lang)})" for o in one.origins),
        one.synthetic,
    ]  # fmt: skip
