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

from alerts.bulletins import alert_line, bulletin_message
from alerts.messages import (
    LAYOUTS,
    AlertView,
    build_message,
    render_blocks,
    render_text,
)
from alerts.plain import escape_slack, one_line
from alerts.playbooks import PlaybookError, playbook, playbook_types, stage_playbook
from alerts.reasons import readable_reason
from alerts.sections import percent, probability_words
from alerts.words import LANGS, phrases, reason_patterns
from ews.model import (
    FALSE_ALARMS,
    AlertState,
    BulletinKind,
    ChangeKind,
    Ending,
    EventStatus,
    Exposure,
    Phase,
    Stage,
    Witness,
)
from ews.reports import Names
from graph import USES
from tests.alert_samples import (
    NOW,
    TableNames,
    change,
    hop,
    urea_alert,
    urea_event,
    urea_exposure,
    view_of,
)
from tests.message_samples import (
    LINK,
    VIEWS,
    bulletin,
    ended,
    escalated,
    joined,
    many_uses,
    proposed,
    red_sea,
    refused,
    resolved,
    risen,
    signed,
    timed_out,
)

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


def in_words(view: AlertView, lang: str) -> AlertView:
    """The view as a reader of that language gets it: the route's reason is in it too."""
    if lang == "en" and view.because:
        return replace(view, because="depends on it: mcee ← urea")
    return view


def check_golden(name: str, text: str) -> None:
    """Compare with tests/golden/<name>; EWS_UPDATE_GOLDEN=1 writes it anew."""
    file = GOLDEN / name
    if os.environ.get("EWS_UPDATE_GOLDEN"):
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{name} differs; EWS_UPDATE_GOLDEN=1 to accept"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", VIEWS)
def test_the_words_are_as_agreed(name: str, lang: str) -> None:
    check_golden(f"alert_{name}.{lang}.txt", render_text(in_words(VIEWS[name](), lang), lang))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", BulletinKind)
def test_the_words_of_bulletins_are_as_agreed(kind: BulletinKind, lang: str) -> None:
    text = bulletin_message(bulletin(kind, lang)).text
    check_golden(f"bulletin_{kind.value}.{lang}.txt", text)


@pytest.mark.parametrize(("name", "lang"), [("raised", "ko"), ("proposed", "en")])
def test_the_blocks_are_as_agreed(name: str, lang: str) -> None:
    blocks = json.dumps(render_blocks(VIEWS[name](), lang), ensure_ascii=False, indent=1)
    check_golden(f"alert_{name}.{lang}.json", blocks + "\n")


def test_every_kind_of_change_has_a_golden_file() -> None:
    told = {view().kind for view in VIEWS.values()}
    assert told == set(ChangeKind)
    assert set(LAYOUTS) == set(ChangeKind)


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
    assert f"조치: {stage.ko} — " in text
    assert ("서명 전 (not signed off)" in text) is (stage >= Stage.ALERT)
    assert ("책임자의 서명이 필요합니다" in text) is (stage >= Stage.ALERT)
    assert ("위기경보 발령이 아닙니다" in text) is (stage >= Stage.ALERT)
    own = urea_alert(stage, signed_off_by="김담당", signed_off_at=NOW)
    text = render_text(view_of(change(alert=own)), "ko")
    assert "서명 전" not in text
    assert "서명이 필요합니다" not in text
    assert ("서명: 김담당 (2021-10-11 11:30 KST)" in text) is (stage >= Stage.ALERT)


def test_a_proposal_says_until_when_by_whom_and_what_happens_then() -> None:
    korean, english = (render_text(proposed(), lang) for lang in LANGS)
    assert korean.startswith("[주의 · 경계 서명 대기] 중국 · 요소")
    assert english.startswith("[CAUTION · ALERT awaits signature]")
    for words in ("2021-10-11 12:30 KST까지", "서명 없이 올리고", "김과장, 이국장", "ews sign"):
        assert words in korean
    endless = replace(proposed().alert, sign_by=None)
    forever = replace(proposed(), alert=endless, signers=())
    text = render_text(forever, "ko")
    assert "서명 전에는 주의에서 오르지 않습니다" in text
    assert "아직 등록되지 않음" in text
    assert build_message(proposed(), "ko").summary.endswith(
        "2021-10-11 12:30 KST까지 서명 또는 반려"
    )


def test_a_stage_taken_by_time_out_never_reads_as_signed() -> None:
    for lang, words in (("ko", "서명 없이 시간이 지나 올림 (not signed)"), ("en", "not signed")):
        text = render_text(timed_out(), lang)
        assert words in text
        assert words in json.dumps(build_message(timed_out(), lang).root_blocks, ensure_ascii=False)
    assert render_text(timed_out(), "ko").startswith("[심각 · 서명 없음]")
    assert render_text(signed(), "ko").startswith("[경계] ")
    assert "서명: 김과장 (2021-10-11 11:30 KST)" in render_text(signed(), "ko")


def test_a_refusal_names_who_and_why() -> None:
    text = render_text(refused(), "ko")
    for words in (
        "경계 제안을 반려함: 이국장",
        "까닭: 재고 일수를 다시 확인함",
        "다시 묻지 않습니다",
    ):
        assert words in text


def test_who_holds_it_is_said_and_from_caution_on_that_nobody_does() -> None:
    for stage in Stage:
        text = render_text(view_of(change(alert=urea_alert(stage))), "ko")
        assert ("담당: 아직 없음" in text) is (stage >= Stage.CAUTION)
    held = urea_alert(holder="박사무관", acknowledged_at=NOW)
    assert "담당: 박사무관 (경보 확인 2021-10-11 11:30 KST)" in render_text(
        view_of(change(alert=held)), "ko"
    )


def test_an_escalation_names_whom_it_calls_and_hands_the_names_to_the_channel() -> None:
    message = build_message(escalated(), "ko")
    assert message.text.startswith("[경계 · 확인한 사람 없음]")
    assert "부름: 박사무관" in message.text
    assert message.mentions == ("박사무관",)
    assert "<@" not in json.dumps(message.blocks)
    first = replace(view_of(), mentions=("박사무관",))
    assert "부름: 박사무관" in render_text(first, "ko")
    nobody = replace(escalated(), mentions=())
    assert "부를 사람이 더 없음" in render_text(nobody, "ko")


@pytest.mark.parametrize("lang", LANGS)
def test_the_four_ends_do_not_read_alike(lang: str) -> None:
    texts = {end: render_text(ended(end, ""), lang) for end in Ending}
    heads = [text.splitlines()[0] for text in texts.values()]
    assert len(set(heads)) == len(heads)
    actions = [re.findall(r"(?m)^(?:조치|Action): (.+)$", text)[0] for text in texts.values()]
    assert len(set(actions)) == len(actions)
    assert not texts[Ending.QUIET].startswith(("[해제", "[ALL CLEAR"))
    assert not texts[Ending.RETRACTED].startswith(("[해제", "[ALL CLEAR"))


def test_a_retraction_says_why_who_and_what_had_been_told() -> None:
    view = ended(Ending.RETRACTED, "false alarm: old_news by 이국장: 작년 공고", "이국장")
    text = render_text(view, "ko")
    for words in (
        "이 경보는 사실이 아니었습니다",
        "오경보: 지난 일이거나 이미 알려진 일 (작년 공고)",
        "판단: 이국장",
        "최고 단계 경계",
        "slack-molit, console",
        "되돌릴지",
    ):
        assert words in text, words
    by_rules = ended(Ending.RETRACTED, "dismissed")
    assert "규칙 (사건이 기각되거나 반박됨)" in render_text(by_rules, "ko")


def test_blind_is_never_calm() -> None:
    korean, english = (render_text(VIEWS["blind"](), lang) for lang in LANGS)
    assert korean.startswith("[주의 · 보이지 않음]")
    assert english.startswith("[CAUTION · BLIND]")
    assert "안전한 것이 아닙니다" in korean.splitlines()[1]
    assert "calm" in english.splitlines()[1]
    standing = view_of(change(alert=urea_alert(blind_since=NOW)))
    assert render_text(standing, "ko").startswith("[주의 · 보이지 않음]")


def test_what_joined_is_told_and_only_independent_sources_count() -> None:
    text = render_text(joined(), "ko")
    assert "같은 일로 묶은 소식" in text
    assert "China adds DEF to urea export checks" in text
    # Four reports, of which two are one wire's.
    assert "독립 출처 3곳 (근거 4건; 서로 베낀 것은 하나로 셈)" in text
    lone = urea_event(evidence=urea_event().evidence[:1])
    same = replace(lone, id="evt-2")
    assert "단일 출처" in render_text(view_of(event=lone, joined=(same,)), "ko")
    assert "단일 출처" not in render_text(view_of(event=lone, joined=joined().joined), "ko")


def test_sources_are_counted_as_the_rules_counted_them() -> None:
    seen = (Witness("evt-1", ("paper-a", "paper-b")), Witness("evt-2", ("paper-b", "wire-c"), True))
    text = render_text(view_of(change(alert=urea_alert(witnesses=seen))), "ko")
    assert "독립 출처 3곳" in text
    assert "발표 당국의 공식 자료 포함" in text
    one = urea_alert(witnesses=(Witness("evt-1", ("paper-a",)),))
    assert "(단일 출처)" in render_text(view_of(change(alert=one)), "ko").splitlines()[0]


def test_a_planned_event_is_told_beside_the_alert() -> None:
    text = render_text(VIEWS["planned"](), "ko")
    assert "예정된 일: 중국 요소 공장 정기 보수" in text
    assert "등록: 최운영" in text


def test_the_page_is_linked_where_one_is_served_and_the_command_is_always_there() -> None:
    assert f"<{LINK}|왜?" in json.dumps(render_blocks(proposed(), "ko"), ensure_ascii=False)
    assert "ews explain alr-0123456789abcdef" in render_text(proposed(), "ko")
    assert "왜?" not in render_text(view_of(), "ko")
    spoofed = replace(view_of(), link="javascript:alert(1)")
    assert "javascript" not in render_text(spoofed, "ko")
    assert build_message(spoofed, "ko").link == ""


def test_a_closed_alert_shows_its_decision_in_the_first_message() -> None:
    root = json.dumps(build_message(VIEWS["closed"](), "ko").root_blocks, ensure_ascii=False)
    assert "결정: 베트남산 1만 톤 발주 · 결과: 재고 40일로 늘어남" in root


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


MINISTRIES = tuple(f"ministry-{n}" for n in range(30))
EXPOSED = st.lists(
    st.builds(
        lambda item, use, ministries: urea_exposure(
            3, item=f"item-{item}", use_id=f"use-{item}-{use}", ministries=tuple(ministries)
        ),
        st.integers(0, 60),
        st.integers(1, 9),
        st.lists(st.sampled_from(MINISTRIES), max_size=6, unique=True),
    ),
    min_size=1,
    max_size=60,
)


def check_nothing_is_dropped(exposures: tuple[Exposure, ...], lang: str) -> None:
    """In text every use and ministry is named; in blocks each is named or counted."""
    alert = urea_alert(items=tuple({x.item for x in exposures}), ministries=MINISTRIES[:2])
    view = view_of(change(alert=alert), exposures=exposures)
    text = render_text(view, lang)
    pairs = {(x.item, x.use_id): x for x in exposures}
    for (item, use), exposure in pairs.items():
        assert re.search(rf"\b{item}\b", text)
        (told,) = [line for line in text.splitlines() if re.search(rf"{use}(?!\d)", line)][:1]
        for code in exposure.ministries:
            assert re.search(rf"{code}(?!\d)", told), (use, code)
    blocks = json.dumps(render_blocks(view, lang), ensure_ascii=False)
    shown = sum(bool(re.search(rf"{use}(?!\d)", blocks)) for _, use in pairs)
    counted = re.search(r"용도·품목 (\d+)건|with (\d+) uses", blocks)
    left = int(next(filter(None, counted.groups()))) if counted else 0
    assert shown + left == len(pairs)
    assert not left or "ews explain" in blocks
    for code in {code for x in exposures for code in x.ministries} | set(MINISTRIES[:2]):
        assert re.search(rf"{code}(?!\d)", blocks), code


@settings(max_examples=25, deadline=None)
@given(EXPOSED, st.sampled_from(LANGS))
def test_no_use_and_no_ministry_is_ever_dropped_silently(
    exposures: list[Exposure], lang: str
) -> None:
    check_nothing_is_dropped(tuple(exposures), lang)


def test_five_hundred_exposures_of_sixty_items_are_named_or_counted() -> None:
    exposures = tuple(
        urea_exposure(
            3,
            item=f"item-{n % 60}",
            use_id=f"use-{n % 60}-{n // 60}",
            ministries=(MINISTRIES[n % 30], MINISTRIES[(n * 7) % 30]),
        )
        for n in range(500)
    )
    for lang in LANGS:
        check_nothing_is_dropped(exposures, lang)


@pytest.mark.parametrize("lang", LANGS)
def test_every_use_on_record_is_told_though_no_exposure_came_for_it(lang: str) -> None:
    """The computation keeps the strongest few; the shipped network knows every use."""
    names = Names()
    for item, uses in USES.items():
        alert = urea_alert(items=(item,), ministries=(), unlisted=())
        told = urea_exposure(1, item=item, use_id=uses[0].id, ministries=uses[0].ministries)
        for exposures in ((), (told,)):
            view = view_of(change(alert=alert), exposures=exposures, names=names, uses=USES)
            text = render_text(view, lang)
            blocks = json.dumps(render_blocks(view, lang), ensure_ascii=False)
            for use in uses:
                name = one_line(names.use(use.id, lang), 120)
                wanted = (name, *(names.ministry(code, lang) for code in use.ministries))
                lines = text.splitlines()
                assert any(all(word in line for word in wanted) for line in lines), wanted
                assert escape_slack(name).replace("\\", "") in blocks.replace("\\", "")
    bare = view_of(change(alert=urea_alert(items=("no-such-item",))), exposures=(), uses=USES)
    assert label_of("unlisted", lang) in render_text(bare, lang)


def label_of(key: str, lang: str) -> str:
    return phrases()[f"label.{key}"][lang]


def test_two_exposures_of_one_use_unite_their_ministries() -> None:
    one = urea_exposure(1, ministries=("molit",))
    two = urea_exposure(1, ministries=("mafra",), origin="RU")
    line = next(
        x for x in render_text(view_of(exposures=(one, two)), "ko").splitlines() if "- " in x
    )
    assert "국토교통부, 농림축산식품부" in line


def test_an_item_of_which_no_use_is_on_record_says_so_loudly() -> None:
    named = VIEWS["unlisted"]()
    for lang, label in (
        ("ko", "국내 용도가 등록되지 않은 품목"),
        ("en", "NO DOMESTIC USE ON RECORD"),
    ):
        lines = render_text(named, lang).splitlines()
        at = next(n for n, line in enumerate(lines) if label in line)
        assert at <= 3, "before anything a reader could stop at"
        assert "thulium" in lines[at + 1]
    seen = urea_exposure(1, item="erbium", use_id="use:erbium:unknown", ministries=())
    text = render_text(view_of(exposures=(urea_exposure(2), seen)), "ko")
    assert "국내 용도가 등록되지 않은 품목:\n  erbium" in text
    assert "등록되지 않은" not in render_text(view_of(), "ko")


def test_all_ministries_are_named_first_when_there_is_more_than_the_eye_takes_in() -> None:
    text = render_text(many_uses(), "ko")
    assert "의존 부처 모두: 국토교통부(용도 10), 기후에너지환경부(용도 3)" in text
    assert "의존 부처 모두" not in render_text(view_of(), "ko")


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
    assert message.root_summary.startswith("[경계 · 서명 없음]")
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


def test_what_a_source_does_not_say_of_its_period_is_in_the_language_of_the_reader() -> None:
    undated = replace(hop("origin:CN:urea", "item:urea", 0.98), period="2024 (year not shown)")
    view = view_of(exposures=(urea_exposure(1, path=(undated,)),))
    assert "(2024 (출처에 연도 없음), " in render_text(view, "ko")
    assert "(2024 (year not in the source), " in render_text(view, "en")


def test_a_code_inside_the_name_of_a_use_is_left_alone() -> None:
    said = "depends on it: mcee ← urea (resin of urea and more), urea"
    view = replace(view_of(), because=said)
    assert "Ministry of Climate, Energy and Environment ← Urea (resin of urea and more), Urea" in (
        render_text(view, "en")
    )


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
    matches = dict(reason_patterns())
    for key, texts in phrases().items():
        names = {lang: {f for _, f, _, _ in fields(text) if f} for lang, text in texts.items()}
        # Korean needs no plural ending
        assert names["ko"] | {"s"} == names["en"] | {"s"}, key
        assert all(texts.values()), key
        if key in matches:
            assert names["en"] <= set(matches[key].groupindex), key


@pytest.mark.parametrize(
    ("reason", "korean"),
    [
        ("acknowledged by 박사무관", "박사무관 확인"),
        ("handed over by 박사무관 to 최주무관: 휴가", "담당 넘김: 박사무관 → 최주무관 (휴가)"),
        ("severe signed by 김과장", "심각 서명: 김과장"),
        ("alert refused by 김과장: 근거 부족", "경계 반려: 김과장 (근거 부족)"),
        ("cleared by 박사무관: 입항", "박사무관 해제 (입항)"),
        ("closed by 박; decision: a; b; outcome: c", "결정: a; b · 결과: c"),
        ("its sources are silent", "이 경보가 기대는 출처가 조용합니다"),
        ("anything an analyst wrote\nAction: pay", "anything an analyst wrote Action: pay"),
        ("false alarm: no_such_reason by X", "오경보: no_such_reason"),
        ("nonsense signed by X", "nonsense 서명: X"),
        ("rule stock-gap asks for alert", "규칙 stock-gap: 경계 해당"),
        (
            "alert taken unsigned: nobody signed by 2021-10-11 03:30 UTC",
            "2021-10-11 03:30 UTC까지 서명한 사람이 없어 서명 없이 올림: 경계",
        ),
        ("dismissed", "사건이 기각되었습니다"),
        ("refuted: probability 0.04", "새 근거로 반박되었습니다 (확률 0.04)"),
        (
            "rule dependent-item holds; new: urea, CN; stated by 2 independent sources; "
            "no longer a threat: it happens; further reports of the same happening: 2",
            "규칙 dependent-item 해당 · 추가: 요소, 중국 · 독립 출처 2곳이 확인했습니다 · "
            "예고가 아니라 실제로 일어나고 있습니다 · 같은 일의 다른 소식 2건",
        ),
        (
            "new facts after the end; stated by the authority itself",
            "끝난 뒤 새 사실이 나왔습니다 · 발표 당국이 스스로 밝혔습니다",
        ),
        (
            "severe is no longer proposed; reports found untrue: 1; and a word more",
            "심각 제안 거둠 · 사실이 아닌 것으로 밝혀진 소식 1건 · and a word more",
        ),
        ("one; two", "one; two"),
    ],
)
def test_reasons_are_read_in_korean(reason: str, korean: str) -> None:
    assert readable_reason(view_of(), reason, "ko") == korean


def test_every_reason_of_a_false_alarm_has_words() -> None:
    said = {readable_reason(view_of(), f"false alarm: {why} by X", "ko") for why in FALSE_ALARMS}
    assert len(said) == len(FALSE_ALARMS)
    assert not any(why in text for why in FALSE_ALARMS for text in said)


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_a_playbook_in_both_languages(stage: Stage) -> None:
    korean, english = (stage_playbook(stage, lang) for lang in LANGS)
    assert len(korean) == len(english) >= 3
    told = render_text(view_of(change(alert=urea_alert(stage))), "ko")
    assert all(step in told for step in korean[:2])
    assert all(step in told for step in playbook("export_restriction", "ko")[:3])


def test_a_line_of_a_digest_shows_stage_subject_and_why_it_was_held() -> None:
    line = alert_line(proposed().alert, TableNames(), "ko", "하루 한도 5건 중 5건 보냄")
    assert line == "[주의 · 경계 서명 대기] 중국 · 요소 · 수출 제한 — 하루 한도 5건 중 5건 보냄"
    assert (
        alert_line(urea_alert(), TableNames(), "en")
        == "[CAUTION] China · Urea · export restriction"
    )


def test_a_heartbeat_says_what_its_absence_means_and_an_empty_digest_that_it_is_empty() -> None:
    assert "ews가 멈춘 것" in bulletin_message(bulletin(BulletinKind.HEARTBEAT, "ko")).text
    empty = replace(bulletin(BulletinKind.DIGEST, "en"), parts=())
    assert "Nothing to report." in bulletin_message(empty).text


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


def test_text_is_escaped_once_and_cut_at_a_whole_character() -> None:
    assert escape_slack("a & <b>") == "a &amp; &lt;b&gt;"
    assert one_line("가나다라", 3) == "가나…"
    assert one_line("a\u0301\u0301\u0301\u0301b") == "á\u0301\u0301b"


def test_closed_for_silence_is_never_called_an_all_clear() -> None:
    ended = urea_alert(state=AlertState.RESOLVED, resolved_at=NOW)
    silence = "no new evidence for 30 days"
    quiet = view_of(change(ChangeKind.RESOLVED, ended, Stage.CAUTION, silence))
    korean, english = render_text(quiet, "ko"), render_text(quiet, "en")
    assert korean.startswith("[종결 · 새 근거 없음]")
    assert "30일 동안 새 근거가 없습니다" in korean
    assert "끝났다는 뜻이 아닙니다" in korean
    assert "ALL CLEAR" not in english
    assert "does not say that it is over" in english
