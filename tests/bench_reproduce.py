"""Every change of every alert of a home, made again: `python -m tests.bench_reproduce HOME...`.

Measured and printed, never asserted; figures go to docs/bench/reproduce.json. With `--tags N` the
articles behind N random alerts of each home are also read again by the model that tagged them.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from ews.model import AlertChange, ChangeKind
from ews.storage import Store
from ews.tuning.past import Past
from ews.tuning.reproduce import Again, Held, Reproduced
from graph import build_network
from nlp.classifier import MODELS, Classifier, load_classifier

OUT = Path(__file__).resolve().parents[1] / "docs" / "bench" / "reproduce.json"
SHOWN = 10  # changes that came out otherwise, by name


class Home(TypedDict):
    alerts: int
    changes: int
    equal: int
    not_equal: int
    not_tried: int
    share_equal: float
    inputs: Mapping[str, int]
    decided_by: Mapping[str, int]
    kinds: Mapping[str, int]
    fields_that_differ: Mapping[str, int]
    notes: Mapping[str, int]
    paths: Mapping[str, int]
    tags: Mapping[str, int]
    seconds: float
    stored_mb: float
    examples: Sequence[str]


def measured(store: Store, sample: int, seed: int) -> Home:
    """Every change of the store, made again."""
    started = time.monotonic()
    changes = store.changes()
    again = Again(Past.of(store, changes), build_network())
    found = [again.of(change) for change in changes]
    seconds = time.monotonic() - started
    tags = tags_of(again, changes, sample, seed)
    equal = sum(one.equal is True for one in found)
    return {
        "alerts": len({one.alert for one in found}),
        "changes": len(found),
        "equal": equal,
        "not_equal": sum(one.equal is False for one in found),
        "not_tried": sum(one.equal is None for one in found),
        "share_equal": round(equal / len(found), 5) if found else 0.0,
        "inputs": Counter(one.inputs for one in found if one.inputs),
        "decided_by": Counter(one.decided_by for one in found),
        "kinds": Counter(one.kind for one in found),
        "fields_that_differ": Counter(d.field for one in found for d in one.differences),
        "notes": Counter(note for one in found for note in one.notes),
        "paths": _sum([one.paths for one in found]),
        "tags": tags,
        "seconds": round(seconds, 1),
        "stored_mb": round(store.judgings_bytes() / 1e6, 2),
        "examples": [_named(one) for one in found if one.equal is not True][:SHOWN],
    }


def tags_of(
    again: Again, changes: Sequence[AlertChange], sample: int, seed: int
) -> Mapping[str, int]:
    """The articles behind so many random alerts when they were raised, read again by their model."""
    if not sample:
        return {}
    raised = {c.alert.id: c for c in changes if c.kind is ChangeKind.RAISED}
    chosen = random.Random(seed).sample(sorted(raised), min(sample, len(raised)))
    known: dict[str, Classifier | None] = {}

    def model(version: str) -> Classifier | None:
        if version not in known:
            there = (MODELS / version).is_dir()
            known[version] = load_classifier(2, MODELS / version) if there else None
        return known[version]

    reading = Again(again.past, None, model)
    return _sum([reading.of(raised[id_]).tags for id_ in chosen])


def _sum(found: Sequence[Held | None]) -> Mapping[str, int]:
    held = [one for one in found if one is not None]
    return {
        "tried": sum(one.tried for one in held),
        "same": sum(one.same for one in held),
        "missing": sum(one.missing for one in held),
    }


def _named(one: Reproduced) -> str:
    fields = ", ".join(d.field for d in one.differences) or one.why
    return f"{one.alert} revision {one.revision} ({one.kind}): {fields}"


@contextmanager
def opened(home: Path) -> Iterator[Store]:
    store = Store.open(home)
    try:
        yield store
    finally:
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("homes", nargs="+", type=Path)
    parser.add_argument("--tags", type=int, default=0, help="random alerts whose texts are reread")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print-only", action="store_true", help="leave the file as it is")
    given = parser.parse_args()
    homes: dict[str, Home] = {}
    for home in given.homes:
        with opened(home) as store:
            homes[home.name] = measured(store, given.tags, given.seed)
    figures = {
        "machine": {"python": platform.python_version(), "arch": platform.machine()},
        "homes": homes,
    }
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if not given.print_only:
        OUT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
