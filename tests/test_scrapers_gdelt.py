"""GDELT's files: which documents become articles, and what no file can do to us."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.model import Article, Source
from scrapers.catalog import load_source
from scrapers.errors import SourceError
from scrapers.gdelt import parse_gdelt
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from tests.gdelt_samples import event, mention, packed, page

NOW = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
SOURCE = load_source("gdelt_gkg")
SLOT = "20261124120000"


def read(ending: str, rows: Iterable[str], memory: str = "", source: Source = SOURCE) -> Parsed:
    return parse_gdelt(source, packed(f"{SLOT}.{ending}", rows), NOW, memory=memory)


def with_options(**options: object) -> Source:
    return replace(SOURCE, options={**SOURCE.options, **options})


def articles(parsed: Parsed) -> list[Article]:
    return [one for one in parsed.signals if isinstance(one, Article)]


def titles(parsed: Parsed) -> list[str]:
    return [one.title for one in articles(parsed)]


# --------------------------------------------------------------------------- the three files


def wanted(*rows: str) -> list[str]:
    found: list[str] = json.loads(read("export.CSV", rows).memory or "")
    return found


def test_events_with_a_wanted_code_are_told_by_their_ids() -> None:
    rows = [event(1, "163"), event(2, "010"), event(3, "191", "", ""), event(4, "16", "CHN", "KOR")]
    assert wanted(*rows) == ["1", "3"]


def test_coercion_counts_between_two_countries_only() -> None:
    assert wanted(event(1, "172"), event(2, "172", "CHN", "CHN"), event(3, "172", "CHN", "")) == [
        "1"
    ]
    assert wanted(event(4, "163", "USA", "USA")) == ["4"], "an embargo counts whoever is named"


def test_a_document_is_as_widely_told_as_its_most_mentioned_event() -> None:
    rows = [mention(7, f"https://example.org/{n}") for n in range(5)]
    rows += [mention(8, "https://example.org/0"), mention(9, "https://example.org/alone")]
    told = json.loads(read("mentions.CSV", rows, '["8"]').memory or "")
    assert told["https://example.org/0"] == [5, True]
    assert told["https://example.org/4"] == [5, False]
    assert told["https://example.org/alone"] == [1, False]


def test_a_coding_of_low_confidence_lets_nothing_in() -> None:
    odd = [
        mention(8, "https://example.org/odd").replace("\t100\t", f"\t{cell}\t")
        for cell in ("9" * 5000, "-1", "")
    ]
    rows = [
        mention(8, "https://example.org/sure", 40),
        mention(8, "https://example.org/guess", 30),
        *odd,
    ]
    told = json.loads(read("mentions.CSV", rows, '["8"]').memory or "")
    assert (told["https://example.org/sure"][1], told["https://example.org/guess"][1]) == (
        True,
        False,
    )


def test_a_mention_in_print_is_no_link() -> None:
    row = mention(8, "Doe, J. (2026) On trade").split("\t")
    row[3] = "2"
    assert json.loads(read("mentions.CSV", ["\t".join(row)], '["8"]').memory or "") == {}


def test_a_page_counts_by_its_themes_or_by_its_events() -> None:
    rows = [
        page(1, "https://example.org/theme", "Sample: by theme", ["STRIKE"]),
        page(2, "https://example.org/event", "Sample: by event", ["TAX_FNCACT"]),
        page(3, "https://example.org/neither", "Sample: by neither", ["TAX_FNCACT"]),
        page(4, "https://example.org/near", "Sample: by a theme that only begins so", ["STRIKER"]),
    ]
    facts = json.dumps(
        {"https://example.org/event": [3, True], "https://example.org/near": [9, False]}
    )
    assert titles(read("gkg.csv", rows, facts)) == ["Sample: by theme", "Sample: by event"]
    assert titles(read("gkg.csv", rows)) == ["Sample: by theme"]


def test_what_gdelt_codes_is_not_put_into_the_words_of_an_article() -> None:
    facts = json.dumps({"https://example.org/1": [12, True]})
    found = read("gkg.csv", [page(1, "https://example.org/1", "Sample: talks go on")], facts)
    assert [(one.title, one.text) for one in articles(found)] == [("Sample: talks go on", "")]


# --------------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("published", "observed"),
    [
        ("", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("20261124093000", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("20261124120001", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("not a date", datetime(2026, 11, 24, 12, tzinfo=UTC)),
    ],
)
def test_a_page_dates_itself_unless_it_names_a_moment_after_its_slot(
    published: str, observed: datetime
) -> None:
    row = page(1, "https://example.org/1", "Sample: strike", ["STRIKE"], published=published)
    found = read("gkg.csv", [row])
    assert [one.observed_at for one in articles(found)] == [observed]
    assert found.newest == datetime(2026, 11, 24, 12, tzinfo=UTC), "freshness is that of the file"


def test_an_old_page_that_was_found_again_is_no_news() -> None:
    rows = [
        page(1, "https://example.org/1", "Sample: old", ["STRIKE"], published="20261117115959"),
        page(2, "https://example.org/2", "Sample: a week", ["STRIKE"], published="20261117120000"),
    ]
    assert titles(read("gkg.csv", rows)) == ["Sample: a week"]


@pytest.mark.parametrize(
    ("spoken", "title", "lang"),
    [("kor", "Busan", "ko"), ("per", "x", "fa"), ("zzz", "요소 수출 제한", "ko"), ("zzz", "Latin", ""),
     ("", "Urea", "en"), ("", "尿素出口", "zh")],
)  # fmt: skip
def test_the_language_is_gdelts_word_or_that_of_the_script(
    spoken: str, title: str, lang: str
) -> None:
    row = page(1, "https://example.org/1", title, ["STRIKE"], spoken=spoken)
    assert [one.lang for one in articles(read("gkg.csv", [row]))] == [lang]


def test_titles_are_plain_text_and_keep_the_outlet_behind_the_bar() -> None:
    raw = "Rio &amp; BHP &#x2013; &lt;script&gt;x()&lt;/script&gt;halt | Example\u202e Post"
    row = page(1, "https://example.org/1?utm_source=a&id=7#top", raw, ["STRIKE"])
    found = articles(read("gkg.csv", [row]))
    assert [one.title for one in found] == ["Rio & BHP – halt | Example Post"]
    assert [one.url for one in found] == ["https://example.org/1?id=7"]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "doi:10.1/x", "http://user@example.org/", ""]
)
def test_a_row_without_a_plain_link_is_no_article(link: str) -> None:
    assert titles(read("gkg.csv", [page(1, link, "Sample", ["STRIKE"])])) == []


def test_one_newsroom_is_one_group_and_others_stand_alone() -> None:
    rows = [
        page(1, "https://www.reuters.com/1", "Sample: a", ["STRIKE"], outlet="reuters.com"),
        page(2, "https://Example.org/2", "Sample: b", ["STRIKE"], outlet="Example.org"),
    ]
    found = articles(read("gkg.csv", rows))
    assert [one.independence for one in found] == ["reuters", "example.org"]


def test_a_link_told_twice_is_one_article_and_the_same_in_both_streams() -> None:
    row = page(1, "https://example.org/1", "Sample: strike", ["STRIKE"])
    other = page(2, "https://example.org/1#top", "Sample: strike, again", ["STRIKE"])
    english = articles(read("gkg.csv", [row, row, other]))
    body = packed(f"{SLOT}.translation.gkg.csv", [row])
    translated = articles(parse_gdelt(load_source("gdelt_translated"), body, NOW))
    assert [one.id for one in english] == [one.id for one in translated]


def test_over_the_cap_the_most_mentioned_stay_and_it_is_said() -> None:
    rows = [page(n, f"https://example.org/{n}", f"Sample {n}", ["STRIKE"]) for n in range(6)]
    facts = json.dumps({"https://example.org/4": [9, False], "https://example.org/2": [3, False]})
    found = read("gkg.csv", rows, facts, with_options(max_entries=3))
    assert titles(found) == ["Sample 0", "Sample 2", "Sample 4"]
    assert found.said == "3 articles over the cap, the least mentioned, left out"
    assert found.rows == 6


# --------------------------------------------------------------------------- broken and hostile files


def test_odd_rows_are_left_out_and_counted_and_most_of_them_are_a_change_of_format() -> None:
    good = page(1, "https://example.org/1", "Sample: strike", ["STRIKE"])
    found = read("gkg.csv", [good, "odd\trow", "", good + "\textra", good])
    assert (found.rows, len(found.signals)) == (2, 1)
    assert found.said == "2 odd rows of gkg.csv left out"
    with pytest.raises(SourceError, match=r"3 of 4 rows of export\.csv have not 61 columns"):
        read("export.CSV", [event(1, "163"), good, good, good])


def test_bytes_that_are_no_utf8_become_marks_and_stop_nothing() -> None:
    row = page(1, "https://example.org/1", "Sample: XX strike", ["STRIKE"]).encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{SLOT}.gkg.csv", row.replace(b"XX", b"\xff\xfe"))
    found = parse_gdelt(SOURCE, whole.getvalue(), NOW)
    assert titles(found) == ["Sample: \ufffd\ufffd strike"]


def test_a_file_of_no_rows_is_an_empty_file() -> None:
    assert (read("gkg.csv", []).rows, read("gkg.csv", []).newest) == (0, None)


def archive_of(*names: str) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name in names:
            archive.writestr(name, "x\n")
    return whole.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>Blocked</html>", archive_of(), archive_of("other.txt"),
        archive_of(f"../{SLOT}.gkg.csv"), archive_of(f"{SLOT}.gkg.csv", f"{SLOT}.mentions.CSV"),
    ],
)  # fmt: skip
def test_only_one_file_of_a_known_name_is_read(body: bytes) -> None:
    with pytest.raises(SourceError, match="gdelt_gkg: "):
        parse_gdelt(SOURCE, body, NOW)


def test_one_flipped_byte_fails_the_crc() -> None:
    rows = [page(n, f"https://example.org/{n}", f"Sample {n}", ["STRIKE"]) for n in range(50)]
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{SLOT}.gkg.csv", "\n".join(rows))
    body = whole.getvalue().replace(b"Sample 20", b"Sample 21", 1)
    with pytest.raises(SourceError, match=r"not a whole zip file.*CRC"):
        parse_gdelt(SOURCE, body, NOW)


@pytest.mark.parametrize("filler", [b"\0" * 1000, b"x\n" * 500], ids=["one line", "many lines"])
def test_a_bomb_is_refused_before_it_is_unpacked(
    filler: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrapers.rows.MAX_UNZIPPED", 2_000_000)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{SLOT}.gkg.csv", filler * 20_000)
    with pytest.raises(SourceError, match="unpacks to too much"):
        parse_gdelt(SOURCE, whole.getvalue(), NOW)


def test_the_text_of_a_file_is_never_held_as_a_whole() -> None:
    filler = "y" * 8000
    rows = (page(n, f"https://example.org/{n}", f"Sample {n}", [filler]) for n in range(2000))
    body = packed(f"{SLOT}.gkg.csv", rows, level=1)
    tracemalloc.start()
    try:
        assert parse_gdelt(SOURCE, body, NOW).rows == 2000  # 34 MB of text
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


ROWS = {
    "export.CSV": [event(n, code) for n, code in enumerate(("163", "010", "172"))],
    "mentions.CSV": [mention(n, f"https://example.org/{n}") for n in range(3)],
    "gkg.csv": [page(n, f"https://example.org/{n}", f"Sample {n}", ["STRIKE"]) for n in range(3)],
}
FACTS = {
    "export.CSV": "",
    "mentions.CSV": '["0", "2"]',
    "gkg.csv": '{"https://example.org/1": [3, 1]}',
}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(ROWS)), st.integers(0, 3000), st.integers(0, 60),
    st.binary(max_size=30) | st.sampled_from([b"\t", b"\n", b"\r", b"\0", b"</PAGE_TITLE>", b"&#x110000;"]),
)  # fmt: skip
def test_no_bytes_in_a_row_make_it_raise_anything_else(
    ending: str, at: int, cut: int, new: bytes
) -> None:
    text = "\n".join(ROWS[ending]).encode()
    at %= len(text)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{SLOT}.{ending}", text[:at] + new + text[at + cut :])
    try:
        found = parse(SOURCE, whole.getvalue(), NOW, memory=FACTS[ending])
    except SourceError as error:
        assert "our parser failed" not in error.message  # noqa: PT017
        return
    json.loads(found.memory or "[]")
    for one in articles(found):
        assert one.url.startswith(("http://", "https://"))
        assert one.title.isprintable()
        assert one.observed_at <= NOW
