"""Which lists and tables do several sources share? Those of lists.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def shared_lists() -> Mapping[str, Mapping[str, object]]:
    """scrapers/lists.toml: `lists` and `tables`, each by name."""
    return tomllib.loads((files("scrapers") / "lists.toml").read_text(encoding="utf-8"))
