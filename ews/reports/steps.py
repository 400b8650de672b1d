"""What should a reader of this alert do first? The playbooks of its stage and of its kind of event."""

from __future__ import annotations

from alerts.playbooks import PlaybookError, playbook, stage_playbook
from ews.model import Stage


def first_steps(type_: str, stage: int, lang: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Steps that the stage requires, then those for the type; empty where no playbook is written
    (a type of an older ews)."""
    try:
        return stage_playbook(Stage(stage), lang), playbook(type_, lang)
    except PlaybookError:
        return stage_playbook(Stage(stage), lang), ()
