"""Eight charsets, seven ways to declare them: every feed is read as it was written."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from scrapers.charsets import decode

# Made-up headlines, in the words of their papers.
KOREAN = (
    "요소 수출 검사 강화에 화물차 업계 비상", "정부, 희토류 대체 수입선 긴급 점검 나서",
    "부산항 컨테이너 적체 사흘째… 선사들 우회 항로 검토", "중국 흑연 통제에 배터리 업체 재고 확보",
)  # fmt: skip
JAPANESE = (
    "レアアース輸出規制を強化、自動車部品の供給に影響", "台湾東部で地震、半導体工場が操業を停止",
    "政府、重要鉱物の備蓄を積み増しへ", "港湾ストで部品の到着に遅れ",
)  # fmt: skip
SIMPLIFIED = (
    "商务部公布稀土出口管制公告", "多地化肥企业暂停出口报价", "港口罢工影响集装箱运输", "锂价连续三周上涨",
)  # fmt: skip
TRADITIONAL = (
    "地震後晶圓廠停工，供應鏈受影響", "政府檢討關鍵原料庫存", "航運公司改道，運費上漲", "出口管制擴大至石墨",
)  # fmt: skip
FRENCH = (
    "Grève à l’usine : l’approvisionnement en éthylène coupé", "Les exportations d’urée suspendues à l’été",
    "Le détroit fermé, les pétroliers déroutés", "Pénurie de réactifs à l’hôpital",
)  # fmt: skip
RUSSIAN = (
    "Экспорт удобрений ограничен до конца года", "Порт остановил отгрузку угля из-за шторма",
    "Правительство продлило запрет на вывоз бензина", "Завод сократил выпуск никеля",
)  # fmt: skip

WRITTEN = {  # charset -> (titles, its usual label, labels that others put on it by mistake)
    "utf-8": (KOREAN, "utf-8", ("euc-kr", "iso-8859-1")),
    "utf-16": (KOREAN, "utf-16", ("euc-kr", "utf-8")),
    "cp949": (KOREAN, "euc-kr", ("utf-8", "gb2312", "shift_jis", "big5", "iso-8859-1", "windows-1251")),
    "gb18030": (SIMPLIFIED, "gb2312", ("utf-8", "euc-kr", "shift_jis", "big5", "iso-8859-1")),
    "big5": (TRADITIONAL, "big5", ("utf-8", "gb2312", "euc-kr", "shift_jis", "iso-8859-1")),
    "cp932": (JAPANESE, "shift_jis", ("utf-8", "euc-jp", "euc-kr", "gb2312", "iso-8859-1")),
    "euc_jp": (JAPANESE, "euc-jp", ("utf-8", "shift_jis", "euc-kr", "gb2312", "iso-8859-1")),
    "cp1252": (FRENCH, "iso-8859-1", ("utf-8", "euc-kr", "shift_jis", "gb2312")),
    "cp1251": (RUSSIAN, "windows-1251", ("utf-8", "euc-kr", "koi8-r", "iso-8859-1")),
}  # fmt: skip
# each way: labels in the XML and in the header, from the right label and a wrong one
WAYS = {
    "right in XML": lambda right, wrong: (right, ""),
    "right in HTTP only": lambda right, wrong: ("", right),
    "right in both": lambda right, wrong: (right, right),
    "nowhere": lambda right, wrong: ("", ""),
    "wrong in XML": lambda right, wrong: (wrong, ""),
    "wrong in HTTP": lambda right, wrong: ("", wrong),
    "unknown in XML, wrong in HTTP": lambda right, wrong: ("x-our-own", wrong),
}


def feed(titles: tuple[str, ...], label: str) -> str:
    said = f' encoding="{label}"' if label else ""
    items = "".join(f"<item><title>{one}</title></item>" for one in titles)
    return f'<?xml version="1.0"{said}?><rss version="2.0"><channel>{items}</channel></rss>'


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("charset", [name for name in WRITTEN if name != "cp1251"])
def test_a_feed_is_read_in_its_own_letters(charset: str, way: str) -> None:
    assert (len(WRITTEN) - 1) * len(WAYS) == 56
    assert read_right(charset, way)


@pytest.mark.parametrize("way", WAYS)
def test_a_russian_feed_is_read_too(way: str) -> None:
    assert read_right("cp1251", way)


def read_right(charset: str, way: str) -> bool:
    titles, right, wrongs = WRITTEN[charset]
    for wrong in wrongs:
        in_xml, in_http = WAYS[way](right, wrong)
        text = decode(feed(titles, in_xml).encode(charset), in_http)
        assert all(one in text for one in titles), (charset, way, wrong, text[:200])
    return True


@pytest.mark.parametrize("charset", ["cp949", "gb18030", "big5", "cp932", "euc_jp", "cp1251"])
def test_one_short_headline_is_enough(charset: str) -> None:
    for title in WRITTEN[charset][0]:
        assert title in decode(feed((title,), "").encode(charset))


def test_utf8_with_letters_cut_in_two_stays_utf8() -> None:
    titles = "".join(f"<item><title>{KOREAN[n % 4]}…</title></item>" for n in range(40))
    body = titles.encode()
    for at in (300, 900, 1500):  # a publisher cut three summaries by bytes
        while body[at] < 0x80:
            at += 1
        body = body[:at] + body[at + 1 :]
    text = decode(body, "euc-kr")
    assert sum(text.count(one) for one in KOREAN) >= 36


def test_seven_bit_japanese_is_read_by_its_label() -> None:
    assert JAPANESE[0] in decode(feed(JAPANESE, "iso-2022-jp").encode("iso-2022-jp"))


def test_greek_and_thai_are_believed_when_declared() -> None:
    for title, charset in (("Η απεργία στο λιμάνι", "iso-8859-7"), ("การส่งออกปุ๋ย", "tis-620")):
        assert title in decode(feed((title,), charset).encode(charset))


# --------------------------------------------------------------------------- recorded headlines

FOLDER = os.environ.get("EWS_RECORDED_DATA", "")
RECORDED = ("feeds/kr_news/kr_news_2025-08_2026-03.jsonl.gz", "news/naver_titles_2023.jsonl.gz",
            "news/fnnews_2021.jsonl.gz", "news/naver_sections_2019_2021.jsonl.gz")  # fmt: skip


def headlines(path: Path) -> Iterator[str]:
    """Korean headlines of a recorded file that cp949 can write."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            title = " ".join(str(row["title"]).split())
            if row["lang"] != "ko" or not any("가" <= char <= "힣" for char in title):
                continue
            try:
                title.encode("cp949")
            except UnicodeEncodeError:
                continue
            yield title


def undeclared(path: Path, most: int = 10**9) -> dict[str, float]:
    """Shares of headlines that come out as they went in: one for each feed, bare, ten together."""
    titles = list(dict.fromkeys(islice(headlines(path), most)))
    one = sum(title in decode(feed((title,), "").encode("cp949")) for title in titles)
    bare = sum(title == decode(title.encode("cp949")) for title in titles)
    tens = [tuple(titles[n : n + 10]) for n in range(0, len(titles), 10)]
    ten = sum(feed(part, "") == decode(feed(part, "").encode("cp949")) for part in tens)
    return {
        "headlines": len(titles),
        "feed of one": one / len(titles),
        "bare": bare / len(titles),
        "feed of ten": ten / len(tens),
    }


@pytest.mark.recorded
@pytest.mark.skipif(not FOLDER, reason="needs the recorded data: set EWS_RECORDED_DATA")
@pytest.mark.parametrize("name", RECORDED)
def test_undeclared_korean_headlines_are_read(name: str) -> None:
    """At least 99 % of them, one headline for each body."""
    told = undeclared(Path(FOLDER) / name, 1200)
    assert told["headlines"] > 1000
    assert min(told["feed of one"], told["bare"], told["feed of ten"]) >= 0.99, told
