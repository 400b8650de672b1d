"""Labelled rows, who may train, and the split by time and event group (needs the `train` extra).

`python -m nlp.dataset` writes `nlp/data/split-v1.json`: ids only, with the counts of each rule.

Rules, in this order; the first that holds names the part:
1. `barred`: dated July-December 2023, or 2023 with no month (that dump holds much of August 2023),
   or a near-duplicate of an item of the second half of 2023. Never trains, never calibrates.
2. `gold`: a near-duplicate of a gold row. Never trains.
3. `test`: the last months of each era (about 15% of its rows), and every row of an event group
   that has such a row. Set aside before training.
4. `validation`: every tenth event group of the rest; chooses epochs, blend, calibration.
5. `train`: the rest.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
SPLIT = Path(__file__).parent / "data" / "split-v1.json"
BARRED_FROM, BARRED_UNTIL = date(2023, 7, 1), date(2024, 1, 1)
ERAS = (1980, 2000, 2012, 2018, 2020, 2023, 2024, 2025, 2026, 2100)  # first year of each
TEST_SHARE = 0.15
NEAR = 0.35  # share of the shorter text's 4-grams that two near-duplicates have in common
EVENT_DAYS = 10
EVENT_COSINE = 0.30
DATE_FORMATS = ("%b %d %Y", "%d-%b-%y", "%m/%d/%y", "%Y.%m", "%d-%b-%Y %H:%M:%S.%f")
UNDATED = {"", "None", "null"}


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. `day` is None when no date is known; `month_known` is false for "2023"."""

    id: str
    source: str
    lang: str
    title: str
    text: str
    labels: tuple[str, ...]  # empty for `none`
    severity: int
    phase: str | None
    day: date | None
    month_known: bool = True
    countries: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    sure: bool = True
    drawn: str = ""  # natural | rule, for the natural stream
    part: str = ""
    direction: str | None = None

    @property
    def input(self) -> str:
        return f"{self.title} {self.text}".strip()


def parse_day(published: object) -> tuple[date | None, bool]:
    """The day a source stamps, and whether the month is known. (None, True) when undated.

    >>> parse_day("1-Apr-20"), parse_day("2023"), parse_day("Thu, 18 Jul 2024 05:25:38 +0000")[0]
    ((datetime.date(2020, 4, 1), True), (datetime.date(2023, 1, 1), False), \
datetime.date(2024, 7, 18))
    """
    text = str(published or "").split("&")[0].strip()  # one source leaves control codes
    if text in UNDATED:
        return None, True
    if re.fullmatch(r"\d{1,2}-[A-Z][a-z]{2}", text):
        return None, True  # a day without a year; those sources end in 2020
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 1, 1), False
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).date(), True
    except ValueError:
        pass
    if re.match(r"[A-Z][a-z]{2}, ", text):
        return parsedate_to_datetime(text).date(), True
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text.title(), form).date(), True  # noqa: DTZ007
        except ValueError:
            continue
    raise ValueError(f"no known date format in {text!r}; add it to DATE_FORMATS")


def read_jsonl(path: Path) -> Iterator[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def strings(value: object) -> tuple[str, ...]:
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def to_row(raw: Mapping[str, object]) -> Row:
    day, known = parse_day(raw.get("published"))
    labels = tuple(label for label in strings(raw["labels"]) if label != "none")
    phase, direction = raw.get("phase"), raw.get("price_direction")
    return Row(
        id=str(raw["id"]),
        source=str(raw["source"]),
        lang=str(raw["lang"]),
        title=str(raw["title"] or ""),
        text=str(raw["text"] or ""),
        labels=labels,
        severity=int(str(raw["severity"] or 0)),
        phase=str(phase) if phase else None,
        day=day,
        month_known=known,
        countries=strings(raw.get("countries")),
        items=strings(raw.get("items")),
        sure=bool(raw.get("sure", True)),
        drawn=str(raw.get("drawn", "")),
        direction=str(direction) if direction else None,
    )


def pool(data: Path = DATA) -> list[Row]:
    return [to_row(raw) for raw in read_jsonl(data / "labels" / "pool.jsonl.gz")]


def natural(data: Path = DATA) -> list[Row]:
    return [to_row(raw) for raw in read_jsonl(data / "natural" / "natural.jsonl.gz")]


def gold(data: Path = DATA) -> list[Row]:
    return [to_row(raw) for raw in read_jsonl(data / "gold_dev.jsonl.gz")]


# ----------------------------------------------------------------- near-duplicates and groups


def shingles(text: str) -> frozenset[int]:
    """Hashes of 4-grams: of words where words are spaced, of syllable runs in Korean and CJK."""
    flat = re.sub(r"[^\w\s]", " ", text.lower())
    words = flat.split()
    if len(flat) and sum(ord(c) > 0x2E80 for c in flat) > 0.3 * len(flat):
        joined = "".join(words)
        return frozenset(hash_of(joined[i : i + 6]) for i in range(max(1, len(joined) - 5)))
    return frozenset(hash_of(" ".join(words[i : i + 4])) for i in range(max(1, len(words) - 3)))


def hash_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def near_pairs(
    left: Sequence[frozenset[int]], right: Iterable[frozenset[int]]
) -> Iterator[tuple[int, int]]:
    """(left index, right index) of texts sharing at least NEAR of the shorter one's 4-grams."""
    index: dict[int, list[int]] = defaultdict(list)
    for number, grams in enumerate(left):
        for gram in grams:
            index[gram].append(number)
    common = {gram for gram, owners in index.items() if len(owners) > 60}  # boilerplate
    for other, grams in enumerate(right):
        shared: Counter[int] = Counter()
        for gram in grams:
            if gram in index and gram not in common:
                shared.update(index[gram])
        for number, count in shared.items():
            if count >= max(1.0, NEAR * min(len(left[number]), len(grams))):
                yield number, other


class Groups:
    """Union-find over row numbers."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def find(self, number: int) -> int:
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def join(self, left: int, right: int) -> None:
        self.parent[self.find(left)] = self.find(right)


def same_event_pairs(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """Pairs within EVENT_DAYS that share a label, a country or item, and many words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [row.input for row in rows]
    matrix = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), min_df=2).fit_transform(texts)
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.day is not None:
            for label in row.labels:
                by_label[label].append(number)
    for numbers in by_label.values():
        cosine = (matrix[numbers] @ matrix[numbers].T).tocoo()
        for i, j, value in zip(cosine.row, cosine.col, cosine.data, strict=True):
            if i >= j or value < EVENT_COSINE:
                continue
            left, right = rows[numbers[i]], rows[numbers[j]]
            near = (
                abs((left.day - right.day).days) <= EVENT_DAYS if left.day and right.day else False
            )
            facts = {*left.countries, *left.items} & {*right.countries, *right.items}
            if near and facts:
                yield numbers[i], numbers[j]


def parallel_key(row: Row) -> str | None:
    """Blocks of the Korean-English parallel corpus: neighbours are one article, twice told."""
    match = re.fullmatch(r"kpc-(\w+)-(?:en|ko)-(\d+)", row.id)
    return f"{match[1]}:{int(match[2]) // 20}" if match else None


def event_groups(rows: Sequence[Row]) -> list[int]:
    """A group number per row; rows on one event share it."""
    groups = Groups(len(rows))
    grams = [shingles(row.input) for row in rows]
    for left, right in near_pairs(grams, grams):
        groups.join(left, right)
    for left, right in same_event_pairs(rows):
        groups.join(left, right)
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        if key := parallel_key(row):
            groups.join(number, first.setdefault(key, number))
    return [groups.find(number) for number in range(len(rows))]


# ----------------------------------------------------------------------------------- the split


def second_half_2023(data: Path = DATA) -> Iterator[frozenset[int]]:
    for raw in read_jsonl(data / "feeds" / "rss2023" / "rss_2023_h2.jsonl.gz"):
        yield shingles(f"{raw['title'] or ''} {raw['summary'] or ''}")
        yield shingles(str(raw["title"] or ""))


def era(day: date) -> int:
    return max(first for first in ERAS if first <= day.year)


def test_starts(rows: Sequence[Row]) -> dict[int, date]:
    """Per era the first day of the month from which rows are test: nearest to TEST_SHARE."""
    days: dict[int, list[date]] = defaultdict(list)
    for row in rows:
        if row.day is not None:
            days[era(row.day)].append(row.day)
    starts: dict[int, date] = {}
    for name, known in days.items():
        months = sorted({day.replace(day=1) for day in known})
        starts[name] = min(
            months,
            key=lambda month: abs(sum(d >= month for d in known) / len(known) - TEST_SHARE),
        )
    return starts


def bucket(text: str, count: int) -> int:
    return hash_of(text) % count


def barred_by_date(row: Row) -> str | None:
    if row.day is None:
        return None
    if not row.month_known and row.day.year == 2023:
        return "2023 without a month"
    if BARRED_FROM <= row.day < BARRED_UNTIL:
        return "dated July-December 2023"
    return None


def assign(rows: Sequence[Row], data: Path = DATA) -> tuple[list[Row], dict[str, object]]:
    """The rows with their part, and a report of every rule's count."""
    grams = [shingles(row.input) for row in rows]
    replayed = {number for number, _ in near_pairs(grams, second_half_2023(data))}
    titles = [shingles(row.title) for row in rows]
    replayed |= {number for number, _ in near_pairs(titles, second_half_2023(data))}
    judged = [shingles(row.input) for row in gold(data)]
    golden = {number for number, _ in near_pairs(grams, judged)}
    natural_grams = [shingles(row.input) for row in natural(data) if row.drawn == "natural"]
    measured = {number for number, _ in near_pairs(grams, natural_grams)}
    groups = event_groups(rows)
    why: Counter[str] = Counter()
    part: dict[int, str] = {}
    for number, row in enumerate(rows):
        reason = barred_by_date(row) or (
            "near-duplicate of July-December 2023" * (number in replayed)
        )
        if reason:
            part[number], why[reason] = "barred", why[reason] + 1
        elif number in golden:
            part[number], why["near-duplicate of a gold row"] = (
                "gold",
                why["near-duplicate of a gold row"] + 1,
            )
        elif number in measured and row.drawn != "natural":
            part[number] = "natural"
            why["near-duplicate of a natural row"] += 1
    free = [row for number, row in enumerate(rows) if number not in part]
    starts = test_starts(free)
    in_test = {
        groups[number]
        for number, row in enumerate(rows)
        if number not in part
        and (row.day >= starts[era(row.day)] if row.day else bucket(str(groups[number]), 7) == 0)
    }
    for number in range(len(rows)):
        if number in part:
            continue
        group = groups[number]
        first_id = rows[group].id
        held = "validation" if bucket(first_id, 10) == 0 else "train"
        part[number] = "test" if group in in_test else held
    report: dict[str, object] = {
        "rules": dict(why),
        "test_from": {str(name): day.isoformat() for name, day in sorted(starts.items())},
        "groups": len(set(groups)),
        "parts": dict(Counter(part.values())),
    }
    return [replace(row, part=part[number]) for number, row in enumerate(rows)], report


def write_split(path: Path = SPLIT, data: Path = DATA) -> dict[str, object]:
    extra = [row for row in natural(data) if row.drawn == "rule"]
    rows, report = assign([*pool(data), *extra], data)
    parts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        parts[row.part].append(row.id)
    document = {"report": report, "parts": {name: sorted(ids) for name, ids in parts.items()}}
    path.write_text(json.dumps(document, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def load_split(data: Path = DATA, path: Path = SPLIT) -> dict[str, list[Row]]:
    """Rows by part as the committed split says. `natural` rows drawn at random are not in it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    part = {row_id: name for name, ids in document["parts"].items() for row_id in ids}
    extra = [row for row in natural(data) if row.drawn == "rule"]
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in [*pool(data), *extra]:
        rows[part[row.id]].append(replace(row, part=part[row.id]))
    return dict(rows)


def main() -> None:
    print(json.dumps(write_split(), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
