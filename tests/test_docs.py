"""Documents and code keep each other honest: what exists is documented, and documents are fresh."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ews.config import Settings
from ews.web.help_pages import READERS, help_html
from nlp.taxonomy import TYPES
from scrapers import load_sources
from scrapers.kinds import COMMON, KINDS
from tests.docs_text import GENERATED, ROOT, commands, openapi, split

DOCS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}  # fmt: skip
ALL = "\n".join(DOCS.values())


@pytest.mark.parametrize("path", list(GENERATED))
def test_the_generated_part_of_a_document_is_fresh(path: str) -> None:
    assert split(path)[1] == GENERATED[path](), f"{path} is stale; run: python -m tests.docs_text"


def test_every_command_has_help_and_stands_in_the_reference() -> None:
    for name, command in commands():
        assert command.help, f"{name} has no help"
        assert f"### `{name}`" in DOCS["docs/cli.md"], f"docs/cli.md lacks {name}"
        for param in command.params:
            shown = getattr(param, "help", None) or param.name in {"limit", "port", "count"}
            assert shown, f"{name}: {param.name} has no help"


def test_every_setting_is_documented() -> None:
    for name in Settings.model_fields:
        assert f"`{name}`" in ALL, f"no document has the setting `{name}`"


def test_every_key_of_a_source_is_documented() -> None:
    wanted = {one.key_env for one in load_sources() if one.key_env}
    missing = [name for name in sorted(wanted) if f"`{name}`" not in DOCS["docs/settings.md"]]
    assert not missing, f"docs/settings.md lacks the keys {missing}"


def test_every_option_of_a_source_is_documented() -> None:
    page = DOCS["docs/howto-add-a-source.md"].partition("## Options")[2]
    wanted = COMMON.union(*(kind.options for kind in KINDS.values()))
    missing = [name for name in sorted(wanted) if not re.search(rf"`{name}( = [^`]*)?`", page)]
    assert not missing, f"docs/howto-add-a-source.md lacks the options {missing}"


def test_every_event_type_is_documented() -> None:
    missing = [name for name in TYPES if f"`{name}`" not in ALL]
    assert not missing, f"no document has these event types in backticks: {missing}"


def test_every_source_is_documented() -> None:
    missing = [s.name for s in load_sources() if f"`{s.name}`" not in ALL]
    assert not missing, f"docs/sources.md lacks {missing}"


def test_every_api_path_is_documented() -> None:
    for path, methods in openapi()["paths"].items():
        for name in methods:
            assert f"`{name.upper()} {path}`" in DOCS["docs/api.md"]


def test_every_command_that_a_document_shows_exists() -> None:
    known = {name for name, _ in commands()}
    groups = {name.rpartition(" ")[0] for name in known} - {"ews"}
    texts = dict(DOCS)
    for path in ROOT.glob("ews/web/help/*.md"):
        texts[path.name] = path.read_text("utf-8")
    for where, text in texts.items():
        code = re.findall(r"```.*?```|`[^`\n]+`", text, re.S)  # prose may begin with "ews"
        shown_here = re.findall(
            r"(?:^|`|\$ )ews ([a-z]+(?: [a-z]+)?)(?=[ `\n])", "\n".join(code), re.M
        )
        for shown in shown_here:
            first, *rest = shown.split()
            name = f"ews {first} {rest[0]}" if f"ews {first}" in groups and rest else f"ews {first}"
            assert name in known | groups, f"{where} shows `ews {shown}`, which does not exist"


@pytest.mark.parametrize("reader", list(READERS))
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_reader_has_help_in_both_languages(reader: str, lang: str) -> None:
    html = help_html(reader, lang)
    assert html.count("<h2>") >= 3
    assert (lang == "ko") == bool(re.search("[가-힣]", html.split("</h1>")[0]))


def test_links_between_documents_lead_somewhere() -> None:
    for where, text in DOCS.items():
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text):
            file = (ROOT / where).parent / target
            assert file.exists(), f"{where} links to {target}, which is not there"


def score_figures(readme: str) -> list[list[str]]:
    """The numbers of each row of the table of the score."""
    table = DOCS[readme].split("<!-- score-table -->")[1].strip().split("\n\n")[0]
    cells = [line.strip("| ").rsplit("|", 1)[1] for line in table.splitlines()[2:]]
    return [re.findall(r"\d+(?:\.\d+)?", cell) for cell in cells]


def test_both_readmes_have_the_figures_of_the_score() -> None:
    figures = score_figures("README.md")
    assert score_figures("README.ko.md") == figures
    score = json.loads((ROOT / "docs/score/2023h2.json").read_text("utf-8"))
    recall, precision = score["recall"], score["precision"]
    counted = (score["recall_caution"]["severity_2"], recall["severity_2"], recall["all"],
               precision["judged"]["caution"], precision["strict_caution"],
               score["duplicates"], score["traps"])  # fmt: skip
    wanted = [
        [str(one["hits"]), str(one["of"]), *(f"{n:.2f}" for n in (one["rate"], *one["interval"]))]
        for one in counted
    ]
    alerts = score["alerts"]
    wanted.insert(5, [f"{alerts['per_day']:.1f}", f"{alerts['caution_per_day']:.1f}"])
    wanted.insert(6, [f"{score['delay']['median_hours']:.1f}"])
    assert figures == wanted


def test_words_that_the_design_does_not_use_stay_out_of_what_readers_see() -> None:
    """One word per thing: an alert is not an incident, an event is not an issue."""
    unused = re.compile(r"\b(incidents?|risk engine|processors?)\b", re.I)
    seen = [*ROOT.glob("ews/web/templates/*.html"), *ROOT.glob("ews/web/help/*.md"),
            *ROOT.glob("docs/*.md"), *ROOT.glob("alerts/playbooks/*.md")]  # fmt: skip
    for path in seen:
        found = unused.search(Path(path).read_text("utf-8"))
        assert found is None, f"{path.name} says {found.group(0) if found else ''}"


def test_the_figures_of_the_numeric_half_are_those_of_the_last_benchmarks() -> None:
    figures = json.loads((ROOT / "docs/bench/detectors.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    free, phases = figures["recorded"]["event_free"]["service"], figures["scale"]["phases"]
    low, high = free["interval"]
    told = [
        f"{free['expected']:.1f} / {free['episodes']} ({low:.1f} to {high:.1f})",
        f"2.0 / {figures['service']['whole']['per_week']['rate']:.2f}",
        f"{phases['store']['s']:.0f} s / {phases['turn']['s']:.0f} s / {phases['month']['s']:.1f} s",
    ]
    for name in ("nb_cusum", "ears_c3"):
        rates = figures["outbreak"]["detectors"][name]["rates"]
        told.append(f"{next(r['sensitivity'] for r in rates if r['set'] == 0.001):.2f}")
    missing = [one for one in told if one not in readme]
    assert not missing, f"benchmarks were run again: write {missing} into README's table"


def test_the_figures_of_collection_are_those_of_the_last_benchmarks() -> None:
    figures = json.loads((ROOT / "docs/bench/collection.json").read_text(encoding="utf-8"))
    for name in ("README.md", "README.ko.md"):
        readme = (ROOT / name).read_text(encoding="utf-8")
        missing = [one for one in collection_told(figures) if f"| {one} |" not in readme]
        assert not missing, f"benchmarks were run again: write {missing} into the table of {name}"


def collection_told(figures: dict[str, Any]) -> list[str]:
    """The right-hand cells of README's table of collection."""
    kept, polite = figures["day"]["stored"], figures["day"]["polite"]
    addresses, sources = figures["addresses"], figures["sources"]
    charsets, korean = figures["texts"]["charset_matrix"], figures["texts"]["undeclared_korean"]
    worst = min(v for part in korean.values() for k, v in part.items() if k != "headlines")
    reached = addresses["sockets_opened"] + addresses["connections"]
    return [
        f"{sources['folders']} / {sources['formats']} / {len(sources['ever_run_live'])}",
        f"{kept['items_sent_whole']:,} / {kept['stored']:,} / {kept['stored_twice']}; "
        f"{polite['smallest_gap_s']:.1f} s",
        f"{figures['feeds']['ratio']:.2f}",
        f"{figures['gdelt']['ratio']:.2f}",
        f"{figures['bombs']['worst_mib']:.0f} MiB",
        f"{reached + addresses['inner_sockets_opened']}",
        f"{charsets['right']}/{charsets['of']}; {100 * worst:.2f}%",
    ]
