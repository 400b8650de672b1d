"""Labelled rows, who may train, and the split by time and event group (needs the `train` extra).

Rows are the shared pool, the shared natural stream, and our own readings (`nlp/data/labels-v2.jsonl`:
ids and labels; the text is looked up in the recorded data).

`python -m nlp.dataset` writes `nlp/data/split-v2.json`: ids only, with the counts of each rule.

Rules, in this order; the first that holds names the part:
1. `barred`: dated July-December 2023, or 2023 with no month (that dump holds much of August 2023),
   or a near-duplicate of an item of the second half of 2023. Never trains, never calibrates.
2. `gold`: a near-duplicate of a gold row. Never trains.
3. `natural`: a near-duplicate of a row drawn at random for calibration. Never trains.
4. `test`: the last months of each era (about 15% of its rows), and every row of an event group
   that has such a row, among the pool's rows: set aside by `split-v1.json` before any training and
   kept. Our own readings that share an event with them are `beside_test` and unused.
5. `validation`: every tenth event group of the rest; chooses epochs, blend, calibration.
6. `train`: the rest.

Rows drawn at random stand in `natural_fit` or `natural_report`, by event group: calibration is
fitted on the first and reported on the second.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from nlp.recorded import DATA, find, read_jsonl

SPLIT = Path(__file__).parent / "data" / "split-v2.json"
SET_ASIDE = Path(__file__).parent / "data" / "split-v1.json"  # its test part stays the test part
DIRECTIONS = Path(__file__).parent / "data" / "price-direction-v1.jsonl"  # of shared price shocks
REREADINGS = Path(__file__).parent / "data" / "rereadings-v2.jsonl"  # of rows in dispute
READINGS = Path(__file__).parent / "data" / "labels-v2.jsonl"
BARRED_FROM, BARRED_UNTIL = date(2023, 7, 1), date(2024, 1, 1)
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
    drawn: str = ""  # natural | rule in natural streams; second: our own readings
    part: str = ""
    direction: str | None = None
    group: str = ""  # id of one row of its event group

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


def readings(data: Path = DATA, path: Path = READINGS) -> list[Row]:
    """Our own labels with the recorded texts they were read on."""
    with path.open(encoding="utf-8") as lines:
        labels = [json.loads(line) for line in lines]
    texts = find({str(raw["id"]) for raw in labels}, data)
    return [
        to_row({**asdict(texts[raw["id"]]), **raw, "price_direction": raw.get("direction")})
        for raw in labels
    ]


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
    document = json.loads(SET_ASIDE.read_text(encoding="utf-8"))
    aside = set(document["parts"]["test"])
    grams = [shingles(row.input) for row in rows]
    replayed = {number for number, _ in near_pairs(grams, second_half_2023(data))}
    titles = [shingles(row.title) for row in rows]
    replayed |= {number for number, _ in near_pairs(titles, second_half_2023(data))}
    judged = [shingles(row.input) for row in gold(data)]
    golden = {number for number, _ in near_pairs(grams, judged)}
    random_grams = [grams[number] for number, row in enumerate(rows) if row.drawn == "natural"]
    measured = {number for number, _ in near_pairs(grams, random_grams)}
    groups = event_groups(rows)
    in_test = {groups[number] for number, row in enumerate(rows) if row.id in aside}
    why: Counter[str] = Counter()
    parts: list[str] = []
    for number, row in enumerate(rows):
        group = groups[number]
        late = barred_by_date(row)
        near = "near-duplicate of July-December 2023" if number in replayed else None
        if row.drawn == "natural":
            # a natural row measures; only its date decides whether calibration may be fitted on it
            part = "natural_report" if late or bucket(rows[group].id, 2) else "natural_fit"
            reason = None
        elif row.id in aside:
            part, reason = "test", None
        elif reason := late or near:
            part = "barred"
        elif number in golden:
            part, reason = "gold", "near-duplicate of a gold row"
        elif number in measured:
            part, reason = "natural", "near-duplicate of a natural row"
        elif group in in_test:
            part, reason = "beside_test", "shares an event with the test part"
        else:
            part = "validation" if bucket(rows[group].id, 10) == 0 else "train"
        parts.append(part)
        if reason:
            why[reason] += 1
    report: dict[str, object] = {
        "rules": dict(why),
        "test_from": document["report"]["test_from"],
        "groups": len(set(groups)),
        "parts": dict(Counter(parts)),
    }
    found = [
        replace(row, part=part, group=rows[group].id)
        for row, part, group in zip(rows, parts, groups, strict=True)
    ]
    return found, report


def reread(rows: Sequence[Row]) -> list[Row]:
    """Training rows that the teachers of other folds disputed, as a second blind reader has them.

    Where the two readers agree the row is sure; where they differ the second, who read rows in
    dispute only and slowly, is taken and the row is not sure.
    """
    with REREADINGS.open(encoding="utf-8") as lines:
        second = {raw["id"]: raw for raw in map(json.loads, lines)}
    found = []
    for row in rows:
        raw = second.get(row.id)
        if raw is None:
            found.append(row)
        elif set(raw["labels"]) == set(row.labels):
            found.append(replace(row, sure=True))
        else:
            found.append(
                replace(
                    row,
                    labels=tuple(raw["labels"]),
                    severity=raw["severity"],
                    phase=raw["phase"],
                    direction=raw.get("direction"),
                    sure=False,
                )
            )
    return found


def everything(data: Path = DATA) -> list[Row]:
    """Every labelled row but the gold ones; of a row in two sets the shared label is taken."""
    with DIRECTIONS.open(encoding="utf-8") as lines:
        direction = {raw["id"]: raw["direction"] for raw in map(json.loads, lines)}
    rows = {row.id: row for row in [*readings(data), *pool(data), *natural(data)]}
    return [replace(row, direction=direction.get(row.id, row.direction)) for row in rows.values()]


def write_split(path: Path = SPLIT, data: Path = DATA) -> dict[str, object]:
    rows, report = assign(everything(data), data)
    parts: dict[str, dict[str, str]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: row.id):
        parts[row.part][row.id] = row.group
    document = {"report": report, "parts": parts}
    path.write_text(json.dumps(document, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def load_split(data: Path = DATA, path: Path = SPLIT) -> dict[str, list[Row]]:
    """Rows by part as the committed split says, each with its event group."""
    document = json.loads(path.read_text(encoding="utf-8"))
    place = {
        row_id: (part, group)
        for part, ids in document["parts"].items()
        for row_id, group in ids.items()
    }
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in everything(data):
        part, group = place[row.id]
        rows[part].append(replace(row, part=part, group=group))
    rows["train"] = reread(rows["train"])
    return dict(rows)


def main() -> None:
    print(json.dumps(write_split(), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
