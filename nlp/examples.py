"""Our own training sentences: patterns of `nlp/data/own-examples.toml` filled with their slots, and
whole sentences of `nlp/data/own_examples_*.jsonl`. Invented facts; none is anybody's news text."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files

from nlp.dataset import Row, to_row
from nlp.taxonomy import NAMES


def own_rows() -> list[Row]:
    """Two rows per pattern, in file order; slots are taken in turn, so the set never changes."""
    tree = tomllib.loads(
        files("nlp").joinpath("data/own-examples.toml").read_text(encoding="utf-8")
    )
    rows: list[Row] = []
    for block in tree["row"]:
        for lang in ("ko", "en"):
            for pattern in block[lang]:
                for turn in (0, 1):
                    place = 3 * len(rows) + turn
                    filled = {
                        name: choices[place % len(choices)]
                        for name in ("country", "good", "plant", "port")
                        for choices in [tree["slots"][f"{name}_{lang}"]]
                    }
                    title = pattern.format(**filled)
                    rows.append(
                        Row(
                            id=f"own-{len(rows)}",
                            source="own",
                            lang=lang,
                            text="",
                            title=title[:1].upper() + title[1:],
                            labels=tuple(block["labels"]),
                            severity=block["severity"],
                            phase=block.get("phase"),
                            day=None,
                            part="train",
                        )
                    )
    return rows + own_sentences()


def own_sentences() -> list[Row]:
    """The sentences of the two files, Korean first; ValueError names a label that is unknown."""
    rows = []
    for lang in ("ko", "en"):
        text = files("nlp").joinpath(f"data/own_examples_{lang}.jsonl").read_text(encoding="utf-8")
        rows += [to_row(json.loads(line)) for line in text.splitlines() if line.strip()]
    for row in rows:
        if unknown := set(row.labels) - set(NAMES):
            raise ValueError(f"{row.id}: unknown label {sorted(unknown)[0]!r}")
    return rows
