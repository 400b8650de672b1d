"""What should a reader do first? The steps of `alerts/playbooks/*.md`, by type or stage, by language."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from ews.model import Stage

HEADINGS = {"ko": "## 한국어", "en": "## English"}
STEP = re.compile(r"^\d+\.\s+(.+)$")
STAGE_PAGE = "stage_"  # stage_caution.md is no event type


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


def stage_playbook(stage: Stage, lang: str) -> tuple[str, ...]:
    """What the stage requires, whatever the type of event: alerts/playbooks/stage_<stage>.md."""
    return playbook(f"{STAGE_PAGE}{stage.en}", lang)


def playbook_types() -> tuple[str, ...]:
    """Every event type that has a playbook, sorted."""
    folder = resources.files("alerts").joinpath("playbooks")
    names = (page.name[:-3] for page in folder.iterdir() if page.name.endswith(".md"))
    return tuple(sorted(name for name in names if not name.startswith(STAGE_PAGE)))
