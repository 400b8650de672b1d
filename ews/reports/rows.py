"""Nouns to rows: one function per noun that a face shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from alerts.sections import readable_measure, readable_reason
from alerts.view import AlertView
from ews.model import (
    Alert,
    AlertChange,
    Article,
    Delivery,
    Event,
    Evidence,
    Exposure,
    Hop,
    Notification,
    RuleSet,
    Stage,
    TaggedArticle,
    flatten,
)
from ews.reports.explain_views import RevisionLine, StandingLine
from ews.reports.names import Names, label, labels, node_label
from ews.reports.sentences import stating
from ews.reports.views import (
    AlertLine,
    BasisCount,
    ChangeLine,
    DeliveryLine,
    EventLine,
    EvidenceLine,
    ExposureLine,
    HopLine,
    Label,
    RuleChange,
    RuleSetLine,
    TagLine,
    safe_url,
)


def alert_line(alert: Alert, event: Event | None) -> AlertLine:
    """An alert as a row; its event says how many independent sources speak for it."""
    return AlertLine(
        id=alert.id,
        stage=int(alert.stage),
        stage_en=alert.stage.en,
        stage_ko=alert.stage.ko,
        max_stage=int(alert.max_stage),
        state=alert.state.value,
        type=label("type", alert.type),
        title=alert.title,
        countries=labels("country", alert.countries),
        items=labels("item", alert.items),
        chokepoints=labels("chokepoint", alert.chokepoints),
        ports=labels("port", alert.ports),
        ministries=labels("ministry", alert.ministries),
        raised_at=alert.raised_at,
        updated_at=alert.updated_at,
        resolved_at=alert.resolved_at,
        independent_sources=0 if event is None else event.independent_sources,
        signed_off_by=alert.signed_off_by,
        event_id=alert.event_id,
        rule=alert.rule,
        ruleset=alert.ruleset,
        unsigned=alert.stage >= Stage.ALERT and not alert.signed_off_by,
        chance=alert.chance,
    )


def hop_line(hop: Hop) -> HopLine:
    return HopLine(
        source=node_label(hop.source),
        target=node_label(hop.target),
        en=hop.label_en,
        ko=hop.label_ko,
        weight=hop.weight,
        basis=hop.basis,
        period=hop.period,
        citation=hop.citation,
    )


def exposure_line(exposure: Exposure) -> ExposureLine:
    return ExposureLine(
        id=exposure.id,
        event_id=exposure.event_id,
        item=label("item", exposure.item),
        origin=None if exposure.origin is None else label("country", exposure.origin),
        use=label("use", exposure.use_id) if exposure.use_id else None,
        industry=label("industry", exposure.industry) if exposure.industry else None,
        ministries=labels("ministry", exposure.ministries),
        firm=exposure.firm,
        share_at_risk=exposure.share_at_risk,
        magnitude=exposure.magnitude,
        loss=exposure.loss,
        probability=exposure.probability,
        impact_day=exposure.impact_day,
        time_to_survive_days=exposure.time_to_survive_days,
        time_to_recover_days=exposure.time_to_recover_days,
        synthetic=exposure.synthetic,
        critical=exposure.critical,
        path=tuple(hop_line(hop) for hop in exposure.path),
        via=_on_path(exposure, ("chokepoint", "port")),
        origins=_origins(exposure),
    )


def _on_path(exposure: Exposure, kinds: Collection[str]) -> tuple[Label, ...]:
    """The places of these kinds that the path touches, in its order, each once."""
    nodes = [node.partition(":") for hop in exposure.path for node in (hop.source, hop.target)]
    found = [label(kind, code) for kind, _, code in nodes if kind in kinds]
    return tuple(dict.fromkeys(found))


def _origins(exposure: Exposure) -> tuple[Label, ...]:
    """The suppliers on the path; the exposure's own first."""
    nodes = [hop.source.split(":") for hop in exposure.path]
    codes = [exposure.origin] if exposure.origin else []
    codes += [parts[1] for parts in nodes if parts[0] == "origin" and len(parts) > 1]
    return labels("country", dict.fromkeys(codes))


def hops_of(exposures: Iterable[ExposureLine], limit: int = 40) -> tuple[HopLine, ...]:
    """The steps of the first `limit` paths, each once: what every face lists as the grounds."""
    found: dict[tuple[str, str, str], HopLine] = {}
    for line in list(exposures)[:limit]:
        for hop in line.path:
            found.setdefault((hop.source.code, hop.target.code, hop.period), hop)
    return tuple(found.values())


def event_line(
    event: Event,
    articles: Mapping[str, Article] | None = None,
    tagged: Mapping[str, TaggedArticle] | None = None,
) -> EventLine:
    """An event with its evidence; articles and tags fill in what the evidence itself lacks."""
    articles, tagged = articles or {}, tagged or {}
    about = (*event.items, *event.countries, *event.ports, *event.chokepoints)
    return EventLine(
        id=event.id,
        type=label("type", event.type),
        also=labels("type", event.also),
        status=event.status.value,
        phase=event.phase.value,
        probability=event.probability,
        severity=event.severity,
        title=event.title,
        countries=labels("country", event.countries),
        items=labels("item", event.items),
        ports=labels("port", event.ports),
        chokepoints=labels("chokepoint", event.chokepoints),
        first_seen=event.first_seen,
        updated_at=event.updated_at,
        onset=event.onset,
        detector=event.detector,
        model=event.model,
        authority=event.authority,
        revision=event.revision,
        independent_sources=event.independent_sources,
        facts=dict(event.facts),
        evidence=tuple(
            evidence_line(one, articles.get(one.signal_id), tagged.get(one.signal_id), about)
            for one in event.evidence
        ),
    )


def evidence_line(
    evidence: Evidence,
    article: Article | None,
    tagged: TaggedArticle | None,
    about: Collection[str] = (),
) -> EvidenceLine:
    """A signal behind an event; of an article also the sentence that states what it is `about`."""
    sentence, mentions = stating(article, tagged, about) if article else ("", ())
    tags = sorted(tagged.tags, key=lambda tag: -tag.probability) if tagged else []
    return EvidenceLine(
        signal_id=evidence.signal_id,
        title=evidence.title or (article.title if article else ""),
        outlet=evidence.outlet or (article.outlet if article else ""),
        url=safe_url(evidence.url or (article.url if article else "")),
        lang=evidence.lang or (article.lang if article else ""),
        independence=evidence.independence,
        observed_at=evidence.observed_at,
        available_at=evidence.available_at,
        model=tagged.model if tagged else "",
        degraded=tagged.degraded if tagged else False,
        phase=tagged.phase.value if tagged and tagged.phase else "",
        p_event=tagged.p_event if tagged else None,
        tags=tuple(TagLine(label("type", tag.type), tag.probability) for tag in tags),
        sentence=sentence,
        named=tuple(dict.fromkeys(label(m.kind.value, m.code) for m in mentions)),
    )


def change_line(change: AlertChange, event: Event | None, named: bool = False) -> ChangeLine:
    """A change as a row; `said` is its reason as a message words it; who brought it if `named`."""
    reason, alert = change.reason, change.alert
    return ChangeLine(
        at=change.at,
        kind=change.kind.value,
        revision=change.alert.revision,
        before=None if change.before is None else int(change.before),
        after=int(change.alert.stage),
        after_en=change.alert.stage.en,
        after_ko=change.alert.stage.ko,
        reason=change.reason,
        ruleset=change.alert.ruleset,
        said=Label(reason, *(_reason(change, event, lang) for lang in ("en", "ko"))),
        rule=alert.rule,
        facts=tuple(map(measure_label, alert.reasons)),
        by=change.by if named else "",
        proposed=None if alert.proposed is None else int(alert.proposed),
        signed_off_by=alert.signed_off_by,
        timed_out=alert.timed_out,
        refused=None if alert.refused is None else int(alert.refused),
        event_revision=alert.event_revision,
    )


def revision_line(event: Event) -> RevisionLine:
    return RevisionLine(
        event.revision, event.updated_at, event.status.value, event.phase.value,
        event.probability, event.severity, len(event.evidence), event.independent_sources,
    )  # fmt: skip


def standing_line(alert: Alert) -> StandingLine:
    return StandingLine(
        proposed=None if alert.proposed is None else int(alert.proposed),
        proposed_at=alert.proposed_at,
        sign_by=alert.sign_by,
        timed_out=alert.timed_out,
        refused=None if alert.refused is None else int(alert.refused),
        refused_by=alert.refused_by,
        holder=alert.holder,
        acknowledged_at=alert.acknowledged_at,
        ending=None if alert.ending is None else alert.ending.value,
        blind_since=alert.blind_since,
        unlisted=labels("item", alert.unlisted),
    )


def _reason(change: AlertChange, event: Event | None, lang: str) -> str:
    if event is None:
        return change.reason
    view = AlertView(change.alert, event, (), change, (), Names(), change.at)
    return readable_reason(view, change.reason, lang)


def measure_label(reason: str) -> Label:
    """One measure of a rule, such as `share=0.98 (raise 0.5, clear 0.3)`, in words."""
    return Label(reason, readable_measure(reason, "en"), readable_measure(reason, "ko"))


def delivery_line(notification: Notification, delivery: Delivery | None) -> DeliveryLine:
    """A notification and what became of it; the address stays out (it may be a private channel)."""
    return DeliveryLine(
        notification_id=notification.id,
        alert_revision=notification.alert_revision,
        receiver=notification.receiver,
        channel=notification.channel,
        reason=notification.reason.value,
        why=notification.why,
        at=notification.at,
        state=delivery.state.value if delivery else "new",
        attempts=delivery.attempts if delivery else 0,
        sent_at=delivery.sent_at if delivery else None,
        error=delivery.error if delivery else None,
    )


def ruleset_line(ruleset: RuleSet, before: RuleSet | None) -> RuleSetLine:
    return RuleSetLine(
        version=ruleset.version,
        by=ruleset.by,
        reason=ruleset.reason,
        created_at=ruleset.created_at,
        digest=ruleset.digest,
        changed=() if before is None else rule_changes(before.rules, ruleset.rules),
    )


def rule_changes(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[RuleChange, ...]:
    """Every dotted key whose value differs, in order.

    >>> rule_changes({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}})[0]
    RuleChange(key='a.b', before='1', after='2')
    """
    old, new = flatten(before), flatten(after)
    return tuple(
        RuleChange(key, _shown(old, key), _shown(new, key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _shown(flat: Mapping[str, object], key: str) -> str:
    return str(flat[key]) if key in flat else ""


def count_bases(bases: Iterable[str]) -> tuple[BasisCount, ...]:
    """How many rows are stated, computed, inferred, assumed, unknown or synthetic."""
    found: dict[str, int] = {}
    for basis in bases:
        found[basis or "unknown"] = found.get(basis or "unknown", 0) + 1
    return tuple(BasisCount(basis, found[basis]) for basis in sorted(found))
