"""One of each message: every kind of change and of bulletin, for the golden files and the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from alerts.messages import AlertView
from ews.model import (
    Alert,
    AlertState,
    Bulletin,
    BulletinKind,
    BulletinPart,
    ChangeKind,
    Ending,
    EventStatus,
    Evidence,
    Silence,
    Stage,
)
from tests.alert_samples import NOW, change, urea_alert, urea_event, urea_exposure, view_of

LINK = "https://ews.example.org/alerts/alr-0123456789abcdef"
SIGNERS = ("김과장", "이국장")
LATER = NOW + timedelta(minutes=60)


def told_by(
    kind: ChangeKind, alert: Alert, before: Stage | None, reason: str, by: str
) -> AlertView:
    step = replace(change(kind, alert, before, reason), by=by)
    return view_of(step, link=LINK, signers=SIGNERS)


def red_sea() -> AlertView:
    """A route that stopped, seen by one detector, with nothing known of Korea's share."""
    alert = urea_alert(
        Stage.WATCH,
        type="logistics_disruption",
        countries=(),
        items=(),
        ministries=(),
        chokepoints=("bab-el-mandeb",),
        rule="route-drop",
        reasons=("route=1 (raise 1, clear 1)",),
        title="Transits through Bab el-Mandeb fell",
    )
    event = urea_event(
        type="logistics_disruption",
        evidence=urea_event().evidence[1:],
        countries=(),
        items=(),
        chokepoints=("bab-el-mandeb",),
        title="Transits through Bab el-Mandeb fell",
        status=EventStatus.SUSPECTED,
        probability=0.5,
        model="lexicon.v1",
    )
    return view_of(change(alert=alert), event, (), told=(), because="", blind=("portwatch",))


def risen() -> AlertView:
    """As alerts of before the signatures were: 경계 at once, signed by nobody."""
    return view_of(change(ChangeKind.STAGE_UP, urea_alert(Stage.ALERT, revision=2), Stage.CAUTION))


def proposed() -> AlertView:
    alert = urea_alert(
        revision=2, rule="stock-gap", proposed=Stage.ALERT, proposed_at=NOW, sign_by=LATER
    )
    return told_by(ChangeKind.PROPOSED, alert, Stage.CAUTION, "rule stock-gap asks for alert", "")


def signed() -> AlertView:
    alert = urea_alert(
        Stage.ALERT, revision=3, signed_off_by="김과장", signed_off_at=NOW, holder="박사무관"
    )
    return told_by(
        ChangeKind.STAGE_UP, alert, Stage.CAUTION, "alert signed by 김과장: 원문 확인", "김과장"
    )


def timed_out() -> AlertView:
    alert = urea_alert(Stage.SEVERE, revision=3, timed_out=True)
    reason = "severe taken unsigned: nobody signed by 2021-10-11 02:30 UTC"
    return told_by(ChangeKind.STAGE_UP, alert, Stage.CAUTION, reason, "")


def refused() -> AlertView:
    alert = urea_alert(revision=3, refused=Stage.ALERT, refused_by="이국장", holder="박사무관")
    reason = "alert refused by 이국장: 재고 일수를 다시 확인함"
    return told_by(ChangeKind.REFUSED, alert, Stage.CAUTION, reason, "이국장")


def held(kind: ChangeKind, holder: str, by: str) -> AlertView:
    alert = urea_alert(
        revision=2, state=AlertState.ACKNOWLEDGED, holder=holder, acknowledged_at=NOW
    )
    said = f"handed over by {by} to {holder}: 휴가" if holder != by else f"acknowledged by {by}"
    return told_by(kind, alert, Stage.CAUTION, said, by)


def escalated() -> AlertView:
    alert = urea_alert(Stage.ALERT, revision=4, signed_off_by="김과장", signed_off_at=NOW)
    view = told_by(ChangeKind.ESCALATED, alert, Stage.ALERT, "nobody acknowledged in time", "")
    return replace(view, mentions=("박사무관",))


def released() -> AlertView:
    reason = "what held it back is over"
    return told_by(ChangeKind.RELEASED, urea_alert(revision=2), Stage.CAUTION, reason, "")


def reopened() -> AlertView:
    reason = "new facts after the end"
    return told_by(ChangeKind.REOPENED, urea_alert(revision=6), Stage.CAUTION, reason, "")


def blind() -> AlertView:
    alert = urea_alert(revision=3, blind_since=NOW - timedelta(hours=24))
    view = told_by(ChangeKind.BLIND, alert, Stage.CAUTION, "its sources are silent", "")
    return replace(view, blind=("mofcom", "customs-kr"))


def ended(ending: Ending | None, reason: str, by: str = "", **more: object) -> AlertView:
    kind = ChangeKind.RETRACTED if ending is Ending.RETRACTED else ChangeKind.RESOLVED
    alert = urea_alert(
        Stage.CAUTION,
        max_stage=Stage.ALERT,
        revision=4,
        state=AlertState.RESOLVED,
        resolved_at=NOW + timedelta(days=40),
        ending=ending,
        **more,
    )
    alert = replace(alert, updated_at=NOW + timedelta(days=40))
    return told_by(kind, alert, Stage.CAUTION, reason, by)


def resolved() -> AlertView:
    return ended(None, "eased")


def closed() -> AlertView:
    view = ended(Ending.EASED, "")
    reason = "closed by 박사무관; decision: 베트남산 1만 톤 발주; outcome: 재고 40일로 늘어남"
    step = replace(change(ChangeKind.CLOSED, view.alert, None, reason), by="박사무관")
    return replace(view, change=step)


def unlisted() -> AlertView:
    """An item with uses on record, and one of which nobody knows who uses it."""
    alert = urea_alert(items=("urea", "thulium"), unlisted=("thulium",))
    return view_of(change(alert=alert), link=LINK)


def joined() -> AlertView:
    """A second event on the same happening, which brought an item and an independent source."""
    wire = Evidence(
        "art-9",
        "wire-c",
        NOW,
        title="China adds DEF to urea export checks",
        outlet="Example Wire",
        url="https://example.org/def",
        lang="en",
    )
    more = urea_event(
        id="evt-2",
        items=("diesel-exhaust-fluid",),
        title=wire.title,
        evidence=(wire, replace(wire, signal_id="art-10", outlet="Copy of the Wire")),
    )
    alert = urea_alert(
        revision=2,
        items=("urea", "diesel-exhaust-fluid"),
        members={"evt-1": 2, "evt-2": 2},
    )
    step = change(
        ChangeKind.UPDATED,
        alert,
        Stage.CAUTION,
        "new: diesel-exhaust-fluid; further reports of the same happening: 1",
    )
    exposures = (
        urea_exposure(1),
        urea_exposure(2),
        urea_exposure(1, event_id="evt-2", item="diesel-exhaust-fluid", use_id="use:def:1"),
    )
    return view_of(step, exposures=exposures, joined=(more,), link=LINK)


def many_uses() -> AlertView:
    """More uses and items than can be told in detail: every one is still named."""
    exposures = tuple(
        urea_exposure(
            use,
            item=item,
            use_id=f"use:{item}:{use}",
            ministries=("molit",) if use % 3 else ("mafra", "mcee"),
        )
        for item, uses in (("urea", 7), ("ammonia", 2), ("potash", 1), ("sulphur", 3))
        for use in range(1, uses + 1)
    )
    items = ("urea", "ammonia", "potash", "sulphur")
    return view_of(change(alert=urea_alert(items=items)), exposures=exposures, link=LINK)


def planned() -> AlertView:
    plan = Silence(
        "sil-1",
        "최운영",
        "정기 보수",
        NOW - timedelta(days=1),
        NOW + timedelta(days=6),
        {"country": "CN"},
        planned=True,
        title="중국 요소 공장 정기 보수",
    )
    return view_of(planned=(plan,), link=LINK)


VIEWS: dict[str, Callable[[], AlertView]] = {
    "raised": view_of,
    "stage_up": risen,
    "stage_down": lambda: view_of(change(ChangeKind.STAGE_DOWN, before=Stage.ALERT)),
    "updated": lambda: view_of(
        change(ChangeKind.UPDATED, before=Stage.CAUTION, reason="new: urea, CN")
    ),
    "resolved": resolved,
    "single_source": red_sea,
    "proposed": proposed,
    "signed": signed,
    "timed_out": timed_out,
    "refused": refused,
    "acknowledged": lambda: held(ChangeKind.ACKNOWLEDGED, "박사무관", "박사무관"),
    "handed_over": lambda: held(ChangeKind.HANDED_OVER, "최주무관", "박사무관"),
    "noted": lambda: told_by(
        ChangeKind.NOTED,
        urea_alert(revision=2),
        Stage.CAUTION,
        "further reports of the same happening: 2",
        "",
    ),
    "escalated": escalated,
    "released": released,
    "reopened": reopened,
    "blind": blind,
    "seeing": lambda: told_by(
        ChangeKind.SEEING, urea_alert(revision=4), Stage.CAUTION, "its sources answer again", ""
    ),
    "cleared": lambda: ended(
        Ending.CLEARED, "cleared by 박사무관: 베트남산 입항, 재고 60일", "박사무관"
    ),
    "quiet": lambda: ended(Ending.QUIET, "no new evidence for 30 days"),
    "retracted": lambda: ended(
        Ending.RETRACTED, "false alarm: old_news by 이국장: 작년 공고", "이국장"
    ),
    "closed": closed,
    "unlisted": unlisted,
    "joined": joined,
    "many_uses": many_uses,
    "planned": planned,
}

# What the parts of each bulletin say, by language.
SAID = {
    BulletinKind.DIGEST: (
        ("11월 26일 08:30", "26 November 08:30"),
        ("보내지 않은 알림", "Not sent"),
        ("[주의] 중국 · 요소 · 수출 제한 — 하루 한도", "[CAUTION] China · Urea — over the budget"),
    ),
    BulletinKind.BLIND: (
        ("요소", "Urea"),
        ("멈춘 출처", "Silent sources"),
        ("mofcom: 2021-10-10 11:30 KST부터", "mofcom: since 2021-10-10 11:30 KST"),
    ),
    BulletinKind.SEEING: (
        ("요소", "Urea"),
        ("돌아온 출처", "Back again"),
        ("mofcom: 25시간 동안 멈춤", "mofcom: was down for 25 hours"),
    ),
    BulletinKind.HEARTBEAT: (("알릴 것 없음", "nothing to report"), ("", ""), ("", "")),
    BulletinKind.PLANNED: (
        ("중국 요소 공장 정기 보수", "Urea plants in China: maintenance"),
        ("언제", "When"),
        ("2021-10-10 ~ 2021-10-17", "2021-10-10 to 2021-10-17"),
    ),
    BulletinKind.OPERATOR: (
        ("Slack C1이 멈춤", "Slack C1 is dead"),
        ("할 일", "What to do"),
        ("봇을 채널에 초대하십시오 (not_in_channel)", "invite the bot (not_in_channel)"),
    ),
}


def bulletin(kind: BulletinKind, lang: str) -> Bulletin:
    place = 0 if lang == "ko" else 1
    title, label, line = (texts[place] for texts in SAID[kind])
    parts = (BulletinPart(label, (line,), (LINK,)),) if line else ()
    return Bulletin(f"bul-{kind.value}", kind, "console", lang, NOW, title, parts)
