"""What came of something that was asked in Slack, as far as a face must know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """`refused`: not for who asked, and nothing was done. `errors`: field of the form -> what is
    wrong with it. `busy`: not taken. None of them: taken, and who asked is told by the desk."""

    refused: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    busy: bool = False
