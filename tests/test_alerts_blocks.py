"""Every message the suite can make fits Slack and the console, whatever a feed or a person wrote."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.blocks import (
    MAX_HEADER,
    MAX_PARTS,
    level,
    section_text,
    split_lines,
    to_blocks,
)
from alerts.bulletins import bulletin_message
from alerts.channels.slack_buttons import reply_buttons, root_buttons
from alerts.channels.slack_limits import checked
from alerts.messages import AlertView, build_message, render_blocks, render_text
from alerts.plain import escape_slack, one_line, plain_slack, safe_link
from alerts.view import Line, Section
from alerts.words import LANGS, phrases
from ews.model import (
    FALSE_ALARMS,
    AlertState,
    Bulletin,
    BulletinKind,
    BulletinPart,
    ChangeKind,
    Ending,
    Silence,
    Stage,
)
from tests.alert_samples import NOW, change, hop, urea_alert, urea_event, urea_exposure, view_of
from tests.hostile import (
    BAD_LINKS,
    HOSTILE,
    check_blocks,
    check_message,
    check_mrkdwn,
    check_text,
    hostile_text,
)
from tests.message_samples import LINK, VIEWS, bulletin

GOOD = "https://example.org/a?b=%3Cc%3E%7Cd&amp;e"  # as it stands in mrkdwn
OWN = (GOOD, "https://example.org/", LINK)
LABELS = {
    lang: tuple(f"{texts[lang]}:" for key, texts in phrases().items() if key.startswith("label."))
    for lang in LANGS
}
# What a person's words or a feed's come in as the reason of a change.
REASONS = (
    "{}",
    "new: {}",
    "rule {} holds",
    "alert signed by {}: {}",
    "cleared by {}: {}",
    "closed by {}; decision: {}; outcome: {}",
    "false alarm: old_news by {}: {}",
)


def hostile_view(
    words: str,
    url: str = "https://example.org/",
    kind: ChangeKind = ChangeKind.UPDATED,
    stage: Stage = Stage.ALERT,
    reason: str = "{}",
) -> AlertView:
    """Every word of a message that can come from outside ews, or from a person's hand."""
    evidence = replace(urea_event().evidence[0], title=words, outlet=words, url=url)
    ended = kind in {ChangeKind.RESOLVED, ChangeKind.RETRACTED, ChangeKind.CLOSED}
    alert = urea_alert(
        stage,
        title=words,
        rule=words or "r",
        reasons=(words, f"share={words}"),
        items=("urea", words),
        countries=(words,),
        ministries=("molit", words),
        type=words or "t",
        unlisted=(words,),
        signed_off_by=words if kind is ChangeKind.STAGE_UP else None,
        signed_off_at=NOW,
        proposed=Stage.SEVERE if kind is ChangeKind.PROPOSED else None,
        sign_by=NOW,
        refused=Stage.SEVERE,
        refused_by=words,
        holder=words or None,
        acknowledged_at=NOW,
        state=AlertState.RESOLVED if ended else AlertState.FIRING,
        ending=Ending.RETRACTED if kind is ChangeKind.RETRACTED else None,
    )
    paths = (replace(hop("origin:CN:urea", "item:urea", 0.9), citation=words, period=words),)
    uses = (
        urea_exposure(1, path=paths, use_id=words, industry=words, ministries=(words, "molit")),
        urea_exposure(2, item=words, path=(hop(f"port:{words}", f"moon:{words}"),)),
    )
    event = urea_event(title=words, evidence=(evidence,), model=words)
    step = replace(change(kind, alert, Stage.CAUTION, reason.replace("{}", words)), by=words)
    plan = Silence("s", words, words, NOW, NOW, {}, planned=True, title=words)
    return view_of(
        step,
        event,
        uses,
        told=(words,),
        because=words,
        blind=(words,),
        joined=(replace(event, id="evt-2", items=(words,)),),
        signers=(words,),
        mentions=(words,),
        planned=(plan,),
        link=url,
        closed=words,
    )


def hostile_bulletin(words: str, kind: BulletinKind, lang: str, url: str = "") -> Bulletin:
    parts = (BulletinPart(words, (words, words), (url, url)), BulletinPart(words, ()))
    return Bulletin("bul-1", kind, words, lang, NOW, words, parts)


@cache
def lines_of_quiet_words(url: str, kind: ChangeKind, stage: Stage, reason: str, lang: str) -> int:
    return len(render_text(hostile_view("words", url, kind, stage, reason), lang).splitlines())


def check_harmless(
    words: str, url: str, kind: ChangeKind, stage: Stage, reason: str, lang: str
) -> None:
    message = build_message(hostile_view(words, url, kind, stage, reason), lang)
    check_message(message, OWN)
    if one_line(words):
        known = lines_of_quiet_words(url, kind, stage, reason, lang)
        # A reason that no longer fits its pattern is a person's note: a label and a line more.
        assert len(message.text.splitlines()) <= known + 2, "nobody's words may add lines"
    for line in message.text.splitlines()[1:]:
        assert line.startswith(("  ", *LABELS[lang])), line


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_no_words_become_markup_a_mention_or_a_line_of_their_own(words: str) -> None:
    url = "https://example.org/a?b=<c>|d&e"
    turns = zip(
        ChangeKind,
        itertools.cycle(Stage),
        itertools.cycle(REASONS),
        itertools.cycle(LANGS),
        strict=False,
    )
    half = HOSTILE.index(words) % 2  # each kind with every second text; the next test mixes more
    for kind, stage, reason, lang in itertools.islice(turns, half, None, 2):
        check_harmless(words, url, kind, stage, reason, lang)


@pytest.mark.torture
def test_every_hostile_text_in_every_kind_stage_and_language() -> None:
    reasons = itertools.cycle(REASONS)
    told = 0
    for words, kind, stage, lang in itertools.product(HOSTILE, ChangeKind, Stage, LANGS):
        check_harmless(words, "https://example.org/", kind, stage, next(reasons), lang)
        told += 1
    print(f"{told} messages, each with its thread's first: nothing injected")
    assert told == len(HOSTILE) * len(ChangeKind) * len(Stage) * len(LANGS)


@settings(max_examples=60, deadline=None)
@given(
    hostile_text,
    st.sampled_from(ChangeKind),
    st.sampled_from(Stage),
    st.sampled_from(REASONS),
    st.sampled_from(LANGS),
)
def test_no_text_at_all_becomes_markup(
    words: str, kind: ChangeKind, stage: Stage, reason: str, lang: str
) -> None:
    check_harmless(words, "https://example.org/", kind, stage, reason, lang)


@settings(max_examples=40, deadline=None)
@given(hostile_text, st.sampled_from(BulletinKind), st.sampled_from(LANGS))
def test_no_bulletin_carries_markup(words: str, kind: BulletinKind, lang: str) -> None:
    check_message(bulletin_message(hostile_bulletin(words, kind, lang, LINK)), OWN)


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_no_bulletin_carries_what_hurts(words: str) -> None:
    for kind in BulletinKind:
        check_message(bulletin_message(hostile_bulletin(words, kind, "ko")), OWN)


@pytest.mark.parametrize("url", BAD_LINKS)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert safe_link(url) == ""
    view = hostile_view("title", url)
    for lang in LANGS:
        check_blocks(render_blocks(view, lang))
        check_message(bulletin_message(hostile_bulletin("x", BulletinKind.DIGEST, lang, url)))


@settings(max_examples=200, deadline=None)
@given(st.one_of(hostile_text, hostile_text.map(lambda tail: f"https://example.org/{tail}")))
def test_an_address_is_refused_or_stays_one_link(url: str) -> None:
    if link := safe_link(url):
        check_mrkdwn(f"<{link.replace('&', '&amp;')}|x>", (link.replace("&", "&amp;"),))
        check_text(f"{link}\n")


def test_a_good_address_is_kept_and_its_odd_characters_are_quoted() -> None:
    assert safe_link("https://example.org/기사?a=1&b=2#c") == "https://example.org/기사?a=1&b=2#c"
    assert safe_link("https://e.org/<a>|b") == "https://e.org/%3Ca%3E%7Cb"


@settings(max_examples=200, deadline=None)
@given(hostile_text)
def test_one_line_is_one_clean_line(words: str) -> None:
    line = one_line(words, 80)
    assert len(line) <= 80
    assert one_line(line, 80) == line, "cleaning twice changes nothing"
    check_text(f"{line}\n")
    check_mrkdwn(escape_slack(line))
    assert not set(plain_slack(line)) & set("<>@")


# --------------------------------------------------------------------------- every message


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", VIEWS)
def test_every_message_we_know_is_taken_whole(name: str, lang: str) -> None:
    view = VIEWS[name]()
    links = ("https://example.org/urea?a=1&amp;b=2", "https://example.org/def", LINK)
    message = build_message(view, lang)
    check_message(message, links)
    cut = ("줄 줄임", "lines left out")
    assert not any(word in str(message.blocks) for word in cut), "an ordinary message is whole"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", BulletinKind)
def test_every_bulletin_we_know_is_taken_whole(kind: BulletinKind, lang: str) -> None:
    check_message(bulletin_message(bulletin(kind, lang)), OWN)


LONG = "가나다 <&> " * 200


def longest_view(kind: ChangeKind, stage: Stage, ending: Ending | None) -> AlertView:
    """500 paths to 60 items with the longest names, and everything else too long as well."""
    exposures = tuple(
        urea_exposure(
            1,
            item=f"item-{number % 60}-{'x' * 200}",
            use_id=f"use-{number}&<>{'y' * 90}",
            ministries=tuple(f"ministry-{n}-{'&' * 80}" for n in range(9)),
        )
        for number in range(500)
    )
    view = hostile_view(LONG, "https://e.org/" + "a&" * 400, kind, stage)
    alert = replace(
        view.alert,
        reasons=(LONG,) * 60,
        countries=tuple(f"C{'&' * 90}{n}" for n in range(200)),
        items=tuple(f"item-{n}-{'x' * 200}" for n in range(60)),
        unlisted=tuple(f"item-{n}-{'x' * 200}" for n in range(60)),
        ministries=tuple(f"ministry-{n}-{'&' * 80}" for n in range(40)),
        ending=ending,
        state=AlertState.RESOLVED if ending else AlertState.FIRING,
        blind_since=NOW,
    )
    event = replace(view.event, evidence=view.event.evidence * 50)
    return replace(
        view,
        alert=alert,
        event=event,
        exposures=exposures,
        change=None if view.change is None else replace(view.change, alert=alert),
        told=(LONG,) * 90,
        blind=(LONG,) * 90,
        joined=tuple(replace(event, id=f"evt-{n}") for n in range(40)),
        signers=(LONG,) * 40,
        mentions=(LONG,) * 40,
        planned=view.planned * 20,
    )


@pytest.mark.parametrize("kind", ChangeKind)
def test_the_longest_message_of_every_kind_stays_inside_every_limit(kind: ChangeKind) -> None:
    link = "https://e.org/" + "a&amp;" * 400
    ends = (None, *Ending) if kind in {ChangeKind.RESOLVED, ChangeKind.CLOSED} else (None,)
    for end, lang in itertools.product(ends, LANGS):
        message = build_message(longest_view(kind, Stage.SEVERE, end), lang)
        check_message(message, (link,))
        assert checked([*message.root_blocks, *root_buttons(message, lang)]) is not None
        assert checked([*message.blocks, *reply_buttons(message, lang)]) is not None
        assert "ews explain" in str(message.blocks), "the way to the whole proof is never cut"


def test_a_bulletin_of_many_parts_counts_what_it_leaves_out() -> None:
    parts = tuple(
        BulletinPart(f"part {n}", tuple(f"{n}-{line} {LONG}" for line in range(20)))
        for n in range(80)
    )
    told = replace(bulletin(BulletinKind.DIGEST, "en"), parts=parts)
    message = bulletin_message(told)
    check_message(message)
    assert message.text.count("-0 가나다") == 80, "the plain text has them all"
    assert "lines left out" in str(message.blocks[-1])
    for number, block in enumerate(message.blocks[2:MAX_PARTS]):
        assert f"part {number}*" in str(block)
        assert "lines left out: " in str(block)


# --------------------------------------------------------------------------- the parts of it


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=40), st.integers(100, 12_000))
def test_the_longest_give_way_first_and_all_fit(sizes: list[int], room: int) -> None:
    limit = level(sizes, room)
    assert sum(min(size, limit) for size in sizes) <= room
    if sum(sizes) > room:
        assert sum(min(size, limit + 1) for size in sizes) > room - len(sizes), "no room is wasted"
    else:
        assert all(size <= limit for size in sizes)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=30), st.integers(120, 900))
def test_what_a_section_leaves_out_it_counts(lengths: list[int], limit: int) -> None:
    lines = tuple(Line(f"n{n}:" + "x" * size, holds=1) for n, size in enumerate(lengths))
    text = section_text(Section("label", lines), limit, "en", "ews explain alr-1")
    assert len(text) <= limit
    shown = sum(f"\nn{n}:" in text for n in range(len(lines)))
    if shown < len(lines):
        assert f"with {len(lines) - shown} uses or items; see all: ews explain alr-1" in text


def test_a_line_too_long_is_shortened_unless_it_names_uses() -> None:
    long = Section("label", (Line("x" * 5000, LINK),))
    text = section_text(long, 600, "ko")
    assert text.endswith("…>")
    assert f"<{LINK}|x" in text
    named = Section("label", (Line("x" * 5000, holds=7),))
    assert "용도·품목 7건" in section_text(named, 600, "ko", "ews explain alr-1")


def test_pieces_are_cut_between_lines_and_lose_nothing() -> None:
    text = "\n".join(f"{n} " + "x" * (n * 37 % 400) for n in range(200))
    pieces = split_lines(text, 2900)
    assert all(len(piece) <= 2900 for piece in pieces)
    assert "\n".join(pieces) == text
    assert split_lines("", 2900) == []


def test_a_header_is_cut_with_a_sign() -> None:
    header = to_blocks("x" * 400, (), "ko")[0]["text"]
    assert isinstance(header, dict)
    assert len(header["text"]) == MAX_HEADER
    assert header["text"].endswith("…")


def test_every_false_alarm_reads_as_a_correction() -> None:
    for why, retracts in FALSE_ALARMS.items():
        if retracts:
            view = hostile_view("x", kind=ChangeKind.RETRACTED, reason=f"false alarm: {why} by X")
            assert "이 경보는 사실이 아니었습니다" in render_text(view, "ko")
