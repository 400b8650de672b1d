"""What should a reader do first? The steps of `alerts/playbooks/<type>.md`, by language."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

HEADINGS = {"ko": "## 한국어", "en": "## English"}
STEP = re.compile(r"^\d+\.\s+(.+)$")


class PlaybookError(ValueError):
    """A playbook is missing or not of the agreed form; the text says which and how to mend it."""


@cache
def playbook(type_: str, lang: str) -> tuple[str, ...]:
    """The steps for that event type, first things first, in Korean or (else) English.

    PlaybookError when the type has no file or the language has no numbered steps.
    """
    folder = resources.files("alerts").joinpath("playbooks")
    page = folder.joinpath(f"{type_}.md")
    if not re.fullmatch(r"[a-z_]+", type_) or not page.is_file():
        raise PlaybookError(
            f"no playbook for {type_!r}: write alerts/playbooks/{type_}.md with "
            f"'{HEADINGS['ko']}' and '{HEADINGS['en']}' and numbered steps"
        )
    heading = HEADINGS.get(lang, HEADINGS["en"])
    steps: list[str] = []
    inside = False
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("## "):
            inside = line.strip() == heading
        elif inside and (step := STEP.match(line)):
            steps.append(step[1].strip())
    if not steps:
        raise PlaybookError(f"alerts/playbooks/{type_}.md: no numbered step under '{heading}'")
    return tuple(steps)


def playbook_types() -> tuple[str, ...]:
    """Every event type that has a playbook, sorted."""
    folder = resources.files("alerts").joinpath("playbooks")
    return tuple(sorted(p.name[:-3] for p in folder.iterdir() if p.name.endswith(".md")))
