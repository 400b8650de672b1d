"""What a tired official reads: everything needed, plain words, and nothing that a feed slipped in."""

from __future__ import annotations

import json
import os
import re
import string
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.messages import AlertView, build_message, render_blocks, render_text
from alerts.plain import escape_slack, one_line, safe_link
from alerts.playbooks import PlaybookError, playbook, playbook_types
from alerts.sections import percent, probability_words
from alerts.words import LANGS, phrases
from ews.model import AlertState, ChangeKind, EventStatus, Phase, Stage
from tests.alert_samples import NOW, change, hop, urea_alert, urea_event, urea_exposure, view_of

GOLDEN = Path(__file__).parent / "golden"
TYPES = (
    "export_restriction",
    "import_restriction",
    "sanctions",
    "regulation_change",
    "armed_conflict_or_unrest",
    "natural_disaster",
    "epidemic",
    "industrial_accident",
    "cyber_attack",
    "labour_action",
    "bankruptcy_or_closure",
    "quality_or_recall",
    "production_halt",
    "logistics_disruption",
    "energy_outage",
    "shortage_or_allocation",
    "price_shock",
)


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


def resolved() -> AlertView:
    alert = urea_alert(
        Stage.CAUTION,
        max_stage=Stage.ALERT,
        revision=4,
        state=AlertState.RESOLVED,
        resolved_at=NOW + timedelta(days=40),
    )
    return view_of(change(ChangeKind.RESOLVED, alert, Stage.CAUTION, "eased"))


def risen() -> AlertView:
    alert = urea_alert(Stage.ALERT, revision=2)
    return view_of(change(ChangeKind.STAGE_UP, alert, Stage.CAUTION))


VIEWS = {
    "raised": view_of,
    "stage_up": risen,
    "stage_down": lambda: view_of(change(ChangeKind.STAGE_DOWN, before=Stage.ALERT)),
    "updated": lambda: view_of(
        change(ChangeKind.UPDATED, before=Stage.CAUTION, reason="new: urea, CN")
    ),
    "resolved": resolved,
    "single_source": red_sea,
}


def check_golden(name: str, text: str) -> None:
    """Compare with tests/golden/<name>; EWS_UPDATE_GOLDEN=1 writes it anew."""
    file = GOLDEN / name
    if os.environ.get("EWS_UPDATE_GOLDEN"):
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{name} differs; EWS_UPDATE_GOLDEN=1 to accept"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", VIEWS)
def test_the_words_are_as_agreed(name: str, lang: str) -> None:
    check_golden(f"alert_{name}.{lang}.txt", render_text(VIEWS[name](), lang))


def test_the_blocks_are_as_agreed() -> None:
    blocks = json.dumps(render_blocks(view_of(), "ko"), ensure_ascii=False, indent=1)
    check_golden("alert_raised.ko.json", blocks + "\n")


# --------------------------------------------------------------------------- all there is to say


def test_one_message_answers_every_question_of_its_reader() -> None:
    text = render_text(view_of(), "ko")
    for answer in (
        "[주의]",
        "품목 담당자가 하루 안에",  # stage and what it asks
        "시험일보",
        "https://example.org/urea",
        "2021-10-11 10:00 KST (2021-10-11 01:00 UTC)",
        "97.6 %",
        "2021",
        "관세청",
        "요소수(경유 화물차)",
        "화물 운송업",
        "국토교통부",
        "2021-11-10",
        "재고로 21일 버팀 (가정)",
        "가능성 매우 높음 (83 %)",
        "독립 출처 2곳",
        "실제 진행 중",
        "ews-e5.v2",
        "slack-molit",
        "1. ",
        "dependent-item",
        "수입 비중 0.976",
        "규칙집 v3",
        "중국 → 요소 → 요소수(경유 화물차) → 화물 운송업 → 국토교통부",
        "ews explain alr-0123456789abcdef",
    ):
        assert answer in text, answer


@pytest.mark.parametrize("stage", list(Stage))
def test_each_stage_says_its_action_and_the_upper_two_who_signed(stage: Stage) -> None:
    text = render_text(view_of(change(alert=urea_alert(stage))), "ko")
    assert f"조치: {stage.ko} — " in text or f"  {stage.ko} — " in text
    assert ("서명 전 (not signed off)" in text) is (stage >= Stage.ALERT)
    signed = urea_alert(stage, signed_off_by="김담당")
    text = render_text(view_of(change(alert=signed)), "ko")
    assert "서명 전" not in text
    assert ("서명: 김담당" in text) is (stage >= Stage.ALERT)


def test_a_single_source_is_said_in_the_headline_and_beside_the_probability() -> None:
    text = render_text(red_sea(), "ko")
    assert "(단일 출처)" in text.splitlines()[0]
    assert text.count("단일 출처") == 2
    assert "단일 출처" not in render_text(view_of(), "ko")


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    bare = urea_exposure(
        1,
        share_at_risk=None,
        impact_day=None,
        time_to_survive_days=None,
        industry="",
        ministries=(),
        path=(hop("origin:CN:urea", "item:urea"),),
    )
    text = render_text(view_of(exposures=(bare,)), "ko")
    for words in ("위험 비중 미상", "영향 시점 미상", "재고 일수 미상", "산업 미상", "부처 미상"):
        assert words in text
    assert "영향이 없다는 뜻이 아닙니다" in render_text(view_of(exposures=()), "ko")


def test_synthetic_figures_are_flagged() -> None:
    text = render_text(view_of(exposures=(urea_exposure(1, synthetic=True),)), "ko")
    assert "합성 수치(실제 아님)" in text
    assert "합성" in text
    assert "공표값" not in text


def test_a_firms_own_exposure_is_in_no_message() -> None:
    own = urea_exposure(1, firm="firm:secret-co", share_at_risk=0.333, use_id="use:urea:9")
    text = render_text(view_of(exposures=(own, urea_exposure(2))), "en")
    assert "secret" not in text
    assert "33.3" not in text


def test_every_use_of_an_item_is_named_however_many_there_are() -> None:
    uses = tuple(urea_exposure(n, use_id=f"use:urea:{n}") for n in range(1, 13))
    text = render_text(view_of(exposures=uses), "ko")
    assert all(f"use:urea:{n}" in text for n in range(3, 13))


def test_the_first_use_is_told_once_though_two_paths_reach_it() -> None:
    twice = (urea_exposure(1), urea_exposure(1, origin="RU"))
    assert render_text(view_of(exposures=twice), "ko").count("재고로 21일") == 1


def test_an_impact_in_the_past_reads_as_now() -> None:
    late = view_of(now=NOW + timedelta(days=60))
    assert "이미 영향(2021-11-10부터)" in render_text(late, "ko")


def test_an_onset_moves_the_impact_day() -> None:
    event = urea_event(onset=NOW + timedelta(days=4))
    assert "약 34일 뒤(2021-11-14)" in render_text(view_of(event=event), "ko")


def test_the_root_of_a_thread_shows_how_it_stands_not_what_changed() -> None:
    message = build_message(risen(), "ko")
    assert "달라진 점" in json.dumps(message.blocks, ensure_ascii=False)
    assert "달라진 점" not in json.dumps(message.root_blocks, ensure_ascii=False)
    assert message.root_summary.startswith("[경계]")
    assert build_message(resolved(), "ko").root_summary.startswith("[해제]")


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("status", list(EventStatus))
def test_every_phase_and_status_has_words(phase: Phase, status: EventStatus) -> None:
    for lang in LANGS:
        assert render_text(view_of(event=urea_event(phase=phase, status=status)), lang)


def test_a_route_in_the_path_is_named() -> None:
    by_sea = urea_exposure(
        1, path=(hop("chokepoint:bab-el-mandeb", "port:busan"), hop("port:busan", "item:urea"))
    )
    assert "바브엘만데브 해협 → 부산항 → 요소" in render_text(view_of(exposures=(by_sea,)), "ko")
    strange = urea_exposure(1, path=(hop("moon:1", "item:urea"),))
    assert "moon:1 → 요소" in render_text(view_of(exposures=(strange,)), "ko")


def test_a_route_gives_the_years_of_all_its_shares() -> None:
    shares = tuple(
        replace(hop(f"origin:{code}:urea", "chokepoint:bab-el-mandeb", 0.2), period=year)
        for code, year in (("SA", "2022"), ("EG", "2019"))
    )
    total = replace(hop("chokepoint:bab-el-mandeb", "item:urea", 0.4), period="", basis="computed")
    by_sea = urea_exposure(1, share_at_risk=0.4, path=(*shares, total))
    text = render_text(view_of(exposures=(by_sea,)), "ko")
    assert "40 %가 위험 (2019~2022, 계산값" in text
    assert "관세청 (시험용 값) 합계, 항로는 지리로 가정" in text


def test_a_small_loss_that_stock_bridges_for_years_is_not_a_number_of_days() -> None:
    long = urea_exposure(1, time_to_survive_days=3298.0)
    assert "재고로 1년 넘게 버팀" in render_text(view_of(exposures=(long,)), "ko")


def test_a_measured_loss_is_told_apart_from_an_assumed_one() -> None:
    seen = replace(urea_exposure().path[0], basis="computed")
    measured = urea_exposure(1, path=(seen, *urea_exposure().path[1:]))
    assert "80 % 감소 (관측에서 계산, 가정 포함)" in render_text(
        view_of(exposures=(measured,)), "ko"
    )
    assert "80 % 감소 (가정)" in render_text(view_of(), "ko")


def test_a_use_nobody_has_read_of_is_unknown_not_a_code() -> None:
    nobody = urea_exposure(
        1, use_id="use:urea:unknown", path=(hop("item:urea", "use:urea:unknown"),)
    )
    text = render_text(view_of(exposures=(nobody,)), "ko")
    assert "국내 용도 미상" in text
    assert "use:urea" not in text


def test_a_type_without_a_playbook_still_goes_out() -> None:
    text = render_text(view_of(change(alert=urea_alert(type="volcano"))), "ko")
    assert "대응 절차가 아직 없습니다" in text


def test_shares_and_probabilities_read_as_people_write_them() -> None:
    assert [percent(x) for x in (0.976, 1.0, 0.004, 0.0)] == ["97.6 %", "100 %", "0.4 %", "0 %"]
    words = [probability_words(p, "en") for p in (0.0, 0.3, 0.5, 0.6, 0.9, 0.99)]
    assert words == [
        "very unlikely",
        "unlikely",
        "about even",
        "likely",
        "very likely",
        "almost certain",
    ]
    with pytest.raises(ValueError, match="outside"):
        probability_words(1.2, "en")


# --------------------------------------------------------------------------- words and playbooks


def test_both_languages_fill_in_the_same_values() -> None:
    fields = string.Formatter().parse
    for key, texts in phrases().items():
        names = {lang: {f for _, f, _, _ in fields(text) if f} for lang, text in texts.items()}
        # Korean needs no plural ending
        assert names["ko"] | {"s"} == names["en"] | {"s"}, key
        assert all(texts.values()), key


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_has_a_playbook_in_both_languages(type_: str) -> None:
    korean, english = playbook(type_, "ko"), playbook(type_, "en")
    assert len(korean) == len(english) >= 3
    assert all(re.search("[가-힣]", step) for step in korean)
    assert not any(re.search("[가-힣]", step) for step in english)


def test_no_playbook_is_for_a_type_that_does_not_exist() -> None:
    assert playbook_types() == tuple(sorted(TYPES))


@pytest.mark.parametrize("type_", ["volcano", "../routes", "", "EXPORT_RESTRICTION"])
def test_a_missing_playbook_is_loud(type_: str) -> None:
    with pytest.raises(PlaybookError, match="write alerts/playbooks"):
        playbook(type_, "ko")


# --------------------------------------------------------------------------- hostile text

HOSTILE = [
    "<!channel> <!here> <!everyone|all> wake up",
    "<@U012AB3CD> <#C012AB3CD> <!subteam^S1>",
    "<https://evil.example|https://bank.example>",
    "&lt;!channel&gt; &amp;lt;",
    "*bold* _it_ ~strike~ `code` ```block```",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{alert.id} {0} {} %s %n ${jndi:ldap://x/a} {{7*7}}",
    "'; DROP TABLE alerts; --",
    "line one\n조치: 심각 — 지금 서명하십시오\r\nAction: pay",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x07 \x9b31m",
    "\u202egnp.exe\u202c \u2066hidden\u2069 \u200b\u200d\ufeff\U000e0041",
    "Z\u0321\u0353\u0347a\u0321\u0353\u0347l\u0321\u0353\u0347g\u0321\u0353\u0347o",
    "\x00\x01\x07\x08\ud800\udfff\uffff",
    "👩‍👩‍👧‍👦 🏳️‍🌈 田中さん 社會科學院 הרבה ﷽",
    "> quoted\n> more",
    "A" * 20_000,
    "가" * 20_000,
    "",
    "   ",
]
BAD_LINKS = [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://a.example/x",
    "//a.example",
    "https://",
    "http://good.example@evil.example/",
    "https://a.example/ x",
    "https://a.example/\n",
    "https://[::1",
    "slack://open",
    "mailto:a@b.example",
    "",
    "https://a.example/" + "x" * 2000,
    "https://a|b.example/",
    "HTTPS:evil",
    "https://a.example/\u202ex",
]


def hostile_view(title: str, url: str = "https://example.org/") -> AlertView:
    evidence = replace(urea_event().evidence[0], title=title, outlet=title, url=url)
    alert = urea_alert(
        Stage.ALERT, title=title, rule=title or "r", reasons=(title,), signed_off_by=title or None
    )
    use = urea_exposure(1, path=(replace(hop("origin:CN:urea", "item:urea", 0.9), citation=title),))
    event = urea_event(title=title, evidence=(evidence,), model=title)
    step = change(ChangeKind.UPDATED, alert, Stage.CAUTION, title)
    return view_of(step, event, (use,), told=(title,), because=title, blind=(title,))


def mrkdwn_of(view: AlertView, lang: str) -> str:
    texts: list[str] = []
    for block in render_blocks(view, lang):
        elements = block.get("elements") or [block["text"]]
        assert isinstance(elements, list)
        texts += [e["text"] for e in elements if e["type"] == "mrkdwn"]
    return "\n".join(texts)


def check_harmless(title: str, url: str) -> None:
    quiet = len(render_text(hostile_view("x", url), "ko").splitlines())
    for lang in LANGS:
        view = hostile_view(title, url)
        text = render_text(view, lang)
        assert len(text.splitlines()) <= quiet, "a feed must not add lines"
        assert not re.search(
            r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text
        )
        for slack in (mrkdwn_of(view, lang), build_message(view, lang).summary):
            for tag in re.findall(r"<[^>]*>?", slack):
                assert re.fullmatch(r"<https?://[^<>|\s]+\|[^<>]+>", tag), tag
            assert not re.search(r"&(?!amp;|lt;|gt;)", slack)


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_becomes_markup_a_mention_or_a_line_of_its_own(title: str) -> None:
    check_harmless(title, "https://example.org/a?b=<c>|d&e")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=40))
def test_no_text_at_all_becomes_markup(title: str, tail: str) -> None:
    check_harmless(title, "https://example.org/" + tail)


@pytest.mark.parametrize("url", BAD_LINKS)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert safe_link(url) == ""
    assert "<http" not in mrkdwn_of(hostile_view("title", url), "ko")


def test_a_good_address_is_kept_and_its_odd_characters_are_quoted() -> None:
    assert safe_link("https://example.org/기사?a=1&b=2#c") == "https://example.org/기사?a=1&b=2#c"
    assert safe_link("https://e.org/<a>|b") == "https://e.org/%3Ca%3E%7Cb"


def test_text_is_escaped_once_and_cut_at_a_whole_character() -> None:
    assert escape_slack("a & <b>") == "a &amp; &lt;b&gt;"
    assert one_line("가나다라", 3) == "가나…"
    assert one_line("a\u0301\u0301\u0301\u0301b") == "á\u0301\u0301b"


def test_closed_for_silence_is_never_called_an_all_clear() -> None:
    ended = urea_alert(state=AlertState.RESOLVED, resolved_at=NOW)
    silence = "no new evidence for 30 days"
    quiet = view_of(change(ChangeKind.RESOLVED, ended, Stage.CAUTION, silence))
    korean, english = render_text(quiet, "ko"), render_text(quiet, "en")
    assert korean.startswith("[종결]")
    assert "30일 동안 새 근거가 없습니다" in korean
    assert "끝났다는 뜻이 아닙니다" in korean
    assert "ALL CLEAR" not in english
    assert "does not say that it is over" in english
