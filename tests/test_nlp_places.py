"""Countries, ports and chokepoints in text, and the words that only look like them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.places import find_places

GRAPH = Path(__file__).parent.parent / "graph" / "data"
DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parent.parent / "../shared/data"))


def codes(
    text: str, kind: MentionKind = MentionKind.COUNTRY, role: str | None = "hit", title: bool = True
) -> set[str]:
    found = find_places(text, "") if title else find_places("", text)
    return {m.code for m in found if m.kind is kind and (role is None or m.role == role)}


def named(text: str) -> set[str]:
    """Countries that the text names itself (not by its language)."""
    return {
        m.code
        for m in find_places(text, "")
        if m.kind is MentionKind.COUNTRY and m.role == "hit" and m.end > m.start
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Beijing tightens export licences on graphite", {"CN"}),
        ("Washington and Ottawa settle a lumber dispute", {"US", "CA"}),
        ("U.S.-China trade talks resume", {"US", "CN"}),
        ("US weighs new duties on Vietnamese solar cells", {"US", "VN"}),
        ("Quake shuts copper mines in Atacama", {"CL"}),
        ("Côte d'Ivoire cocoa crop shrinks", {"CI"}),
        ("중국, 요소 수출 통관 중단", {"CN"}),
        ("中, 갈륨 수출 통제…韓 업계 비상", {"CN", "KR"}),
        ("美·日, 반도체 장비 통제 합의", {"US", "JP"}),
        ("미·중 관세 휴전 연장", {"US", "CN"}),
        ("한미 관세 협상 난항", {"KR", "US"}),
        ("정부, 대(對)이란 제재 복원에 대응", {"IR"}),
        ("미 상무부, 수출통제 명단 확대", {"US"}),
        ("우크라 드론에 러 정유시설 멈춰", {"RU"}),
        ("中国宣布对镓实施出口许可", {"CN"}),
        ("米国、対中半導体規制を強化 ", {"US", "CN"}),
        ("インドネシアがニッケル鉱石の輸出を停止", {"ID"}),
    ],
)
def test_a_text_gives_the_countries_it_names(text: str, expected: set[str]) -> None:
    assert expected <= named(text)
    assert named(text) <= expected | {"UA"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("How to roast a turkey for twenty guests", "TR"),
        ("Michael Jordan sells his house", "JO"),
        ("Georgia voters queue in Atlanta suburbs", "GE"),
        ("Atlanta: Georgia passes a budget", "GE"),
        ("Chad Smith plays the drums", "TD"),
        ("A guinea pig named Biscuit", "GN"),
        ("Papua New Guinea landslide", "GN"),
        ("New Mexico wildfire grows", "MX"),
        ("Nigeria floods displace thousands", "NE"),
        ("Cyclone forms in the Indian Ocean", "IN"),
        ("American Airlines orders jets", "US"),
        ("Tell us what you think", "US"),
        ("Paris Hilton opens a shop", "FR"),
        ("A look at London fashion week", "GB"),
        ("Swiatek wins the China Open", "CN"),
        ("공급망이란 무엇인가", "IR"),
        ("차도 옆 인도로 돌진한 승용차", "IN"),
        ("물가 어디까지 오르나…3000원 가나", "GH"),
        ("마지막 수단으로 파업 선택", "SD"),
        ("회원 5오만원 인상안은 오만한 결정", "OM"),
        ("도로 공사 中 정전", "CN"),
        ("3일 정부서울청사에서 회의", "JP"),
        ("ラテンアメリカの選挙", "US"),
    ],
)
def test_a_word_that_only_looks_like_a_country_gives_none(text: str, wrong: str) -> None:
    assert wrong not in named(text)


def test_north_korea_is_never_korea() -> None:
    assert codes("North Korea fires a missile") == {"KP"}
    assert codes("북한, 미사일 발사") == {"KP"}
    assert codes("北 해안포 사격") == {"KP"}


def test_the_reporters_desk_is_no_place_of_the_story() -> None:
    found = named("브라질 정전 (서울=연합뉴스) 홍길동 기자 = 브라질 전역에서 전기가 끊겼다")
    assert found == {"BR"}


def test_a_korean_text_without_any_country_speaks_of_korea_with_little_confidence() -> None:
    [mention] = find_places("간호사 총회 파업 예고", "")
    assert (mention.code, mention.confidence <= 0.55) == ("KR", True)
    assert codes("국제유가 사흘째 급등") == set()


def test_who_only_comments_or_attacks_is_marked_comment() -> None:
    text = "Analysts at a US bank say Chile copper output fell"
    assert codes(text) == {"CL"}
    assert "US" in codes(text, role="comment")
    assert codes("Lviv without power after Russian missile strikes") == {"UA"}


def test_spans_are_offsets_into_title_newline_text() -> None:
    title, text = "대만 지진", "Port of Kaohsiung, Taiwan: 红海 reroute of ships"
    full = f"{title}\n{text}"
    found = find_places(title, text)
    assert len(found) >= 4
    assert all(full[m.start : m.end] == m.text for m in found)
    assert [m.in_title for m in found if m.text == "대만"] == [True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Container ships divert from the Red Sea", {"bab-el-mandeb"}),
        ("후티, 홍해서 화물선 나포", {"bab-el-mandeb"}),
        ("Ship aground in the Suez Canal", {"suez"}),
        ("파나마운하 통항 제한", {"panama"}),
        ("호르무즈 해협 봉쇄 위협", {"hormuz"}),
        ("믈라카 해협 안개", {"malacca"}),
        ("Drills in the Taiwan Strait", {"taiwan-strait"}),
        ("Grain ships leave by the Black Sea corridor", {"bosporus"}),
        ("紅海で商船が攻撃される", {"bab-el-mandeb"}),
    ],
)
def test_waters_that_trade_passes_are_chokepoints(text: str, expected: set[str]) -> None:
    found = find_places(text, "")
    sure = {m.code for m in found if m.kind is MentionKind.CHOKEPOINT and m.confidence >= 0.6}
    assert sure == expected


@pytest.mark.parametrize(
    "text",
    [
        "Divers love the reefs of the Red Sea",
        "Houthi drones hit a tanker",  # the sea is not named
        "Red Sea Global plants trees",
    ],
)
def test_a_sea_that_is_not_named_as_a_passage_is_a_weak_chokepoint(text: str) -> None:
    [mention] = [m for m in find_places(text, "") if m.kind is MentionKind.CHOKEPOINT]
    assert mention.confidence < 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dockworkers strike at Canada's west coast ports", {"vancouver", "prince-rupert"}),
        ("Port of Felixstowe workers vote to strike", {"felixstowe"}),
        ("Longshore workers walk out in Montreal", {"montreal"}),
        ("부산항 하역 중단", {"busan"}),
        ("LA·롱비치항 적체", {"los-angeles", "long-beach"}),
        ("宁波港 暂停作业", {"ningbo"}),
        (
            "Crews bar ships from the ports of Sydney, Melbourne and Fremantle",
            {"sydney", "melbourne", "fremantle"},
        ),
        ("A cruise ship that departed Miami is turned away", {"miami"}),
        ("Pills seized at Jeddah Islamic Port", {"jeddah"}),
        ("여수·광양항 물동량 감소", {"yeosu", "gwangyang"}),
        ("여수광양항 물동량 감소", {"yeosu", "gwangyang"}),
        ("인천∼톈진 카페리 재개", {"incheon", "tianjin"}),
        ("오데사의 항구 공습", {"odesa"}),
        ("A smile as wide as Sydney Harbour", set()),
        ("Passengers stranded at a Houston terminal after flights stop", set()),
        ("부산 시민 공항 이용 늘어", set()),
        ("Restaurant opens in Seattle", set()),
        ("Singapore raises interest rates", set()),
    ],
)
def test_a_city_is_a_port_only_where_port_work_is_spoken_of(text: str, expected: set[str]) -> None:
    assert codes(text, MentionKind.PORT) == expected


def test_every_code_of_the_gazetteers_is_in_the_reference_data() -> None:
    for ours, theirs, key in (
        ("chokepoint_aliases.csv", "chokepoints.csv", "chokepoint"),
        ("port_aliases.csv", "ports.csv", "port"),
    ):
        known = _column(GRAPH / theirs, key)
        assert {row["code"] for row in matcher.table(ours)} <= known
    grouped = {c for row in matcher.table("port_groups.csv") for c in row["codes"].split(";")}
    assert grouped <= _column(GRAPH / "ports.csv", "port")


def _column(path: Path, key: str) -> set[str]:
    with path.open(encoding="utf-8") as lines:
        return {row[key] for row in csv.DictReader(lines)}


@pytest.mark.recorded
def test_the_cases_name_their_countries_and_waters() -> None:
    path = DATA / "cases" / "red_sea_2023_24.csv"
    if not path.is_file():
        pytest.skip(f"no recorded data at {DATA} (set EWS_RECORDED_DATA)")
    with path.open(encoding="utf-8") as lines:
        facts = [row["fact_en"] + " " + row["fact_ko"] for row in csv.DictReader(lines)]
    speaking = [fact for fact in facts if "Red Sea" in fact or "홍해" in fact]
    found = [codes(fact, MentionKind.CHOKEPOINT) for fact in speaking]
    assert all("bab-el-mandeb" in waters for waters in found), json.dumps(speaking)


def test_mentions_come_in_order_and_are_plain_values() -> None:
    found = find_places("Japan, Korea and Taiwan", "and Chile")
    assert [m.code for m in found] == ["JP", "KR", "TW", "CL"]
    assert all(isinstance(m, Mention) for m in found)


@pytest.mark.parametrize(
    "text",
    ["Russia leaves the Black Sea grain deal", "흑해 곡물협정 중단", "Black Sea ports reopen"],
)
def test_a_grain_deal_is_the_water_that_it_opens_and_weakly_its_ports(text: str) -> None:
    sure = {m.code for m in find_places(text, "") if m.confidence >= 0.5}
    assert "bosporus" in sure
    assert "odesa" not in sure


@pytest.mark.parametrize("text", ["Ukraine sinks a ship of Russia's Black Sea fleet", "흑해 함대"])
def test_a_fleet_is_no_passage(text: str) -> None:
    assert "bosporus" not in codes(text, MentionKind.CHOKEPOINT)
