"""What a source.toml may not say: keys of others, more than its share, what nobody can see."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from scrapers.bounds import one_line, own_key, wrong_options, wrong_words
from scrapers.catalog import CatalogError, home_sources, private_source

TOML = """\
publisher = "P"
title = "T"
url = "https://example.org/f"
kind = "rss"
lang = "en"
country = "INT"
group = "news"
tier = 4
terms = "t"
every = "1h"
fresh_within = "2d"
expect = { min = 0, max = 10 }
independence = "x"
live_tested = false
"""


def with_line(line: str) -> str:
    """The private source with that line instead of its own, or beside the others."""
    key = line.partition(" ")[0]
    kept = re.sub(rf"^{re.escape(key)} = .*\n", "", TOML, flags=re.MULTILINE)
    return f"{line}\n{kept}"


@pytest.mark.parametrize(
    "variable", ["EWS_SLACK_BOT_TOKEN", "AWS_SECRET_ACCESS_KEY", "DATA_GO_KR_KEY", "PATH", own_key("y")]
)  # fmt: skip
def test_a_private_source_takes_no_key_along_that_was_not_given_for_it(variable: str) -> None:
    with pytest.raises(CatalogError, match="SOURCE_KEY_X"):
        private_source("x", with_line(f'key_env = "{variable}"'))


def test_a_private_source_may_have_a_key_of_its_own() -> None:
    source = private_source(
        "x", with_line('url = "https://example.org/{key}"\nkey_env = "SOURCE_KEY_X"')
    )
    assert source.key_env == "SOURCE_KEY_X"


@pytest.mark.parametrize(
    "option",
    ['robots = "exempt"\nrobots_reason = "no"', "max_bytes = 999999999999", 'max_bytes = "x"', "max_bytes = -1",
     "max_bytes = true", "deadline_s = 9999", "min_gap_s = 0", "min_gap_s = 3600", "min_gap_s = nan",
     "parse_mib = 4000", "parse_s = inf", "max_entries = -1", 'key_header = "Host"', 'key_header = "a: b"',
     'key_prefix = "x\\r\\ny"', 'also_try = ["file:///etc/passwd"]', 'also_try = ["https://[::1"]',
     "also_try = 1", "post_json = 1", "aggregator = true", 'drop_query = "abc"', "keep_raw = 1", "past = true",
     'post_json = "{day:-999999999}"'],
)  # fmt: skip
def test_a_private_source_keeps_within_its_bounds(option: str) -> None:
    with pytest.raises(CatalogError, match=r"options|address|date|control"):
        private_source("x", f"{TOML}[options]\n{option}\n")


@pytest.mark.parametrize(
    "line",
    [r'title = "a\u001b]0;x\u0007"', r'publisher = "a\nb"', r'independence = "a\u202eb"', r'lang = "en\u001b"',
     'lang = "english"', 'authority = "Korea"', r'title_ko = "a\u0000"', r'url = "https://x.org/\u001b[2J"',
     'url = "https://u:p@x.org/"', 'url = "https://[::1"', 'url = "https://x.org/{day:-999999999}"',
     'independence = ""', 'independence = " "', f'terms = "{"a" * 3000}"', f"expect = {'[' * 4000}{']' * 4000}"],
)  # fmt: skip
def test_what_cannot_be_shown_or_asked_is_refused_when_it_is_read(line: str) -> None:
    with pytest.raises(CatalogError):
        private_source("x", with_line(line))


def test_a_folder_of_traps_stops_no_other_source(tmp_path: Path) -> None:
    root = tmp_path / "sources"
    for name in ("good", "deep", "large", "pipe", "loop", "secret"):
        (root / name).mkdir(parents=True)
    (root / "good" / "source.toml").write_text(TOML, "utf-8")
    (root / "deep" / "source.toml").write_text(f"a = {'[' * 9000}", "utf-8")
    (root / "large" / "source.toml").write_text(f"# {'x' * 300_000}\n{TOML}", "utf-8")
    os.mkfifo(root / "pipe" / "source.toml")  # reading it would wait for ever
    (root / "loop" / "source.toml").symlink_to("/dev/zero")
    (tmp_path / "env").write_text("password = hunter2\n", "utf-8")
    (root / "secret" / "source.toml").symlink_to(tmp_path / "env")
    found, broken = home_sources(tmp_path)
    assert [one.name for one in found] == ["good"]
    assert {one.name for one in broken} == {"deep", "large", "pipe", "loop", "secret"}
    assert not any("hunter2" in one.error for one in broken)


def test_shipped_sources_have_wider_bounds() -> None:
    assert wrong_options({"max_bytes": 128 * 1024 * 1024}) == ""
    assert "max_bytes" in wrong_options({"max_bytes": 128 * 1024 * 1024}, private=True)


def test_a_title_from_outside_becomes_one_line_that_may_stand() -> None:
    title = one_line("a\nb\u202e\x1b[31m\ud800 한글")
    assert title == "a b[31m 한글"
    assert wrong_words({"title": title}) == ""
