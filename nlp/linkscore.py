"""How well the linker does on gold read by hand, and how far two readers agree.

`python -m nlp.linkscore [--json]` reads `nlp/data/gold/{items,places,firms}-v1.jsonl` (ids, spans,
codes; made by `blind` readers who had not seen the rules), looks the texts up in the recorded data
and writes `docs/bench/links.json`. The `dev` half was read while the rules were written; the `held`
half was only scored. Not used in service.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from ews.model import Mention, MentionKind
from nlp import mention_scores
from nlp.classifier import MODELS, SHIPPED, in_article
from nlp.clean import cleaned
from nlp.firms import firms, plain_name, slug_of, tagged_firms
from nlp.items import GENERAL, find_items
from nlp.places import find_places
from nlp.recorded import DATA, Text, find, read_jsonl
from nlp.session import Encoder, FirmSpan, prompt

GOLD = Path(__file__).parent / "data" / "gold"
OUT = Path(__file__).parents[1] / "docs" / "bench" / "links.json"
SEEN = 300  # characters of the text that the readers were shown
SURE = 0.5  # a place or firm counts from this confidence on
DRAWS = 1000  # bootstrap samples over texts


@dataclass(frozen=True, slots=True)
class Named:
    """One thing a reader marked. `item` is an id of the item list, "" when it lacks the good."""

    surface: str
    start: int  # span in `title + "\\n" + text`
    end: int
    kind: str
    code: str
    item: str
    role: str


@dataclass(frozen=True, slots=True)
class Read:
    """One text as read: all that it names, and the second reader's marks where there was one."""

    id: str
    half: str  # dev | held
    lang: str
    named: tuple[Named, ...]
    second: tuple[Named, ...] | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Right, invented and missed of one text. Top-1 figures use `right` and `missed` alone."""

    right: int = 0
    invented: int = 0
    missed: int = 0


def gold(kind: str, folder: Path = GOLD) -> list[Read]:
    """The texts of one set: items, places or firms."""
    lines = (folder / f"{kind}-v1.jsonl").read_text(encoding="utf-8").splitlines()
    return [_read(json.loads(line)) for line in lines]


def _read(raw: Mapping[str, object]) -> Read:
    second = raw.get("second")
    return Read(
        id=str(raw["id"]),
        half=str(raw["half"]),
        lang=str(raw["lang"]),
        named=tuple(_named(raw["mentions"])),
        second=tuple(_named(second["mentions"])) if isinstance(second, dict) else None,
    )


def _named(marks: object) -> Iterator[Named]:
    assert isinstance(marks, list)
    for mark in marks:
        yield Named(
            mark["surface"], mark["start"], mark["end"], mark["kind"], mark["code"],
            mark.get("item", ""), mark["role"],
        )  # fmt: skip


# --------------------------------------------------------------------------- items


@cache
def _facts(name: str, column: str) -> dict[str, dict[str, str]]:
    """Rows of a file of graph/data by one column. The file is read, as nlp must not import graph."""
    text = resources.files("graph").joinpath("data", name).read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row[column]: row for row in rows}


def hs4(code: str) -> str:
    """The heading of an item id or of a general good: `hs:2201` is 2201, urea 3102.

    >>> hs4("hs:2201"), hs4("urea")
    ('2201', '3102')
    """
    if code.startswith(GENERAL):
        return code.removeprefix(GENERAL)
    item = _facts("items.csv", "item").get(code)
    return item["hs"][:4] if item else ""


def _same_good(code: str, mark: Named) -> bool:
    return bool(code) and (code == mark.item or (mark.code != "" and hs4(code) == mark.code))


def _best(mentions: Sequence[Mention], mark: Named, text: str) -> str:
    """What the program reads at the mark: a mention of that very span before one that overlaps.

    A good is marked once a text, at the first place where its letters stand; where the program
    names nothing there (의약품 in 식품의약품안전처), the next place of the same word counts.
    """
    for found in re.finditer(re.escape(mark.surface), text):
        over = [m for m in mentions if m.start < found.end() and m.end > found.start()]
        if over:
            same = [m for m in over if (m.start, m.end) == found.span()]
            return max(same or over, key=lambda m: (m.confidence, m.end - m.start)).code
    return ""


def score_items(read: Read, text: Text, role: str | None = None) -> Tally:
    """Right: gold goods whose best reading at their span has the gold's heading or item."""
    marks = [m for m in read.named if (m.code or m.item) and role in (None, m.role)]
    mentions = find_items(text.title, text.text[:SEEN], text.lang)
    joined = f"{text.title}\n{text.text[:SEEN]}"
    right = sum(_same_good(_best(mentions, mark, joined), mark) for mark in marks)
    return Tally(right, _invented(read, mentions), len(marks) - right)


def _invented(read: Read, mentions: Sequence[Mention]) -> int:
    """Distinct goods the program names that no mark of the text agrees with."""
    spans: dict[tuple[int, int], list[Mention]] = defaultdict(list)
    for mention in mentions:
        spans[mention.start, mention.end].append(mention)
    best = {max(group, key=lambda m: m.confidence).code for group in spans.values()}
    unscored = [m for m in read.named if not m.code and not m.item]
    for mention in mentions:  # a good too wide for one heading is neither right nor wrong
        if any(mention.start < m.end and mention.end > m.start for m in unscored):
            best.discard(mention.code)
    return sum(not any(_same_good(code, mark) for mark in read.named) for code in best)


# --------------------------------------------------------------------------- places and firms


def score_places(read: Read, text: Text) -> Tally:
    """Ports and chokepoints of the reference lists, as sets of codes."""
    wanted = {m.code for m in read.named if not m.code.startswith("other:")}
    return _sets(_place_codes(text), wanted)


def score_all_ports(read: Read, text: Text) -> Tally:
    """The same with ports and waters that the lists lack: those can only be missed."""
    return _sets(_place_codes(text), {m.code for m in read.named})


def _place_codes(text: Text) -> set[str]:
    found = find_places(text.title, text.text[:SEEN], text.lang)
    known = {*_facts("ports.csv", "port"), *_facts("chokepoints.csv", "chokepoint")}
    return {
        m.code
        for m in found
        if m.kind in (MentionKind.PORT, MentionKind.CHOKEPOINT)
        and m.confidence >= SURE
        and m.code in known
    }


def _sets(found: set[str], wanted: set[str]) -> Tally:
    return Tally(len(found & wanted), len(found - wanted), len(wanted - found))


def marked_spans(texts: Mapping[str, Text], folder: Path) -> dict[str, Sequence[FirmSpan]]:
    """Firm names that the encoder of a model folder marks, by text."""
    plain = {key: cleaned(text.title, text.text[:SEEN]) for key, text in texts.items()}
    told = Encoder(folder).read([prompt(one.title, one.text) for one in plain.values()]).firms
    return {k: in_article(spans, plain[k]) for k, spans in zip(plain, told, strict=True)}


def score_firms(read: Read, text: Text, spans: Sequence[FirmSpan] | None = None) -> Tally:
    """Firms by name, each once a text: a listed one by its id, another by its plain name."""
    plain = cleaned(text.title, text.text[:SEEN])
    told = tagged_firms(plain.title, plain.text, text.lang, spans or ())
    found = [mention for mention in told if mention.confidence >= SURE]
    wanted = {mark.code: [m for m in read.named if m.code == mark.code] for mark in read.named}
    given = {mention.code: [m for m in found if m.code == mention.code] for mention in found}
    right = {
        c for c, marks in wanted.items() if any(_same_firm(c, marks, f) for f in given.items())
    }
    agreed = {
        code
        for code, mentions in given.items()
        if any(_same_firm(c, marks, (code, mentions)) for c, marks in wanted.items())
    }
    return Tally(len(right), len(given.keys() - agreed), len(wanted.keys() - right))


def _same_firm(code: str, marks: list[Named], given: tuple[str, list[Mention]]) -> bool:
    if code == given[0]:
        return True
    if not code.startswith("other:"):
        return False
    name = slug_of(code.removeprefix("other:"))
    known = firms().get(given[0])
    if name == given[0].removeprefix("name:") or (known and name in known.slugs):
        return True
    surfaces = {plain_name(mark.surface) for mark in marks}
    return any(plain_name(mention.text) in surfaces for mention in given[1])


# --------------------------------------------------------------------------- two readers


def agreement(kind: str, reads: Sequence[Read]) -> dict[str, object]:
    """F1 of the second reading taken as the finding, the first as the gold."""
    twice = [read for read in reads if read.second is not None]
    total = Tally()
    same = both = 0
    for read in twice:
        total = _sum(
            [total, _sets(_names_of(kind, read.second or ()), _names_of(kind, read.named))]
        )
        for one in read.named:
            for two in read.second or ():
                if one.start < two.end and two.start < one.end and (one.code or one.item):
                    both += 1
                    same += one.code == two.code or (one.item != "" and one.item == two.item)
    return {
        "texts": len(twice),
        "f1": _f1(total),
        "same_code_where_both_marked": round(same / both, 3) if both else None,
        "both_marked": both,
    }


def _names_of(kind: str, marks: Iterable[Named]) -> set[str]:
    if kind == "items":
        return {m.code for m in marks if m.code}
    if kind == "places":
        return {m.code for m in marks if not m.code.startswith("other:")}
    return {slug_of(m.code.removeprefix("other:")) for m in marks}


# --------------------------------------------------------------------------- figures

Figure = Callable[[Tally], float | None]


def _sum(tallies: Iterable[Tally]) -> Tally:
    right = invented = missed = 0
    for tally in tallies:
        right, invented = right + tally.right, invented + tally.invented
        missed += tally.missed
    return Tally(right, invented, missed)


def _recall(tally: Tally) -> float | None:
    wanted = tally.right + tally.missed
    return round(tally.right / wanted, 3) if wanted else None


def _precision(tally: Tally) -> float | None:
    given = tally.right + tally.invented
    return round(tally.right / given, 3) if given else None


def _f1(tally: Tally) -> float | None:
    total = 2 * tally.right + tally.invented + tally.missed
    return round(2 * tally.right / total, 3) if total else None


def interval(tallies: Sequence[Tally], figure: Figure, seed: int = 7) -> list[float] | None:
    """95% of bootstrap samples over texts lie between the two."""
    if not tallies:
        return None
    chance = random.Random(seed)
    drawn = [figure(_sum(chance.choices(tallies, k=len(tallies)))) for _ in range(DRAWS)]
    told = sorted(value for value in drawn if value is not None)
    return [told[int(len(told) * 0.025)], told[int(len(told) * 0.975)]] if told else None


def _row(tallies: Sequence[Tally], main: Figure) -> dict[str, object]:
    total = _sum(tallies)
    return {
        "texts": len(tallies),
        "marked": total.right + total.missed,
        "precision": _precision(total),
        "recall": _recall(total),
        "f1": _f1(total),
        "interval": interval(tallies, main),
    }


SETS: dict[str, tuple[str, Callable[[Read, Text], Tally], Figure]] = {
    "items_hs4": ("items", score_items, _recall),
    "items_hs4_hits": ("items", lambda read, text: score_items(read, text, "hit"), _recall),
    "ports_and_chokepoints": ("places", score_places, _f1),
    "all_named_ports": ("places", score_all_ports, _f1),
    "firms_gazetteer_alone": ("firms", score_firms, _f1),
}


def measure(data: Path = DATA, folder: Path = MODELS / SHIPPED) -> dict[str, object]:
    """Every figure, by half and by language. KeyError when the recorded data lacks a text."""
    spans = marked_spans(_texts("firms", data), folder)
    sets = dict(SETS)
    sets["firms"] = ("firms", lambda r, t: score_firms(r, t, spans[r.id]), _f1)
    figures: dict[str, object] = {"model": folder.name}
    for name, (kind, scored, main) in sets.items():
        reads = gold(kind)
        texts = _texts(kind, data)
        by_part: dict[str, list[Tally]] = defaultdict(list)
        for read in reads:
            tally = scored(read, texts[read.id])
            by_part[read.half].append(tally)
            by_part[f"{read.half} {read.lang}"].append(tally)
        figures[name] = {part: _row(rows, main) for part, rows in sorted(by_part.items())}
    figures["agreement"] = {k: agreement(k, gold(k)) for k in ("items", "places", "firms")}
    figures["countries"] = countries(data)
    return figures


@cache
def _texts(kind: str, data: Path) -> dict[str, Text]:
    return find([read.id for read in gold(kind)], data)


def countries(data: Path = DATA) -> dict[str, object]:
    """Country F1 on labelled event rows; the gold rows only where the data has them."""
    paths = {
        "pool": data / "labels" / "pool.jsonl.gz",
        "gold_dev": data / "gold_dev.jsonl.gz",
        "natural": data / "natural" / "natural.jsonl.gz",
    }
    found: dict[str, object] = {}
    for name, path in paths.items():
        if path.exists():
            scores = mention_scores.score(read_jsonl(path)).countries
            found[name] = {
                lang: {"precision": round(s.precision, 3), "recall": round(s.recall, 3),
                       "f1": round(s.f1, 3), "labelled": s.right + s.missed}
                for lang, s in sorted(scores.items())
            }  # fmt: skip
    return found


def lines(figures: Mapping[str, object]) -> Iterator[str]:
    """A readable table of `measure`."""
    for name in (*SETS, "firms"):
        rows = figures[name]
        assert isinstance(rows, dict)
        yield name
        for part, row in rows.items():
            yield "  {:8} {:4} texts {:4} marked  precision {}  recall {}  F1 {}  95% {}".format(
                part, row["texts"], row["marked"], row["precision"], row["recall"], row["f1"],
                row["interval"],
            )  # fmt: skip
    for name in ("agreement", "countries"):
        yield f"{name} {json.dumps(figures[name])}"


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description="Measure the linking on gold read by hand.")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path, default=MODELS / SHIPPED, help="marks firm names")
    arguments = parser.parse_args()
    figures = measure(arguments.data, arguments.model)
    OUT.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        print("\n".join(lines(figures)))


if __name__ == "__main__":
    main()
