"""Would Slack take these blocks? By slack-sdk's own models, and by the limits they do not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackClientError
from slack_sdk.models.blocks import Block as SdkBlock
from slack_sdk.models.blocks import BlockElement, InputBlock, Option
from slack_sdk.models.views import View

from alerts.blocks import MAX_BLOCKS, MAX_TOTAL, Block


def checked(blocks: Sequence[Block]) -> list[dict[str, Any]] | None:
    """The blocks as slack-sdk's own models accept them, or None: then the words go alone."""
    rows = [dict(block) for block in blocks]
    try:
        _validate(rows)
    except SlackClientError:
        return None
    too_big = len(rows) > MAX_BLOCKS or sum(map(text_size, rows)) > MAX_TOTAL
    return None if too_big else rows


def check_form(form: Mapping[str, Any]) -> None:
    """SlackClientError when Slack would not open the form."""
    view = View(**form)
    view.validate_json()
    if view.title is not None:
        view.title.validate_json()
    _validate([dict(block) for block in form["blocks"]])


def _validate(rows: Sequence[dict[str, Any]]) -> None:
    """The models check a block alone, not what stands in it; so each part is asked."""
    for row in rows:
        block = SdkBlock.parse(dict(row))
        if block is None:
            raise SlackClientError(f"unknown block {row.get('type')!r}")
        block.validate_json()
        inside = list(getattr(block, "elements", None) or [])
        if isinstance(block, InputBlock):
            inside.append(block.element)
        for part in inside:
            if isinstance(part, BlockElement):
                part.validate_json()
                for option in Option.parse_all(getattr(part, "options", None) or []) or []:
                    option.validate_json()


def text_size(part: object) -> int:
    """Characters of text inside a block, at any depth."""
    if isinstance(part, str):
        return len(part)
    if isinstance(part, Mapping):
        return sum(text_size(v) for k, v in part.items() if k not in {"type", "block_id"})
    if isinstance(part, Sequence):
        return sum(text_size(value) for value in part)
    return 0
