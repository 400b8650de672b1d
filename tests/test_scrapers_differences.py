"""Lists told by their differences: what is told, what is not believed, what is remembered."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.model import Article, Fetch, FetchOutcome, Observation, Source
from ews.pipeline import Pipeline, Rooms
from ews.storage import Store
from scrapers.catalog import CatalogError, load_source, read_source
from scrapers.collect import collect
from scrapers.differences import differences
from scrapers.entries import entries
from scrapers.errors import SourceError
from scrapers.http import Client, Reply
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.onward import listed_file
from scrapers.remembered import Entry, Remembered, accepted, packed, unpacked

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def short(name: str) -> Source:
    """The source, content with the few entries of a test."""
    return replace(load_source(name), expect_min=1)


def sdn(*lines: tuple[int, str, str], remark: str = "-0-") -> bytes:
    """SDN.CSV as OFAC sends it: no header, CRLF, a control character as last line."""
    null = ",-0- " * 7
    rows = [f'{n},"{name}",-0- ,"{group}"{null},"{remark}"\r\n' for n, name, group in lines]
    return "".join(rows).encode() + b"\x1a"


def many(first: int, last: int, remark: str = "-0-") -> bytes:
    return sdn(*((n, f"NAME {n}", "CUBA") for n in range(first, last)), remark=remark)


def ofac(body: bytes, memory: str | None = "", now: datetime = NOW) -> Parsed:
    return parse(short("ofac_sdn"), body, now, memory=memory or "")


def told(parsed: Parsed) -> list[str]:
    return [one.title for one in parsed.signals if isinstance(one, Article)]


def test_the_first_sight_of_a_list_tells_nothing_and_says_so() -> None:
    parsed = ofac(many(0, 30))
    assert told(parsed) == []
    assert "first sight of the list: 30 entries, none told" in parsed.said
    assert unpacked(parsed.memory or "") is not None


def test_changes_are_told_by_group_with_names() -> None:
    before = ofac(many(0, 30)).memory
    news = [(n, f"SHIP {n}", "RUSSIA-EO14024") for n in range(90, 102)]
    body = many(1, 30).removesuffix(b"\x1a") + sdn(*news, (200, "A BANK", "SDGT] [IFSR"))
    assert told(ofac(body, before)) == [
        "OFAC adds to the US sanctions list (SDN) under RUSSIA-EO14024: SHIP 100; SHIP 101; "
        "SHIP 90 and 9 more",
        "OFAC adds to the US sanctions list (SDN) under SDGT, IFSR: A BANK",
        "OFAC removes from the US sanctions list (SDN) under CUBA: NAME 0",
    ]


def test_an_amended_entry_is_told_and_a_rewritten_file_is_not() -> None:
    before = ofac(many(0, 30)).memory
    body = many(0, 29).removesuffix(b"\x1a") + sdn((29, "NAME 29", "CUBA"), remark="New remark.")
    assert told(ofac(body, before)) == [
        "OFAC amends entries of the US sanctions list (SDN) under CUBA: NAME 29"
    ]
    rewritten = ofac(many(0, 30, "Another form."), before)
    assert told(rewritten) == []
    assert "30 of 30 entries were rewritten at once" in rewritten.said


def test_the_same_change_has_the_same_id_however_often_it_is_read() -> None:
    before = ofac(many(0, 30)).memory
    first, again = ofac(many(0, 31), before), ofac(many(0, 31), before, NOW + timedelta(hours=9))
    assert [one.id for one in first.signals[:1]] == [one.id for one in again.signals[:1]]
    assert told(ofac(many(0, 31), first.memory)) == []


def test_counts_by_programme_stand_beside_the_changes() -> None:
    parsed = ofac(many(0, 30))
    counts = {one.series: one.value for one in parsed.signals if isinstance(one, Observation)}
    assert counts == {"ofac/sdn-names/cuba/-": 30, "ofac/sdn-names/all/-": 30}


def test_a_half_empty_file_is_refused_and_the_list_is_kept() -> None:
    before = ofac(many(0, 100)).memory
    short = ofac(many(0, 50), before)
    assert short.signals == []
    assert "suspicious: 50 of 100 entries are gone at once" in short.refused
    kept = unpacked(short.memory or "")
    assert kept is not None
    assert len(kept.entries) == 100
    whole = ofac(many(0, 101), short.memory, NOW + DAY)
    assert (whole.refused, len(told(whole))) == ("", 1)


def test_a_list_that_stays_short_is_believed_after_three_days() -> None:
    memory = ofac(many(0, 100)).memory
    for hours in (0, 12, 36, 71):
        parsed = ofac(many(0, 50), memory, NOW + timedelta(hours=hours))
        assert parsed.refused
        memory = parsed.memory
    parsed = ofac(many(0, 50), memory, NOW + 3 * DAY)
    assert parsed.refused == ""
    assert told(parsed)[0].startswith("OFAC removes from the US sanctions list (SDN) under CUBA")
    assert told(parsed)[0].endswith("and 47 more")


def test_an_operator_may_accept_a_short_list_at_once() -> None:
    whole = ofac(many(0, 100)).memory or ""
    assert accepted(whole) == whole
    held = ofac(many(0, 50), whole).memory or ""
    parsed = ofac(many(0, 50), accepted(held), NOW + timedelta(hours=1))
    assert parsed.refused == ""
    assert told(parsed)[0].startswith("OFAC removes")
    # and only this once: what comes next is judged again
    again = ofac(many(0, 20), parsed.memory, NOW + timedelta(hours=2))
    assert "30 of 50 entries are gone" in again.refused


def test_a_refused_list_is_a_failed_fetch_that_is_asked_again_in_full() -> None:
    source = short("ofac_sdn")
    last = Fetch(source.name, NOW - DAY, FetchOutcome.NEW, etag='"old"', sha256="0" * 64)
    memory = ofac(many(0, 100)).memory or ""
    got = collect(source, last, NOW, Served({source.url: many(0, 50)}), memory)
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert "suspicious" in (got.fetch.error or "")
    assert (got.fetch.etag, got.fetch.sha256) == ('"old"', "0" * 64)
    assert not got.fetch.permanent
    assert got.memory is not None
    assert got.signals == []


def test_a_file_that_is_shorter_than_expected_is_no_baseline_and_no_news() -> None:
    source = load_source("ofac_sdn")
    got = collect(source, None, NOW, Served({source.url: many(0, 500)}))
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert "at least 8000 are expected" in (got.fetch.error or "")
    assert (got.signals, got.memory) == ([], None)


def test_a_wave_of_groups_is_a_few_articles() -> None:
    before = ofac(many(0, 30)).memory
    wave = sdn(*((1000 + n, f"WAVE {n}", f"PROGRAMME {n % 90:02}") for n in range(5000)))
    titles = told(ofac(many(0, 30).removesuffix(b"\x1a") + wave, before))
    assert len(titles) == 21
    assert "(+67): WAVE" in titles[-1]
    assert all(len(title) <= 300 for title in titles)


def test_other_rules_make_a_new_baseline_not_a_wave() -> None:
    memory = packed(Remembered({"1": Entry("0a1b2c3d", "CUBA", "OLD")}, "other"))
    parsed = ofac(many(0, 30), memory)
    assert told(parsed) == []
    assert "read in another way than before" in parsed.said
    assert ofac(many(0, 30), "not ours").said.startswith("read in another way")


@pytest.mark.parametrize(
    "body", [b"", b"\x1a", b"<!DOCTYPE html><title>Denied</title>", b"a,b\r\n"]
)
def test_what_is_no_list_is_an_error_never_an_empty_list(body: bytes) -> None:
    with pytest.raises(SourceError):
        ofac(body, ofac(many(0, 30)).memory)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('format = "csv"', 'format = "pdf"', "options.format must be one of csv, json"),
        ("added = ", "adds = ", "options.tell must be a table with added"),
        ('id = "{ent_num}"\n', "", "'options.id' is missing"),
    ],
)
def test_a_list_that_cannot_be_told_is_refused_when_it_is_read(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = (files("scrapers") / "sources" / "ofac_sdn" / "source.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "source.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogError, match=words):
        read_source(tmp_path)


# --------------------------------------------------------------------------- the EU's XML


def eu(count: int, root: str = "export", tail: str = "</export>") -> bytes:
    one = (
        '<sanctionEntity logicalId="{n}"><regulation programme="UKR"/>'
        '<nameAlias wholeName="Entity {n} &amp; Co"/><remark>words</remark></sanctionEntity>\n'
    )
    head = (
        f'<{root} xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-11-24T10:00:00">'
    )
    return (head + "".join(one.format(n=n) for n in range(count)) + tail).encode()


def test_the_eu_list_is_dated_by_itself() -> None:
    source = short("eu_fsf")
    memory = parse(source, eu(50), NOW).memory or ""
    parsed = parse(source, eu(52), NOW + DAY, memory=memory)
    assert told(parsed) == ["EU adds to its financial sanctions list under UKR: "
                            "Entity 50 & Co; Entity 51 & Co"]  # fmt: skip
    assert parsed.newest == datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (eu(50)[:-200], "broken or cut-off XML after"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + eu(3), "DOCTYPE"),
        (eu(3).replace(b"logicalId", b"id"), "field '@logicalId' is missing in 3 of 3"),
        (eu(0), "no entry in the list"),
    ],
)
def test_a_broken_eu_list_says_what_is_wrong(body: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words.replace("[", "")):
        parse(short("eu_fsf"), body, NOW)


def test_a_large_xml_is_never_a_tree_in_memory() -> None:
    body, source = eu(2000), short("eu_fsf")
    tracemalloc.start()
    try:
        assert sum(1 for _ in entries(source, body)) == 2000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(body)  # rows of a whole file need several times its size


RSS = """<?xml version="1.0"?><rss version="2.0"><channel>
<item><title>CSV - v1.0</title><link>https://webgate.ec.europa.eu/csv</link><guid>1</guid></item>
<item><title>XML (Based on XSD) - v1.1</title><link>{link}</link><guid>2</guid></item>
</channel></rss>"""


class Served(Client):
    """A client that serves stored bodies by address and remembers what was asked."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        super().__init__("tests@example.org")
        self.bodies, self.asked = bodies, list[str]()

    def get(self, url: str, **_: object) -> Reply:  # type: ignore[override]
        self.asked.append(url)
        found = self.bodies.get(url)
        return Reply(200 if found is not None else 500, {}, found or b"", url)


def test_the_file_is_asked_for_only_when_its_index_changed() -> None:
    source = short("eu_fsf")
    link = "https://webgate.ec.europa.eu/fsd/fsf/public/files/xmlFullSanctionsList_1_1/content"
    client = Served({source.url: RSS.format(link=link).encode(), link: eu(2001)})
    first = collect(source, None, NOW, client)
    assert first.fetch.outcome is FetchOutcome.NEW
    assert client.asked == [source.url, link]
    again = collect(source, first.fetch, NOW + DAY, client, first.memory or "")
    assert again.fetch.outcome is FetchOutcome.UNCHANGED
    assert client.asked == [source.url, link, source.url]


def test_an_index_whose_file_fails_is_read_again_at_the_next_turn() -> None:
    source = short("eu_fsf")
    link = "https://webgate.ec.europa.eu/gone"
    client = Served({source.url: RSS.format(link=link).encode()})
    first = collect(source, None, NOW, client)
    assert first.fetch.outcome is FetchOutcome.FAILED
    assert collect(source, first.fetch, NOW + DAY, client).fetch.outcome is FetchOutcome.FAILED
    assert client.asked.count(link) == 2


def test_an_index_that_leads_elsewhere_is_not_followed() -> None:
    source = short("eu_fsf")
    with pytest.raises(SourceError, match=r"it leads to evil\.example"):
        listed_file(source, RSS.format(link="https://evil.example/x").encode(), source.url)
    with pytest.raises(SourceError, match="no longer names"):
        listed_file(source, RSS.replace("v1.1", "v2.0").encode(), source.url)


def test_a_json_index_names_its_file_too() -> None:
    source = load_source("opensanctions_targets")
    link = "https://data.opensanctions.org/datasets/20261124/sanctions/targets.simple.csv"
    body = b'{"version": "1", "resources": [{"name": "targets.simple.csv", "url": "%s"}]}'
    assert listed_file(source, body % link.encode(), source.url) == link
    assert listed_file(source, b'"id","schema"\n', link) is None


# --------------------------------------------------------------------------- the memory

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1)
ENTRIES = st.dictionaries(WORDS, st.builds(Entry, st.just("0a1b2c3d"), WORDS, WORDS), max_size=8)


@settings(max_examples=40, derandomize=True)
@given(ENTRIES)
def test_what_is_packed_comes_back(held: dict[str, Entry]) -> None:
    one = Remembered(held, "rules", NOW)
    assert unpacked(packed(one)) == one
    assert packed(one).isascii()


@settings(max_examples=40, derandomize=True)
@given(ENTRIES, ENTRIES)
def test_every_entry_is_added_removed_amended_or_the_same(
    before: dict[str, Entry], after: dict[str, Entry]
) -> None:
    changes, _ = differences(before, after)
    by = {what: {id for one in changes if one.what == what for id, _ in one.entries}
          for what in ("added", "removed", "amended")}  # fmt: skip
    assert by["added"] == after.keys() - before.keys()
    assert by["removed"] == before.keys() - after.keys()
    assert by["amended"] == set()  # all have one digest here


@pytest.mark.parametrize("memory", ["", "x", "list1:", "list1:!!!", "list1:" + "A" * 40])
def test_a_memory_that_is_not_ours_is_none(memory: str) -> None:
    assert unpacked(memory) is None


def test_the_memory_of_twenty_thousand_names_is_small() -> None:
    held = {str(n): Entry(f"{n * 7919 % 2**32:08x}", f"P{n % 70}", f"COMPANY NUMBER {n} LIMITED")
            for n in range(20_000)}  # fmt: skip
    assert len(packed(Remembered(held, "r"))) < 400_000


def source_of(**options: object) -> Source:
    return Source(
        name="listed", publisher="P", title="T", url="https://example.org/l", kind="list",
        lang="ko", group="policy", terms="t", every_s=60, fresh_within_s=60, expect_min=0,
        expect_max=9, options=options,
    )  # fmt: skip


def test_a_list_in_json_is_told_in_its_own_language() -> None:
    source = source_of(
        format="json", items="rows", id="{id}", name="{name}", group="{part}",
        tell={"added": "{group} 명단에 추가: {names}", "more": " 외 {n}건"},
    )  # fmt: skip

    def body(count: int) -> bytes:
        rows = [f'{{"id": {n}, "name": "이름{n}", "part": "통제"}}' for n in range(count)]
        return f'{{"rows": [{", ".join(rows)}]}}'.encode()

    memory = parse(source, body(1), NOW).memory or ""
    assert told(parse(source, body(6), NOW, memory=memory)) == [
        "통제 명단에 추가: 이름1; 이름2; 이름3 외 2건"
    ]
    assert told(parse(source, body(5), NOW, memory=parse(source, body(6), NOW).memory or "")) == []


def test_an_id_in_two_lines_is_one_entry_whatever_their_order() -> None:
    source = source_of(format="csv", id="{id}", name="{id}", group="g", tell={"amended": "{names}"})
    first = b"id,where\nx,a\nx,b\n"
    memory = parse(source, first, NOW).memory or ""
    assert told(parse(source, b"id,where\nx,b\nx,a\n", NOW, memory=memory)) == []
    assert told(parse(source, b"id,where\nx,a\nx,c\n", NOW, memory=memory)) == ["x"]


def test_a_turn_that_was_killed_is_made_again_and_tells_each_change_once(tmp_path: Path) -> None:
    """Articles and memory are kept in one transaction, so neither stands without the other."""
    source = short("ofac_sdn")

    def scraping() -> Pipeline:
        return Pipeline(Store.open(tmp_path), Rooms(*[cast(Any, None)] * 5))

    first, second = Served({source.url: many(0, 30)}), Served({source.url: many(0, 32)})
    scraping().scrape(source, first, NOW)
    killed = scraping()
    got = collect(source, killed.store.last_fetch(source.name), NOW + DAY, second,
                  killed.store.memory(source.name))  # fmt: skip
    assert len([one for one in got.signals if isinstance(one, Article)]) == 1
    # the machine is gone before anything is kept: the next turn reads the same again
    later = NOW + DAY + timedelta(hours=1)
    assert scraping().scrape(source, second, later) == 3  # the change and two counts
    assert scraping().scrape(source, Served({source.url: many(0, 32) + b"\n"}), later + DAY) == 2
    assert len(scraping().store.unclassified(later + 2 * DAY, 10)) == 1
