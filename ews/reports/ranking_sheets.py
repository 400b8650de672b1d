"""Systemic rankings as flat sheets for a spreadsheet program."""

from __future__ import annotations

from ews.reports.network_views import NetworkSystemic
from ews.reports.sheet_text import written
from ews.reports.systemic import SystemicReport

STOPS = (
    "kind", "days", "rank", "code", "name", "alike", "loss_days", "critical_days", "missing_days", "uses_short",
    "uses", "first_day", "items", "unread_items", "magnitude", "pause_days", "basis",
)  # fmt: skip
FIRMS = (
    "rank", "code", "name", "sector", "esri", "esri_down", "esri_up", "sales", "sweeps",
    "residual", "converged", "synthetic", "network", "version", "switches",
)  # fmt: skip


def stops_sheet(report: SystemicReport, lang: str) -> str:
    """One line per thing that stops and length of the stop."""
    return written(STOPS, [
        [
            one.kind, one.days, one.rank, one.who.code, one.who.text(lang),
            "; ".join(place.text(lang) for place in one.alike), one.loss_days, one.critical_days,
            one.uses_short, one.uses, one.first_day,
            "; ".join(f"{i.item.text(lang)} {i.loss_days:.1f}" for i in one.items),
            "; ".join(item.text(lang) for item in one.unread), one.magnitude, one.pause_days,
            one.basis,
        ]
        for one in report.lines
    ])  # fmt: skip


def firms_sheet(report: NetworkSystemic, lang: str) -> str:
    """One line per firm; what made the numbers stands on each."""
    return written(FIRMS, [
        [
            one.rank, one.who.code, one.who.text(lang), one.sector, one.esri, one.down, one.up,
            one.sales, one.sweeps, one.residual, one.converged, report.network.synthetic,
            report.network.name, report.network.version, f"{report.switches}; {report.engine}",
        ]
        for one in report.firms
    ])  # fmt: skip
