"""Alerts to write messages about: the urea case in our own words, and a quiet one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.messages import AlertView
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Event,
    EventStatus,
    Evidence,
    Exposure,
    Hop,
    Notification,
    Phase,
    RouteReason,
    Stage,
)

NOW = datetime(2021, 10, 11, 2, 30, tzinfo=UTC)

TABLE = {
    "CN": ("중국", "China"),
    "urea": ("요소", "Urea"),
    "use:urea:1": ("요소수(경유 화물차)", "diesel exhaust fluid (trucks)"),
    "use:urea:2": ("비료", "fertiliser"),
    "49301": ("화물 운송업", "road freight"),
    "20311": ("비료 제조업", "fertiliser makers"),
    "molit": ("국토교통부", "Ministry of Land, Infrastructure and Transport"),
    "mcee": ("기후에너지환경부", "Ministry of Climate, Energy and Environment"),
    "mafra": ("농림축산식품부", "Ministry of Agriculture, Food and Rural Affairs"),
    "export_restriction": ("수출 제한", "export restriction"),
    "logistics_disruption": ("물류 차질", "logistics disruption"),
    "bab-el-mandeb": ("바브엘만데브 해협", "Bab el-Mandeb"),
    "busan": ("부산항", "Busan"),
}


class TableNames:
    """Names from the table above; an unknown code is its own name."""

    def _name(self, code: str, lang: str) -> str:
        ko, en = TABLE.get(code, (code, code))
        return ko if lang == "ko" else en

    item = country = industry = ministry = chokepoint = port = type = use = _name


def hop(source: str, target: str, weight: float | None = None) -> Hop:
    return Hop(
        source,
        target,
        "",
        "",
        weight,
        basis="stated" if weight else "inferred",
        period="2021" if weight else "",
        citation="관세청 (시험용 값)" if weight else "",
    )


def urea_exposure(use: int = 1, **changes: object) -> Exposure:
    industry = {1: "49301", 2: "20311"}.get(use, "")
    exposure = Exposure(
        event_id="evt-1",
        item="urea",
        origin="CN",
        use_id=f"use:urea:{use}",
        industry=industry,
        ministries=("molit", "mcee") if use == 1 else ("mafra",),
        share_at_risk=0.976,
        magnitude=0.8,
        probability=0.83,
        impact_day=30.0 if use == 1 else None,
        time_to_survive_days=21.0 if use == 1 else None,
        time_to_recover_days=90.0,
        path=(
            Hop("country:CN", "origin:CN:urea", "", "", 0.8, "assumed", citation="an assumption"),
            hop("origin:CN:urea", "item:urea", 0.976),
            hop("item:urea", f"use:urea:{use}"),
            hop(f"use:urea:{use}", f"industry:{industry}"),
        ),
        critical=True,
    )
    return replace(exposure, **changes)  # type: ignore[arg-type]


def urea_event(**changes: object) -> Event:
    evidence = (
        Evidence(
            "art-1",
            "paper-a",
            NOW - timedelta(minutes=20),
            title="중국, 요소 수출 전 검사 의무화 공고",
            outlet="시험일보",
            url="https://example.org/urea?a=1&b=2",
            observed_at=datetime(2021, 10, 11, 1, 0, tzinfo=UTC),
            lang="ko",
        ),
        Evidence("art-2", "paper-b", NOW, title="Urea export checks", outlet="Example Wire"),
    )
    event = Event(
        id="evt-1",
        type="export_restriction",
        also=(),
        status=EventStatus.CORROBORATED,
        phase=Phase.ACTUAL,
        probability=0.83,
        severity=1.9,
        countries=("CN",),
        items=("urea",),
        ports=(),
        chokepoints=(),
        firms=(),
        title="중국, 요소 수출 전 검사 의무화 공고",
        first_seen=NOW - timedelta(minutes=20),
        updated_at=NOW,
        evidence=evidence,
        detector="stories",
        model="ews-e5.v2",
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def urea_alert(stage: Stage = Stage.CAUTION, **changes: object) -> Alert:
    alert = Alert(
        id="alr-0123456789abcdef",
        fingerprint="fp-1",
        event_id="evt-1",
        stage=stage,
        max_stage=stage,
        state=AlertState.FIRING,
        raised_at=NOW,
        updated_at=NOW,
        revision=1,
        ruleset=3,
        rule="dependent-item",
        reasons=("share=0.976 (raise 0.5, clear 0.3)", "probability=0.83 (raise 0.6, clear 0.4)"),
        type="export_restriction",
        countries=("CN",),
        items=("urea",),
        chokepoints=(),
        ports=(),
        ministries=("molit", "mcee", "mafra"),
        title="중국, 요소 수출 전 검사 의무화 공고",
    )
    return replace(alert, **changes)  # type: ignore[arg-type]


def change(
    kind: ChangeKind = ChangeKind.RAISED,
    alert: Alert | None = None,
    before: Stage | None = None,
    reason: str = "rule dependent-item holds",
) -> AlertChange:
    alert = alert or urea_alert()
    return AlertChange(alert, kind, alert.updated_at, before, reason)


def view_of(
    step: AlertChange | None = None,
    event: Event | None = None,
    exposures: tuple[Exposure, ...] | None = None,
    **more: object,
) -> AlertView:
    step = step or change()
    if exposures is None:
        exposures = (urea_exposure(1), urea_exposure(2))
    view = AlertView(
        step.alert,
        event or urea_event(),
        exposures,
        step,
        told=("slack-molit", "console"),
        names=TableNames(),
        now=NOW,
        because="의존 부처: mcee ← urea",
    )
    return replace(view, **more)  # type: ignore[arg-type]


def notification(
    number: int = 1, revision: int = 1, channel: str = "slack", address: str = "C1"
) -> Notification:
    alert = f"alr-{number:04d}"
    return Notification(
        Notification.make_id(alert, revision, channel),
        alert,
        revision,
        ChangeKind.RAISED,
        channel,
        channel,
        address,
        "ko",
        RouteReason.FIRST,
        NOW,
    )
