"""What do the figures of tests.bench_collection say of each bar of collection? Also the docs' table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.wire_formats import table

FILE = Path(__file__).parent.parent / "docs" / "bench" / "collection.json"
Figures = Mapping[str, Any]
Said = tuple[str, bool, float | None]  # figure in words, whether it is met, times the bar
Told = Callable[[Figures], Said]


def of_sources(found: Figures) -> Said:
    met = found["folders_asked_for"] >= 35 and not (
        found["wrong"] or found["formats_without_a_folder"] or found["folders_of_no_format"]
    )
    return (
        f"{found['formats_asked_for']} formats asked for and {found['formats']} in all, "
        f"{len(found['formats_without_a_folder'])} without a folder; {found['folders']} folders, {len(found['wrong'])} wrong, "
        f"{len(found['folders_with_code_of_their_own'])} with code of their own, "
        f"{len(found['ever_run_live'])} ever run live",
        met,
        None,
    )


def _passed(found: Figures, name: str) -> bool:
    """Whether every test of the file tests/test_scrapers_<name>.py ran and passed."""
    one = found["tests"]["files"][name]
    return one["passed"] > 0 and not one["not_passed"]


def of_feedparser_files(found: Figures) -> Said:
    one = found["texts"]["feedparser_files"]
    same = sum(n for how, n in one["by_outcome"].items() if how != "refused, with entries")
    refused = ", ".join(f"{n} {rule}" for rule, n in one["refused_with_entries"].items())
    met = (one["raised"], one["unsafe"], one["differ"], one["links_differ"]) == (0, 0, 0, 0)
    return (
        f"{one['files']} files: {one['raised']} exceptions, {one['unsafe']} unsafe strings, slowest "
        f"{one['slowest_s']:.2f} s, the same entries in {same}; refused on purpose: {refused}",
        met
        and _passed(found, "torture")
        and one["slowest_s"] < 1
        and sum(one["refused_with_entries"].values()) <= 2,
        round(one["slowest_s"], 3),
    )


def of_json(found: Figures) -> Said:
    one = found["json_test_suite"]
    met = one["y"].startswith("95 of 95") and one["n"].startswith("0 of 188")
    said = f"must be accepted: {one['y']}; must be refused: {one['n']}; either: {one['i']}"
    return said, met, None


def of_naughty(found: Figures) -> Said:
    one, tests = found["texts"]["naughty_strings"], found["tests"]["files"]["naughty"]
    ways = list(one["as_defined"].values())
    met = min(*ways, one["back_from_csv"]) == one["strings"] >= 515 and _passed(found, "naughty")
    return (
        f"{one['strings']} strings, as defined through the feed in {len(ways)} ways {min(ways)}, back "
        f"from CSV {one['back_from_csv']}, {one['letter_for_letter']} letter for letter; store, page, "
        f"Slack and CSV: {tests['passed']} tests pass, {len(tests['not_passed'])} do not (no markup, mention "
        "or formula)",
        met,
        None,
    )


def of_charsets(found: Figures) -> Said:
    one, korean = found["texts"]["charset_matrix"], found["texts"].get("undeclared_korean")
    said = f"{one['right']} of {one['of']}"
    if korean is None:
        return f"{said}; undeclared Korean headlines not measured: no recorded data", False, None
    worst = min(min(v for k, v in part.items() if k != "headlines") for part in korean.values())
    count = sum(part["headlines"] for part in korean.values())
    said += f"; {count:,} undeclared Korean headlines of {len(korean)} archives, worst share "
    met = one["right"] == 56 and worst >= 0.99 and _passed(found, "charsets")
    return f"{said}{100 * worst:.2f}%", met, None


def of_addresses(figures: Figures) -> Said:
    found, tests = figures["addresses"], figures["tests"]["files"]["guard"]
    reached = found["sockets_opened"] + found["connections"] + found["inner_sockets_opened"]
    met = found["forms"] >= 60 and reached == 0 and found["refused"] == found["urls"]
    return (
        f"{found['forms']} forms, {found['redirects']} redirects: {reached} reached; the control "
        f"reached {found['control_reached']} of 4; rebinding between hops, proxies and TLS names: "
        f"{tests['passed']} tests pass, {len(tests['not_passed'])} do not",
        met
        and found["control_reached"] == 4
        and found["redirects_followed"] == 0
        and _passed(figures, "guard"),
        None,
    )


def of_bombs(found: Figures) -> Said:
    return (
        f"{len(found['bombs'])} bombs: worst peak {found['worst_mib']:.1f} MiB, longest "
        f"{found['longest_s']:.1f} s, {len(found['missed'])} missed",
        not found["missed"],
        round(found["worst_mib"] / found["bar_mib"], 3),
    )


def of_day(found: Figures) -> Said:
    kept, polite, due, frozen = (found[key] for key in ("stored", "polite", "due", "frozen"))
    stored, sent = kept["stored"], kept["items_sent_whole"]
    killed = found["lives"].get("SIGKILL", 0)
    full = (found["simulated_hours"], found["feeds"], sum(found["lives"].values()) - 1, killed)
    return (
        f"{sent:,} items sent whole, {stored:,} stored, "
        f"{kept['stored_twice']} twice, {kept['missing']} missing (and "
        f"{kept['lost_with_a_killed_process_and_scrolled_off']} sent only to a process that was killed, "
        f"{kept['of_these_of_feeds_that_were_gone_for_good']} of them by a feed that was gone since); "
        f"smallest gap {polite['smallest_gap_s']:.1f} s of {polite['gap_s']:g}; {polite['waits_broken']} "
        f"of {polite['waits_asked_for']} waits broken (and {polite['waits_lost_with_a_killed_process']} "
        f"lost with a killed process); {due['planned_and_never_begun']} of {due['turns_planned']:,} turns "
        f"forgotten, begun {due['late_s_real']['median']:.2f} s late (real time, at worst "
        f"{due['late_s_real']['worst']:.0f} s, {due['late_after_a_restart_s_real']['worst']:.0f} s after a "
        f"restart); {frozen['frozen'] - frozen['noticed_late'] - frozen['never_noticed']} of "
        f"{frozen['frozen']} frozen noticed in time",
        not found["failed"] and full == (24.0, 300, 40, 20) and stored == sent,
        None,
    )


def of_feeds(found: Figures) -> Said:
    return (
        f"{found['bodies']:,} bodies: {found['ours_cpu_s']:g} s to {found['feedparser_cpu_s']:g} s, "
        f"{found['ratio']:.2f} times; without kept bodies "
        f"{found['ours_without_raw_over_feedparser']:.2f}; {found['articles']:,} articles "
        f"of {found['entries']:,} entries",
        bool(found["met"]) and found["bodies"] >= 10_000 and not found["faults"],
        round(found["ratio"] / found["bar"], 3),
    )


def of_gdelt(found: Figures) -> Said:
    return (
        f"{found['rows']:,} rows ({found['slots']} slots of {found['streams']} streams): "
        f"{found['with_worker_cpu_s']:g} s to {found['csv_reader_cpu_s']:g} s, {found['ratio']:.2f} times "
        f"({found['ratio_to_csv_over_a_list_of_lines']:.2f} of one that is handed a list of lines, "
        f"{found['ratio_to_csv_that_unzips']:.2f} of one that unzips too); {found['articles']:,} articles kept",
        bool(found["met"]) and found["slots"] >= 96,
        round(found["ratio"] / found["bar"], 3),
    )


def of_lists(found: Figures) -> Said:
    lists = {name: one for name, one in found.items() if isinstance(one, dict) and "cpu_s" in one}
    peak = max(one["peak_over_idle_mib"] for one in lists.values())
    said = "; ".join(
        f"{name} {one['cpu_s']:.1f} s, {one['peak_over_idle_mib']:.0f} MiB"
        for name, one in lists.items()
    )
    met = peak < found["bar_peak_mib"] and all(one["right"] for one in lists.values())
    return said, met, round(peak / found["bar_peak_mib"], 3)


def of_scale(found: Figures) -> Said:
    said = (
        f"{100 * found['share_of_a_core']:.1f}% of a core, {found['ms_per_turn']:.1f} ms for a turn"
    )
    return said, bool(found["met"]), round(found["share_of_a_core"] / found["bar"], 3)


# bar -> (what is asked, parts it needs, how it is told)
BARS: dict[str, tuple[str, tuple[str, ...], Told]] = {
    "wire formats with sample and expected output": (
        "every one asked for, >= 35 folders", ("sources",), of_sources),
    "feedparser's own test files": (
        "0 exceptions, 0 over 1 s, 0 unsafe, the same entries", ("texts", "tests"), of_feedparser_files),
    "JSONTestSuite": ("95 of 95 accepted, 0 of 188 accepted", ("texts",), of_json),
    "Big List of Naughty Strings": ("515 round trips, 0 injected", ("texts", "tests"), of_naughty),
    "charset matrix": ("56 of 56, undeclared Korean >= 99%", ("texts", "tests"), of_charsets),
    "inner addresses": (">= 60 forms, 0 reached", ("addresses", "tests"), of_addresses),
    "bombs and drips": ("< 100 MiB over idle, each ends at its deadline", ("bombs",), of_bombs),
    "24 simulated hours, 300 sources, 40 restarts": (
        "stored exactly once, polite, no turn forgotten, frozen noticed", ("day",), of_day),
    "10,000 feeds against feedparser alone": ("<= 1.6 times its CPU time", ("feeds",), of_feeds),
    "a day of GDELT against csv.reader": ("<= 3 times its CPU time", ("gdelt",), of_gdelt),
    "long lists by their differences (no bar of its own)": (
        "< 100 MiB over idle, told exactly", ("lists",), of_lists),
    "300 sources every ten minutes (no bar of its own)": (
        "< 10% of a core without parsing", ("scale",), of_scale),
}  # fmt: skip


def bars(figures: Figures) -> list[dict[str, Any]]:
    """One row for each bar: figure in words, share of the bar used (where it is a number), met.
    `met` is None where its parts were not measured."""
    rows = []
    for bar, (wanted, parts, told) in BARS.items():
        row = {"bar": bar, "wanted": wanted, "figure": "not measured", "of_the_bar": None,
               "met": None, "parts": list(parts)}  # fmt: skip
        if all(part in figures for part in parts):
            given = figures if len(parts) > 1 else figures[parts[0]]
            row["figure"], row["met"], row["of_the_bar"] = told(given)
        rows.append(row)
    return rows


def page() -> str:
    """The generated part of docs/collection.md: what was measured, and which formats are read."""
    figures = json.loads(FILE.read_text("utf-8"))
    rows = ["| Bar | Asked | Measured | Of the bar | Met |", "|---|---|---|---|---|"]
    for row in bars(figures):
        share = "" if row["of_the_bar"] is None else f"{row['of_the_bar']:.2f}"
        met = {True: "yes", False: "**no**", None: "-"}[row["met"]]
        rows.append(f"| {row['bar']} | {row['wanted']} | {row['figure']} | {share} | {met} |")
    machines = {
        f"{one['machine']['cpu']}, {one['machine']['cores']} cores, Python {one['machine']['python']}"
        for name, one in figures.items()
        if name != "summary"
    }
    return "\n".join([
        "## Measured", "",
        "`make bench-collection` writes [bench/collection.json](bench/collection.json), from which this "
        f"table is made, on {'; '.join(sorted(machines))}. All feeds, faults, lists and GDELT files are "
        "synthetic; texts of the 10,000 feeds and the headlines are recorded ones. No figure is of a live "
        "source.", "", *rows, "", "## Wire formats", "", table(),
    ])  # fmt: skip
