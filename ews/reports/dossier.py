"""A dossier of one alert: what an official hands on. Impact, cause, duration, sectors, measures
taken and help wanted, with the proof; from any alert at any stage, now or as of a past moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from alerts.public import public_alert
from alerts.view import AlertView
from ews.reports.auditing import head_text
from ews.reports.dossier_parts import parts
from ews.reports.explain import Explanation, explain
from ews.reports.given import KST
from ews.reports.history import Then
from ews.reports.names import Names
from ews.reports.outlook import outlook_report
from ews.reports.outlook_views import OutlookReport
from ews.reports.paper import Document, as_markdown
from ews.reports.receivers import sees_work
from ews.reports.viewer import OPEN, NotFound, Viewer, visible
from ews.reports.views import Label
from ews.storage import Store

FORMATS = ("md", "pdf")
MACHINE = "operator of the machine"


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a dossier says, before it is put into words."""

    explanation: Explanation
    outlook: OutlookReport | None
    no_outlook: Label | None  # why there is none
    made_at: datetime
    audit_head: str  # SEQ:HASH of the audit when it was made, for those who work here; "" others
    view: AlertView | None = None  # what the picture of the path is drawn from; of no firm


def dossier(
    store: Store,
    alert_id: str,
    *,
    now: datetime,
    viewer: Viewer = OPEN,
    as_of: datetime | None = None,
) -> Dossier:
    """Everything a dossier needs, with no firm's rows but the viewer's own.

    A dossier is made to be handed on, so the operator's has no firm's rows either. NotFound when
    the alert is not there, or was not raised yet.
    """
    reader = viewer
    if viewer.role == "operator":
        reader = Viewer("official", person=viewer.person or MACHINE)
    found = explain(store, alert_id, viewer=reader, as_of=as_of)
    outlook, why_not = _outlook(store, found, reader, now, as_of)
    # The audit covers firms' rows too: its hash would tell others that there are some.
    head = head_text(store.audit_head()) if sees_work(reader) else ""
    return Dossier(found, outlook, why_not, now, head, _view(store, found.alert.id, as_of, now))


def _outlook(
    store: Store, found: Explanation, viewer: Viewer, now: datetime, as_of: datetime | None
) -> tuple[OutlookReport | None, Label | None]:
    """The outlook of the alert's event; of a past moment only while the event is still the same:
    shocks of past revisions are not kept."""
    event = store.event(found.alert.event_id)
    if event is None:
        return None, Label("gone", "the event is not on record", "사건이 남아 있지 않음")
    if as_of is not None and (found.event is None or found.event.revision != event.revision):
        return None, Label(
            "revised",
            "the event was revised since; the blow assumed then is not kept",
            "그 뒤 사건의 판이 바뀌었고, 그때 가정한 충격은 남아 있지 않음",
        )
    try:
        return outlook_report(store, event.id, now=now, as_of=as_of, viewer=viewer), None
    except NotFound:
        return None, Label(
            "nothing-hit",
            "the event hits nothing whose share is known, so nothing can be computed",
            "비중을 아는 것 가운데 이 사건이 닿는 것이 없어 계산할 수 없음",
        )


def _view(store: Store, alert_id: str, as_of: datetime | None, now: datetime) -> AlertView | None:
    then = Then(store, alert_id, as_of)
    if then.event is None:
        return None
    exposures = tuple(visible(then.exposures, OPEN))
    return AlertView(public_alert(then.alert), then.event, exposures, None, (), Names(), now)


def document(found: Dossier, lang: str) -> Document:
    """The dossier in words."""
    ko = lang == "ko"
    one = found.explanation.alert
    stage = one.stage_ko if ko else one.stage_en
    unsigned = ("(서명 전)" if ko else "(not signed)") if one.unsigned else ""
    subject = ", ".join(label.text(lang) for label in (one.items or one.chokepoints or one.ports))
    title = " ".join(filter(None, (f"[{stage}{unsigned}]", subject, one.type.text(lang))))
    return Document(
        lang=lang,
        title=f"{'공급망 경보 문서' if ko else 'Supply-chain alert dossier'} {title}",
        subtitle=one.title,
        facts=_facts(found, lang),
        parts=tuple(parts(found, lang)),
    )


def _facts(found: Dossier, lang: str) -> tuple[tuple[str, str], ...]:
    ko = lang == "ko"
    told = found.explanation
    models = dict.fromkeys(
        e.model for event in (told.event, *told.joined) if event for e in event.evidence if e.model
    )
    event_model = told.event.model if told.event else ""
    as_of = clock(told.as_of or found.made_at)
    return (
        ("경보" if ko else "Alert", told.alert.id),
        ("기준 시각" if ko else "As of", as_of),
        ("만든 때" if ko else "Made", clock(found.made_at)),
        ("분류 모델" if ko else "Model", ", ".join(models) or event_model or "-"),
        ("규칙 버전" if ko else "Rule set", f"{told.alert.ruleset} ({_digest(told)})"),
        ("감사 기록의 머리" if ko else "Head of the audit", found.audit_head or "-"),
    )


def _digest(told: Explanation) -> str:
    return told.ruleset.digest if told.ruleset else "-"


def clock(at: datetime) -> str:
    """Korea's time with its zone."""
    return at.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")


def markdown(found: Dossier, lang: str) -> str:
    return as_markdown(document(replace(found, view=None), lang))
