"""What of learning and drift is asked, and by whom: one way for the API and the pages."""

from __future__ import annotations

from fastapi import HTTPException

from ews.model import ProposalState
from ews.reports import NotForViewer, Viewer
from ews.reports.receivers import sees_work
from ews.tuning.drift import Drift, drift
from ews.tuning.learning_lines import Learning, Ratios, learning, ratio_table
from ews.web.asked import moment
from ews.web.rendering import TUNERS
from ews.web.site import Site


def check_analyst(viewer: Viewer) -> None:
    """NotForViewer unless an analyst or an operator looks, under a name: it quotes what people said."""
    if viewer.role not in TUNERS or not sees_work(viewer):
        raise NotForViewer(
            "what feedback teaches is for analysts and operators under a name; sign in as one",
            "피드백에서 배우는 일은 분석가와 운영자만 합니다. 분석가로 로그인하십시오.",
        )


def check_ratios(viewer: Viewer) -> None:
    """NotForViewer unless somebody of the state looks, under a name."""
    if not sees_work(viewer):
        raise NotForViewer(
            "how often sources were wrong is for officials, analysts and operators; sign in as one",
            "오경보 비율은 공무원·분석가·운영자가 봅니다. 로그인하십시오.",
        )


def learnt(site: Site, state: str) -> Learning:
    if state and state != "all" and state not in set(ProposalState):
        raise HTTPException(400, f"state: {state[:40]!r} is none of open, accepted, rejected, all")
    chosen = None if state == "all" else ProposalState(state or "open")
    return learning(site.store, site.clock(), chosen)


def counted(site: Site, since: str, until: str) -> Ratios:
    start, end = moment(since), moment(until)
    return site.models.run(
        ("ratios", start, end), lambda: ratio_table(site.store, site.clock(), start, end)
    )


def drifted(site: Site, since: str, until: str) -> Drift:
    """400 for a window shorter than a week."""
    start, end = moment(since), moment(until)
    try:
        return site.models.run(
            ("drift", start, end), lambda: drift(site.store, site.clock(), start, end)
        )
    except ValueError as err:
        raise HTTPException(400, str(err)) from err
