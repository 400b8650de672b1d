"""Products in text: aliases in four languages, ambiguous words, hit or comment."""

from __future__ import annotations

import csv
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ews.model import Article, MentionKind
from ews.reports.names import label
from graph import build_network, sample_firms, shock
from nlp import matcher
from nlp.firms import firms
from nlp.items import find_items
from nlp.mention_scores import score
from nlp.mentions import find_mentions
from tests.graph_samples import make_event

GRAPH = Path(__file__).parent.parent / "graph" / "data"
DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parent.parent / "../shared/data"))
WHEN = datetime(2023, 1, 1, tzinfo=UTC)


def hits(text: str) -> set[str]:
    return {m.code for m in find_items(text, "") if m.role == "hit"}


def all_codes(text: str) -> set[str]:
    return {m.code for m in find_items(text, "")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("China halts urea exports", {"urea"}),
        ("요소수 품귀에 화물차 멈춘다", {"urea", "diesel-exhaust-fluid"}),
        ("중국, 요소 통관 보류", {"urea"}),
        ("尿素の輸出規制", {"urea"}),
        ("China curbs gallium and germanium exports", {"gallium", "germanium"}),
        ("갈륨·게르마늄 수출 통제", {"gallium", "germanium"}),
        ("对镓、锗实施出口管制", {"gallium", "germanium"}),
        ("中 흑연 수출 통제", {"natural-graphite", "artificial-graphite"}),
        (
            "日, 불화수소·포토레지스트·불화 폴리이미드 수출 규제",
            {"hydrogen-fluoride", "photoresist", "fluorinated-polyimide"},
        ),
        ("Japan limits photoresist, hydrogen fluoride and fluorinated polyimide exports",
         {"hydrogen-fluoride", "photoresist", "fluorinated-polyimide"}),
        ("Chip shortage halts car plants", {"semiconductors", "passenger-cars"}),
        ("Oil jumps 4% on output cut", {"crude-oil"}),
        ("원유 수출 중단", {"crude-oil"}),
        ("India bans rice exports", {"rice"}),
        ("Grain deal ends, wheat price soars", {"wheat", "corn"}),
        ("팜유 수출 금지", {"palm-oil"}),
        ("Rare earths: export licence needed", {"rare-earths"}),
        ("비료 수출 제한", {"fertilisers"}),
        ("Neon gas supply for chipmakers dries up", {"neon"}),
        ("Tin smelter halts output", {"tin"}),
    ],
)  # fmt: skip
def test_a_product_whose_supply_is_told_is_a_hit(text: str, expected: set[str]) -> None:
    assert expected <= hits(text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("위험 요소를 줄여야 한다", "urea"),
        ("성공의 핵심 요소는 팀워크", "urea"),
        ("Rice scores twice for Arsenal", "rice"),
        ("Crisps and chips recalled from pubs", "semiconductors"),
        ("Police use tear gas on crowd", "natural-gas"),
        ("Olive oil prices soar", "crude-oil"),
        ("Sprinter takes gold in the 200m final", "gold"),
        ("Player to lead the club next season", "lead"),
        ("Five die in car crash", "passenger-cars"),
        ("She had to steel herself for the trial", "steel"),
        ("서울우유 원유 가격 협상", "crude-oil"),
        ("금리 인상에 은행 예금 급증", "gold"),
        ("정전협정 기념일", "electricity"),
        ("카카오 서비스 장애", "cocoa"),
        ("Tom Cotton attacks the budget", "cotton"),
        ("Protesters hit by rubber bullets", "natural-rubber"),
        ("순도 99.9%·밀도 1.73g 초과 인조흑연에 수출허가를 요구한다", "wheat"),
        ("정부가 전담반을 가동해 흑연 공급을 챙긴다", "tobacco"),
    ],
)
def test_a_word_that_only_looks_like_a_product_gives_none(text: str, wrong: str) -> None:
    assert wrong not in all_codes(text)


def test_a_product_named_in_passing_is_a_comment_with_less_confidence() -> None:
    [told] = find_items("Uranium price doubles", "")
    [passing] = find_items("Professor of uranium chemistry honoured", "")
    assert (told.role, passing.role) == ("hit", "comment")
    assert passing.confidence < 0.5 < told.confidence


def test_a_group_name_gives_its_members_with_less_confidence() -> None:
    found = {m.code: m.confidence for m in find_items("핵심광물 공급 중단", "")}
    assert {"rare-earths", "lithium", "natural-graphite"} <= set(found)
    assert max(found.values()) < 0.7


def test_spans_are_offsets_into_title_newline_text() -> None:
    title, text = "요소수 대란", "Urea price up; 尿素 exports stop"
    full = f"{title}\n{text}"
    found = find_items(title, text)
    assert {m.text for m in found} >= {"요소수", "Urea"}
    assert all(full[m.start : m.end] == m.text for m in found)


def test_the_plant_of_a_maker_stands_for_its_product() -> None:
    article = Article("a", "s", "o", "", "Toyota halts three plants", "", "en", WHEN, WHEN)
    found = find_mentions(article)
    assert {m.code for m in found if m.kind is MentionKind.ITEM} == {"passenger-cars"}
    assert {m.code for m in found if m.kind is MentionKind.FIRM} == {"toyota"}
    assert not [m for m in found if m.kind is MentionKind.COUNTRY]


def test_every_item_of_the_gazetteers_is_in_the_reference_data() -> None:
    with (GRAPH / "items.csv").open(encoding="utf-8") as lines:
        known = {row["item"] for row in csv.DictReader(lines)}
    named = {
        part.partition("@")[0]
        for file in ("item_aliases.csv", "general_goods.csv")
        for row in matcher.table(file)
        for part in row["items"].split(";")
    }
    unlisted = {code for code in named if re.fullmatch(r"hs:\d{4}", code)}
    assert len(unlisted) > 300
    assert named - unlisted <= known
    headings = {row["hs"] for row in matcher.table("fine_headings.csv")}
    assert all(re.fullmatch(r"\d{4}", heading) for heading in headings)
    assert {item for firm in firms().values() for item in firm.items} <= known


def test_every_rule_that_an_alias_asks_for_exists() -> None:
    known = matcher.rules("item_rules.toml")
    for file in ("item_aliases.csv", "general_goods.csv"):
        assert {row["rule"] for row in matcher.table(file)} - {""} <= set(known)
    for key in ("strict", "bare"):
        assert set(matcher.settings("item_rules.toml")[key]) <= set(known)  # type: ignore[call-overload]


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("case", "word_en", "word_ko", "item"),
    [
        ("urea_2021.csv", "urea", "요소", "urea"),
        ("urea_2023.csv", "urea", "요소", "urea"),
        ("gallium_germanium_2023.csv", "gallium", "갈륨", "gallium"),
        ("gallium_germanium_2023.csv", "germanium", "게르마늄", "germanium"),
        ("graphite_2023.csv", "graphite", "흑연", "natural-graphite"),
        ("japan_2019.csv", "hydrogen fluoride", "불화수소", "hydrogen-fluoride"),
    ],
)
def test_the_cases_name_their_product_in_both_languages(
    case: str, word_en: str, word_ko: str, item: str
) -> None:
    path = DATA / "cases" / case
    if not path.is_file():
        pytest.skip(f"no recorded data at {DATA} (set EWS_RECORDED_DATA)")
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for column, word in (("fact_en", word_en), ("fact_ko", word_ko)):
        facts = [row[column] for row in rows if word in row[column].lower()]
        assert facts
        missed = [fact for fact in facts if not _names(fact, item)]
        assert len(missed) <= 0.1 * len(facts), missed


def _names(fact: str, item: str) -> bool:
    """Artificial graphite is also graphite."""
    return any(
        code == item or code.split("-")[-1] == item.split("-")[-1] for code in all_codes(fact)
    )


def test_the_score_counts_right_invented_and_missed_countries() -> None:
    rows = [
        {"title": "Chile copper output falls", "text": "", "lang": "en", "labels": ["price_shock"],
         "countries": ["CL", "PE"], "items": ["copper", "retail"]},
        {"title": "A quiet day in Peru", "text": "", "lang": "en", "labels": ["none"],
         "countries": [], "items": []},
    ]  # fmt: skip
    scores = score(rows)
    counted = scores.countries["en"]
    assert (scores.rows, counted.right, counted.invented, counted.missed) == (1, 1, 0, 1)
    assert scores.items["en", "wanted"] == scores.items["en", "hit"] == 1


# --------------------------------------------------------------------------- goods that the list lacks


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Peru buys armoured vehicles", "hs:8710"),
        ("한지 수입 급증", "hs:4802"),
        ("화장품 수출 사상 최대", "hs:3304"),
        ("化妆品 出口 增长", "hs:3304"),
        ("花火の輸出が減る", "hs:3604"),
        ("가뭄에 생활용수 공급 끊겨", "hs:2201"),
        ("일차전지 공장 화재", "hs:8506"),
        ("Brewers run short of beer bottles and beer", "hs:2203"),
        ("배추·무·마늘 가격 급등", "hs:0706"),
        ("사과 값이 두 배로 뛴 과일 시장", "fruit"),
        ("쌀을 사려는 줄", "rice"),
        ("수입의류 통관 지연", "clothing"),
        ("피해차량 보상 지연", "passenger-cars"),
        ("EV battery plant burns", "electric-vehicles"),
    ],
)
def test_a_general_good_gets_its_heading_or_its_item(text: str, code: str) -> None:
    assert code in all_codes(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("총리, 유가족에 사과", "fruit"),
        ("사과와 배상을 요구했다", "fruit"),
        ("국회의원 무 자격 논란", "hs:0706"),
        ("Drug cartel members seized", "medicines"),
        ("경기 구리시 청사", "copper"),
        ("Technigen Platinum Corp reports results", "platinum"),
        ("요청을 무시했다", "hs:0706"),
        ("유리한 판결", "hs:7005"),
        ("모니터링 강화", "hs:8528"),
        ("She will train new pilots", "hs:8603"),
        ("Vincent van Gogh show opens", "trucks"),
        ("Dr Pepper spray ban", "pepper"),
        ("이차전지 배터리 투자", "hs:8506"),
    ],
)
def test_a_word_of_another_meaning_is_no_general_good(text: str, code: str) -> None:
    assert code not in all_codes(text)


def test_a_good_without_words_of_trade_is_weak() -> None:
    [gold] = [
        m for m in find_items("그는 금을 꺼내 보였다. 순금 목걸이였다", "") if m.code == "gold"
    ][:1]
    assert gold.confidence < 0.5


def test_the_tyre_of_a_car_that_fled_is_no_shortage_of_rubber() -> None:
    text = "타이어가 빠진 승용차를 몰고 달아난 남성이 붙잡혔다" + "." * 120
    found = find_items(text, "")
    assert {m.role for m in found if m.code in {"tyres", "natural-rubber"}} == {"comment"}
    assert all(m.confidence < 0.5 for m in found)


def test_a_heading_without_an_item_reaches_no_shock() -> None:
    """The network knows listed items only; a heading of another good leaves no trace there."""
    network = build_network(sample_firms())
    listed = make_event("export_restriction", items=("urea",), countries=("CN",))
    both = make_event("export_restriction", items=("hs:2201", "urea"), countries=("CN",))
    assert shock(both, network) == shock(listed, network) != []
    assert label("item", "hs:2201").en == "hs:2201"
