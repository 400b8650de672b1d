"""A home with one urea alert told to one receiver, and one firm, made through the Store itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    Article,
    ChangeKind,
    DeliveryState,
    Event,
    EventStatus,
    Evidence,
    Exposure,
    Fetch,
    FetchOutcome,
    Hop,
    Notification,
    Phase,
    RouteReason,
    RuleSet,
    Stage,
    Tag,
    TaggedArticle,
)
from ews.storage import Store
from graph.firms import read_firms_csv

NOW = datetime(2021, 10, 12, 2, 0, tzinfo=UTC)
NASTY = '<script>alert("1")</script> urea [red]checks[/red] \x1b[31m'  # a title as a bad feed sends
ARTICLES = (
    ("art-a", "Example Wire", "https://example.org/urea", "Urea must be checked before export"),
    ("art-b", "시험일보", "javascript:alert(1)", NASTY),
)
FIRMS = "firm,item,country,share,stock_days\n표본상사,urea,CN,0.9,14\n"


def make_home(home: Path) -> tuple[str, str]:
    """Fills the home; the IDs of the alert and of its event."""
    store = Store.open(home)
    try:
        with store.begin() as tx:
            _signals(tx)
            event = _event()
            tx.save_events([event])
            exposures = _exposures(event)
            tx.save_propagation(event, [], exposures)
            _alert(tx, event, exposures)
    finally:
        store.close()
    return "alr-urea0000000001", "evt-urea0000000001"


def _signals(tx: Store) -> None:
    tx.save_fetch(
        Fetch("yonhap_economy", NOW, FetchOutcome.FAILED, status=503, error="HTTP 503; wait")
    )
    tx.save_articles(
        [
            Article(id, "wire", outlet, url, title, "", "en", NOW, NOW, independence=outlet)
            for id, outlet, url, title in ARTICLES
        ]
    )
    tags = (Tag("export_restriction", 0.91), Tag("regulation_change", 0.2))
    tagged = [TaggedArticle(id, "lexicon.v1", tags, 0.9, Phase.ACTUAL, 1.8) for id, *_ in ARTICLES]
    tx.save_tagged(tagged, NOW)
    tx.replace_firm_links(
        "표본상사", [{**link.to_row(), "owner": "표본상사"} for link in read_firms_csv(FIRMS)]
    )


def _event() -> Event:
    return Event(
        id="evt-urea0000000001",
        type="export_restriction",
        also=(),
        status=EventStatus.CORROBORATED,
        phase=Phase.ACTUAL,
        probability=0.91,
        severity=1.8,
        countries=("CN",),
        items=("urea",),
        ports=(),
        chokepoints=(),
        firms=(),
        title=NASTY,
        first_seen=NOW,
        updated_at=NOW,
        evidence=tuple(
            Evidence(id, outlet, NOW, title, outlet, url, NOW, "en")
            for id, outlet, url, title in ARTICLES
        ),
        detector="news",
        model="lexicon.v1",
        last_seen=NOW,
    )


def _exposures(event: Event) -> list[Exposure]:
    origin = "origin:CN:urea"
    path = (
        Hop(origin, "item:urea", "share of import", "수입 비중", 0.976, "stated", "2021-01..09",
            "산업통상자원부, https://example.org/share"),
        Hop("item:urea", "use:urea:1", "used for", "용도", None, "unknown"),
        Hop("use:urea:1", "industry:49301", "used by", "산업", None, "inferred"),
        Hop("industry:49301", "ministry:molit", "answers for", "소관", None, "inferred"),
    )  # fmt: skip
    exposure = Exposure(
        event_id=event.id,
        item="urea",
        origin="CN",
        use_id="use:urea:1",
        industry="49301",
        ministries=("molit",),
        share_at_risk=0.976,
        magnitude=0.5,
        probability=0.91,
        impact_day=30.0,
        time_to_survive_days=None,
        time_to_recover_days=90.0,
        path=path,
        critical=True,
    )
    firm = read_firms_csv(FIRMS)[0].firm
    own = replace(
        exposure, use_id="", industry="", ministries=(), firm=firm, share_at_risk=0.9,
        path=(Hop(origin, f"firm:{firm}", "own input", "자체 투입", 0.9, "stated"),),
    )  # fmt: skip
    return [exposure, own]


def _alert(tx: Store, event: Event, exposures: list[Exposure]) -> None:
    rules = {"rules": {"caution-item": {"stage": "주의", "when": {"severity": 1.1}}}}
    tx.save_ruleset(RuleSet(1, "ews", "as shipped", NOW - timedelta(days=9), rules))
    changed = {"rules": {"caution-item": {"stage": "주의", "when": {"severity": 1.0}}}}
    tx.save_ruleset(RuleSet(2, "kim", "quieter", NOW - timedelta(days=2), changed))
    alert = Alert(
        id="alr-urea0000000001",
        fingerprint="fp",
        event_id=event.id,
        stage=Stage.CAUTION,
        max_stage=Stage.CAUTION,
        state=AlertState.FIRING,
        raised_at=NOW,
        updated_at=NOW,
        revision=1,
        ruleset=2,
        rule="caution-item",
        reasons=("probability=0.91", "expected_loss=0.44"),
        type=event.type,
        countries=event.countries,
        items=event.items,
        chokepoints=(),
        ports=(),
        ministries=("molit",),
        title=NASTY,
        event_revision=1,
        exposure_ids=tuple(exposure.id for exposure in exposures),
    )
    change = AlertChange(alert, ChangeKind.RAISED, NOW, None, "caution-item holds")
    tx.save_changes([change])
    notification = Notification(
        id=Notification.make_id(alert.id, 1, "transport"),
        alert_id=alert.id,
        alert_revision=1,
        change=ChangeKind.RAISED,
        receiver="transport",
        channel="console",
        address="C-PRIVATE",
        lang="ko",
        reason=RouteReason.FIRST,
        at=NOW,
        why="molit depends on urea",
    )
    tx.save_notifications([change], [notification])
    claimed = tx.claim(NOW, "test", 60)
    assert claimed is not None
    sent = replace(claimed[1], state=DeliveryState.SENT, external_id="1", sent_at=NOW)
    tx.save_delivery(sent)
