"""What a page shows of an outlook beside its rows: loss curves and pictures of the paths."""

from __future__ import annotations

from markupsafe import Markup

from ews.reports import HopLine, Label
from ews.reports.outlook_views import OutlookReport, PathLine
from ews.web.curves import draw_curve
from ews.web.drawing import draw_paths

DRAWN = 3  # buyers with a curve and a picture, the worst first


def outlook_drawn(outlook: OutlookReport | None, lang: str) -> dict[str, object]:
    """The values that `outlook.html` needs."""
    buyers = outlook.buyers[:DRAWN] if outlook else ()
    return {
        "outlook": outlook,
        "curves": [Markup(draw_curve(one, lang)) for one in buyers],
        "pictures": [
            Markup(draw_paths([_hops(path) for path in one.paths], lang)) for one in buyers
        ],
    }


def _hops(path: PathLine) -> list[HopLine]:
    """The path as hops: first what the event took, then each link with its share."""
    said = Label(
        "",
        f"{path.lost_days:.1f} days lost by this path",
        f"이 경로로 {path.lost_days:.1f}일분 손실",
    )
    return [
        HopLine(s.source, s.target, said.en, said.ko, s.weight, s.basis, s.period, s.citation)
        for s in path.steps
    ]
