"""Plain words out of whatever came: charsets, hostile strings, links, dates, language."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapers.text import canonical_url, clean_text, decode, guess_lang, parse_date

KOREAN = "요소 수출 검사 강화로 화물차 운행 차질 우려, 똠방각하 펲시콜라"  # the end needs cp949
JAPANESE = "レアアース輸出規制を強化、自動車部品の供給に影響"
CHINESE = "商务部公布稀土出口管制公告"
RUSSIAN = "Экспорт удобрений ограничен до конца года"
FRENCH = "Grève à l’usine : l’approvisionnement en éthylène coupé"
HEAD = '<?xml version="1.0" encoding="{}"?><rss><title>{}</title></rss>'

CASES = [
    (text, encoding, xml_label, http_label)
    for text, encoding, xml_label in [
        (KOREAN, "utf-8", "utf-8"), (KOREAN, "utf-8", "us-ascii"), (KOREAN, "utf-8", "euc-kr"),
        (KOREAN, "utf-8", "iso-8859-1"), (KOREAN, "cp949", "euc-kr"), (KOREAN, "cp949", "EUC-KR"),
        (KOREAN, "cp949", "ks_c_5601-1987"), (KOREAN, "cp949", "ms949"), (KOREAN, "cp949", "cp949"),
        (KOREAN, "cp949", "utf-8"), (KOREAN, "cp949", "iso-8859-1"), (KOREAN, "cp949", ""),
        (KOREAN, "utf-8-sig", "euc-kr"), (KOREAN, "utf-16", "utf-16"), (KOREAN, "utf-16-le", "utf-16"),
        (KOREAN, "utf-16-be", "utf-16"), (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE, "euc-jp", "euc-jp"), (JAPANESE, "utf-8", "shift_jis"),
        (CHINESE, "gb18030", "gb2312"), (CHINESE, "gbk", "gbk"), (CHINESE, "utf-8", "gb2312"),
        (RUSSIAN, "cp1251", "windows-1251"), (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "utf-8", "windows-1251"), (FRENCH, "cp1252", "iso-8859-1"),
        (FRENCH, "cp1252", "windows-1252"), (FRENCH, "utf-8", "iso-8859-1"),
    ]
    for http_label in ("", "utf-8")
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding", "xml_label", "http_label"), CASES)
def test_every_charset_is_read(text: str, encoding: str, xml_label: str, http_label: str) -> None:
    assert len(CASES) == 56
    body = HEAD.format(xml_label, text).encode(encoding)
    assert text in decode(body, http_label)


def test_the_http_label_helps_when_the_body_does_not_say() -> None:
    assert decode(RUSSIAN.encode("koi8-r"), "koi8-r") == RUSSIAN
    assert decode(KOREAN.encode("cp949"), "EUC-KR") == KOREAN


def test_short_undeclared_korean_headlines_are_read() -> None:
    words = [
        "요소",
        "수출",
        "통제",
        "흑연",
        "공급망",
        "부산항",
        "파업",
        "지연",
        "우려",
        "정부",
        "대책",
    ]
    chance = random.Random(7)
    right = 0
    for _ in range(200):
        title = " ".join(chance.sample(words, 4))
        right += title in decode(f"<rss><title>{title}</title></rss>".encode("cp949"))
    assert right >= 198


def test_a_body_cut_in_the_middle_of_a_letter_is_still_utf8() -> None:
    body = (KOREAN * 20).encode()[:-1]
    assert decode(body).startswith(KOREAN)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.text(max_size=12))
def test_decoding_never_raises(body: bytes, label: str) -> None:
    decode(body, label)


HOSTILE = [
    "<script>alert(1)</script>ok", "<scr<script>ipt>alert(1)</script>ok", "<img src=x onerror=e>ok",
    "&lt;script&gt;alert(1)&lt;/script&gt;ok", "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;ok", "ok<!-- x -->",
    "<svg/onload=alert(1)>ok", "<a href='javascript:x'>ok</a>", "ok<iframe src=//x", "ok</title><b>",
    "<style>p{}</style>ok", "<![CDATA[ok]]>", "o\u200bk\u202e", "\x00ok\x07", "&#x202e;ok",
    "<SCRIPT\n>x</SCRIPT >ok", "<!doctype html>ok", "<?php x ?>ok", "ok<script", "ok<script>alert(1)", "&#60;b&#62;ok",
    "\ufeffok\u2028", "ok\ud800", "&lt;&#x3c;img src=x>ok", "ok<\u202escript>", "ok&lt;\u200bscript x",
    "&lt;&lt;&lt;svg ok",
]  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE)
def test_hostile_text_comes_out_plain(raw: str) -> None:
    text = clean_text(raw)
    assert "ok" in text
    assert not any(mark in text.lower() for mark in ("<script", "<img", "<svg", "<a", "<b", "<i"))
    assert not any(char in text for char in "\u200b\u202e\x00\x07\ufeff\u2028\ud800")


def test_plain_signs_survive() -> None:
    assert clean_text("Output < 5 % & rising > 3") == "Output < 5 % & rising > 3"
    assert clean_text("산업부 &amp;quot;점검&amp;quot; &lt;종합&gt;") == '산업부 "점검" <종합>'
    assert clean_text("one<br>two<p>three</p>") == "one two three"
    assert clean_text("요소<b>수</b>") == "요소수"
    assert clean_text("가") == "가"  # NFC


def test_long_text_is_cut_at_a_word() -> None:
    text = clean_text("word " * 1000, 100)
    assert len(text) <= 100
    assert text.endswith("word…")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=200) | st.text("<>&;!-/script#x0 \"'a", max_size=200))
def test_cleaning_is_safe_for_any_text(raw: str) -> None:
    text = clean_text(raw)
    assert not any(
        text[i] == "<" and text[i + 1 : i + 2].isalpha() and text[i + 1].isascii()
        for i in range(len(text))
    )
    assert text == text.strip()


@pytest.mark.parametrize("raw", ["<a" * 50_000, "<!--" * 50_000, "&" * 100_000, "<script" * 30_000])
def test_cleaning_takes_no_time_for_nasty_text(raw: str) -> None:
    assert len(clean_text(raw)) <= 2000


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("https://example.org/a?utm_source=x&id=1&fbclid=2#frag", "https://example.org/a?id=1"),
        ("http://EXAMPLE.org:80", "http://example.org/"),
        ("/news/1", "https://base.example/news/1"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("https://example.org/한국", "https://example.org/%ED%95%9C%EA%B5%AD"),
        ("https://example.org/a%20b?q=%26", "https://example.org/a%20b?q=%26"),
        ("https://example.org/?a=1&amp;b=2", "https://example.org/?a=1&b=2"),
        ("javascript:alert(1)", ""), ("JaVaScRiPt:alert(1)", ""), ("java\x00script:alert(1)", ""),
        ("data:text/html,x", ""), ("vbscript:x", ""), ("file:///etc/passwd", ""), ("", ""),
        ("https://user:pw@example.org/", ""), ("https://example.org/\"onclick=", ""),
        ("https://example.org/<script>", ""), ("https://", ""), ("http://[bad/", ""),
        ("https://example.org:99999/", ""), ("https://example.org/\\evil", ""),
        ("mailto:a@example.org", ""), ("https://e.org/" + "a" * 3000, ""),
    ],
)  # fmt: skip
def test_links_are_plain_web_links_or_nothing(raw: str, wanted: str) -> None:
    assert canonical_url(raw, "https://base.example/feed.xml") == wanted


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z.:\[\]@/?#&=%\\]{0,40}", fullmatch=True))
def test_any_link_becomes_a_web_link_or_nothing(raw: str) -> None:
    url = canonical_url(raw)
    assert url == "" or url.startswith(("http://", "https://"))
    assert canonical_url(url) == url


@pytest.mark.parametrize(
    ("raw", "zone", "wanted"),
    [
        ("Tue, 24 Nov 2026 09:00:00 +0900", "UTC", "2026-11-24T00:00:00+00:00"),
        ("Tue, 24 Nov 2026 09:00:00 GMT", "UTC", "2026-11-24T09:00:00+00:00"),
        ("Tue, 24 Nov 2026 09:00:00 KST", "UTC", "2026-11-24T00:00:00+00:00"),
        ("Tue, 24 Nov 2026 09:00:00 EST", "UTC", "2026-11-24T14:00:00+00:00"),
        ("Tue, 24 Nov 2026 09:00:00", "Asia/Seoul", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24T09:00:00+09:00", "UTC", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24T00:00:00.000Z", "Asia/Seoul", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24", "UTC", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24 09:00:00", "Asia/Seoul", "2026-11-24T00:00:00+00:00"),
        ("2026.11.24 09:00", "Asia/Seoul", "2026-11-24T00:00:00+00:00"),
        (1795478400000, "UTC", "2026-11-24T00:00:00+00:00"),
        ("1795478400000", "UTC", "2026-11-24T00:00:00+00:00"),
    ],
)
def test_dates_become_utc(raw: object, zone: str, wanted: str) -> None:
    moment = parse_date(raw, zone=zone)
    assert moment is not None
    assert moment.isoformat() == wanted


@pytest.mark.parametrize(
    "raw", [None, "", "soon", True, "99999-01-01", 10**30, "0001-01-01", {}, "²"]
)
def test_no_date_is_none(raw: object) -> None:
    assert parse_date(raw) is None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.text(max_size=40) | st.integers() | st.floats(), st.sampled_from(["", "epoch_ms", "%Y%m"])
)
def test_any_date_is_aware_or_none(raw: object, form: str) -> None:
    moment = parse_date(raw, form)
    assert moment is None or (moment.tzinfo == UTC and moment > datetime(1899, 1, 1, tzinfo=UTC))


def test_the_language_is_read_off_the_script() -> None:
    assert guess_lang(KOREAN) == "ko"
    assert guess_lang(JAPANESE) == "ja"
    assert guess_lang(CHINESE) == "zh"
    assert guess_lang(RUSSIAN) == "ru"
    assert guess_lang("Urea exports", "en") == "en"
    assert guess_lang("12345", "") == ""
    assert guess_lang("美 상무부, 中 수출통제 발표") == "ko"


@pytest.mark.parametrize(
    ("lang", "title"),
    [
        ("de", "Hafenstreik in Hamburg legt Containerverkehr lahm, Reedereien weichen aus"),
        ("fr", "La grève du port bloque les exportations de céréales vers l'Afrique"),
        ("es", "China limita las exportaciones de grafito y preocupa a la industria de baterías"),
        ("pt", "Greve nos portos atrasa exportações de soja e preocupa produtores brasileiros"),
        ("it", "Sciopero dei porti, ritardi nelle consegne di componenti per l'industria"),
        ("id", "Pemerintah Indonesia melarang ekspor bijih nikel mulai tahun depan"),
        ("vi", "Trung Quốc hạn chế xuất khẩu đất hiếm, doanh nghiệp lo thiếu nguyên liệu"),
        ("pl", "Strajk w porcie wstrzymał eksport nawozów, firmy szukają innych dróg"),
        ("nl", "Staking in de haven van Rotterdam vertraagt de aanvoer van onderdelen"),
        ("tr", "Liman grevi ihracatı durdurdu, şirketler yeni güzergah arıyor"),
        ("en", "Port strike halts fertiliser exports as shippers look for other routes"),
        ("uk", "Україна обмежила експорт добрив до кінця року"),
        ("el", "Απεργία στο λιμάνι του Πειραιά καθυστερεί τα φορτία"),
        ("fa", "چین صادرات خاک‌های کمیاب را محدود کرد و قیمت‌ها بالا رفت"),
    ],
)
def test_the_language_of_a_headline_is_told(lang: str, title: str) -> None:
    assert guess_lang(title, "en") == lang
    assert guess_lang(title) == lang


def test_a_title_too_short_to_tell_keeps_the_default() -> None:
    assert guess_lang("MkLinux", "en") == "en"
    assert guess_lang("Etna", "") == ""
    assert guess_lang("EDITORIAL CARTOON", "en") == "en"


@pytest.mark.parametrize(
    ("raw", "zone", "wanted"),
    [
        ("2023년 10월 20일 오후 3:05", "Asia/Seoul", "2023-10-20T06:05"),
        ("2023년 10월 20일 금요일 오후 3시", "Asia/Seoul", "2023-10-20T06:00"),
        ("2023-10-20 오전 12:30:00", "Asia/Seoul", "2023-10-19T15:30"),
        ("2023. 10. 20. 오후 12:10", "Asia/Seoul", "2023-10-20T03:10"),
        ("2023.10.20 (금) 14:05", "Asia/Seoul", "2023-10-20T05:05"),
        ("2023年10月20日 午後3時5分", "Asia/Tokyo", "2023-10-20T06:05"),
        ("2023年10月20日 下午3:05", "Asia/Shanghai", "2023-10-20T07:05"),
        ("Fri, 20 Oct 2023 14:05:00 GMT+9", "UTC", "2023-10-20T05:05"),
        ("2023-10-20 14:05 UTC+09:00", "UTC", "2023-10-20T05:05"),
        ("Fri, 20 Oct 2023 14:05:00 CST", "Asia/Shanghai", "2023-10-20T06:05"),
        ("Fri, 20 Oct 2023 14:05:00 CST", "America/Chicago", "2023-10-20T20:05"),
        ("Fri Oct 20 14:05:00 KST 2023", "UTC", "2023-10-20T05:05"),
        ("Oct 20, 2023 3:05 PM EST", "UTC", "2023-10-20T20:05"),
        ("20231020140500", "Asia/Seoul", "2023-10-20T05:05"),
        ("1697778300", "UTC", "2023-10-20T05:05"),
    ],
)
def test_dates_in_the_words_of_their_country(raw: str, zone: str, wanted: str) -> None:
    moment = parse_date(raw, zone=zone)
    assert moment is not None
    assert moment.isoformat()[:16] == wanted


@pytest.mark.parametrize(
    "raw", ["2023-02-30", "Thu, 30 Feb 2023 10:00:00 GMT", "2023년 2월 30일", "0203-01-01", "2023-10-20 25:00",
            "20 Fructidor 2023", "2023년 13월 1일"],
)  # fmt: skip
def test_a_date_that_cannot_be_is_no_date(raw: str) -> None:
    assert parse_date(raw) is None


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("https://n.example/a?id=1&NaPm=ct%3D1&n_media=2", "https://n.example/a?id=1"),
        (
            "https://n.example/a?_gl=1*x&mkt_tok=9&gbraid=1&id=%ea%b0%80",
            "https://n.example/a?id=%EA%B0%80",
        ),
        ("https://n.example/%7euser/%5ba%5d", "https://n.example/~user/%5Ba%5D"),
        ("https://m.yna.co.kr/view/AKR1", "https://www.yna.co.kr/view/AKR1"),
        ("https://m.other.example/view/1", "https://m.other.example/view/1"),  # may be another page
        ("https://n-example.cdn.ampproject.org/c/s/n.example/a", "https://n.example/a"),
        ("https://www.google.com/amp/s/n.example/a", "https://n.example/a"),
        ("https://한국.example/가", "https://xn--3e0b707e.example/%EA%B0%80"),
        ("https://n.example:443/a", "https://n.example/a"),
        ("https://n.example/100%a%41", "https://n.example/100%25aA"),
        ("https://\u3002\u3002.example/", ""),
    ],
)
def test_one_article_has_one_address(raw: str, wanted: str) -> None:
    assert canonical_url(raw) == wanted
    assert canonical_url(wanted) == wanted
