"""Report cards as Markdown tables, from what `nlp.cards` measured. Plain values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nlp import bars
from nlp.cards import ANY, LEAST_OF_LABEL
from nlp.diagrams import NAMES as LANGUAGES

Tree = Mapping[str, Any]

RIVALS = {
    "ews": "ews, every text read",
    "served": "ews behind its first pass",
    "pipeline": "plain fp32 pipeline, 0.5",
    "tfidf": "TF-IDF + logistic regression",
    "lexicon_shared": "shared rules lexicon_v1",
    "lexicon_own": "our rules lexicon.v1",
}
COLUMNS = {
    "micro_f1": "micro-F1",
    "macro_f1": "macro-F1",
    "event_f1": "event F1",
    "event_precision": "precision",
    "event_recall": "recall",
    "event_ap_3": "AP at 3%",
    "event_ece": "ECE",
    "event_brier": "Brier",
    "severity_kappa": "severity kappa",
    "phase_accuracy": "phase",
}
EXTRA = {
    "macro_f1_all": "Macro-F1 over every type that occurs",
    "countries_f1": "Countries F1 (event rows; role hit, confidence 0.5 and more)",
    "severity_kappa_events": "Severity kappa on event rows",
    "phase_accuracy_agreed": "Phase accuracy where readers and model both see an event",
    "label_ece": "ECE over all 17 types",
}


def cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return [*lines, *("| " + " | ".join(cell(value) for value in row) + " |" for row in rows), ""]


def ranged(card: Tree, name: str) -> str:
    """The figure with its interval: "0.812 (0.786 to 0.838)"."""
    return bars.shown(card.get(name), card.get(f"{name}_95")).replace("not measured", "-")


def cards(found: Tree, first: str, names: Mapping[str, str]) -> list[str]:
    """One line per rival, language, source or year; those with too few rows are named below."""
    scored = {key: card for key, card in found.items() if "micro_f1" in card}
    small = [f"{key} {card['rows']}" for key, card in found.items() if key not in scored]
    lines = table(
        [first, "rows", "events", *COLUMNS.values()],
        (
            [
                names.get(key, key),
                card["rows"],
                card["events"],
                ranged(card, "micro_f1"),
                *(card.get(name) for name in list(COLUMNS)[1:]),
            ]
            for key, card in scored.items()
        ),
    )
    if small:
        lines += [f"Too few rows to score alone: {', '.join(small)}.", ""]
    return lines if scored else lines[-2:]


def labels(found: Tree) -> list[str]:
    """Per type: ours with counts, and the rivals' F1."""
    others = [
        name for name in ("pipeline", "tfidf", "lexicon_shared", "lexicon_own") if name in found
    ]
    return table(
        ["type", "rows", "said", "right", "F1", "precision", "recall",
         *(f"{RIVALS[name]} F1" for name in others)],
        (
            [name, s["rows"], s["said"], s["right"], s["f1"], s["precision"], s["recall"],
             *(found[other][name]["f1"] for other in others)]
            for name, s in found["ews"].items()
        ),
    )  # fmt: skip


def details(card: Tree) -> list[str]:
    """The figures that only our model has, with intervals."""
    told = [f"{name}: {ranged(card, key)}." for key, name in EXTRA.items() if card.get(key)]
    if "direction_accuracy" in card:
        told.append(
            f"Price direction: {card['direction_accuracy']:.3f} of {card['direction_rows']} rows."
        )
    intervals = [
        f"{name} {ranged(card, key)}" for key, name in COLUMNS.items() if card.get(f"{key}_95")
    ]
    return [
        f"{card['rows']} rows in {card['groups']} event groups; 95% intervals by bootstrap over the "
        f"groups: {', '.join(intervals)}. Macro-F1 is over the {card['macro_labels']} types with "
        f"{LEAST_OF_LABEL} rows or more.",
        "",
        *([" ".join(told), ""] if told else []),
    ]


def calibration(found: Tree) -> list[str]:
    """Any event and each type, all languages and per language."""
    langs = [name for name in found if name != "rows"]
    lines = table(
        ["language", "rows", "events", "expected", "ECE", "Brier", "Brier of the base rate"],
        (
            [
                LANGUAGES.get(lang, lang),
                one["rows"],
                one["true"],
                f"{one['expected']:.1f}",
                ranged(one, "ece"),
                ranged(one, "brier"),
                one["brier_of_base_rate"],
            ]
            for lang in langs
            for one in [found[lang][ANY]]
        ),
    )
    lines += table(
        ["predicted", "rows", "events", "mean predicted", "seen", "95%"],
        (
            [f"{b['from']:.1f} to {b['to']:.1f}", b["rows"], b["true"], b["mean"], b["seen"],
             "{:.3f} to {:.3f}".format(*b["seen_95"])]
            for b in found["all"][ANY]["bins"]
            if b["rows"]
        ),
    )  # fmt: skip
    lines += ["Per type: rows of that type / expected by the model, ECE, Brier.", ""]
    return lines + table(
        ["type", *(LANGUAGES.get(lang, lang) for lang in langs)],
        (
            [
                name,
                *(
                    f"{one['true']} / {one['expected']:.1f}, {one['ece']:.3f}, {one['brier']:.3f}"
                    for lang in langs
                    for one in [found[lang]["types"][name]]
                ),
            ]
            for name in found["all"]["types"]
        ),
    )


def triage(found: Tree) -> list[str]:
    return [
        f"Triage: {found['share']:.1%} of the rows ({found['rows']}, {found['events']} of them events) "
        f"have an event probability from {found['from']:.2f} to {found['to']:.2f} and go to a person; "
        f"event or none is wrong in {cell(found['error_inside'])} of them and in "
        f"{cell(found['error_outside'])} of the rest, where {found['events_missed_outside']} events are "
        "missed.",
        "",
    ]


def one_set(found: Tree, level: str = "####", brief: bool = False) -> Iterator[str]:
    """The tables of one set of rows; `brief` leaves out types, sources, years and calibration."""
    yield from cards(found["rivals"], "who", RIVALS)
    yield from details(found["rivals"]["ews"])
    if not brief:
        yield from (f"{level} Per type", "", *labels(found["labels"]))
    tables = (("language", "languages"), ("source", "sources"), ("year", "years"))
    for title, key in tables[: 1 if brief else None]:
        ours = {name: got.get("ews", got) for name, got in found[key].items()}
        yield from (f"{level} Per {title}", "", *cards(ours, title, LANGUAGES))
    if "calibration" in found and not brief:
        yield from (f"{level} Calibration (rows drawn at random)", "")
        yield from calibration(found["calibration"])
    if "triage" in found:
        yield from triage(found["triage"])


def report_card(found: Tree) -> str:
    """The page that `--rows` prints."""
    lines = [
        f"# Report card: {found['version']} on {found['file']}",
        "",
        *(f"{RIVALS[name]}: {why}." for name, why in found["absent"].items()),
        *([""] if found["absent"] else []),
        *one_set(found["set"], "##"),
    ]
    return "\n".join(lines)
