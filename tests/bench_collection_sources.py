"""Is every wire format there with a sample and what it must yield? `python -m tests.bench_collection_sources`."""

from __future__ import annotations

import json
from importlib.resources import files

from ews.model import Source
from scrapers import load_sources
from scrapers.golden import read_sample, told_text
from tests.wire_formats import WIRES, folders, has_own_code

LEAST = 35


def measure() -> dict[str, object]:
    """Folders and formats, read now; `wrong` names folders that do not yield what is expected."""
    sources, found = load_sources(), folders()
    wrong = [one.name for one in sources if not _as_expected(one)]
    asked = [one for one in WIRES if one.of != "numbers"]
    return {
        "folders": len(sources), "on_by_default": sum(one.enabled for one in sources),
        "wrong": wrong, "formats": len(WIRES), "formats_asked_for": len(asked),
        "formats_without_a_folder": [one.title for one in WIRES if not found[one.title]],
        "folders_of_no_format": [one.name for one in found[""]],
        "folders_with_code_of_their_own": [one.name for one in sources if has_own_code(one)],
        "ever_run_live": [one.name for one in sources if one.live_tested],
        "folders_asked_for": sum(len(found[one.title]) for one in asked),
    }  # fmt: skip


def _as_expected(source: Source) -> bool:
    stored = files("scrapers") / "sources" / source.name / "expected.json"
    if not stored.is_file():
        return False
    parsed = read_sample(source)
    wanted = json.loads(stored.read_text(encoding="utf-8"))
    return bool(parsed.signals) and json.loads(told_text(parsed)) == wanted


if __name__ == "__main__":
    print(json.dumps(measure(), ensure_ascii=False, indent=1))
