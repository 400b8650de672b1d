"""An alert with some fields as they are now. Most steps change little, and an alert has many fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ews.model import Alert


def put(alert: Alert, **fields: Any) -> Alert:
    """The alert with these fields; itself when it has them already."""
    for name, value in fields.items():
        if getattr(alert, name) != value:
            return replace(alert, **fields)
    return alert
