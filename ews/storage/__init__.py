"""Storage: what do we know, and what did we know then? SQL lives here and nowhere else."""

from ews.storage.engine import sqlite_version, sqlite_version_ok
from ews.storage.store import Store
from ews.storage.texts import StoryRow

__all__ = ["Store", "StoryRow", "sqlite_version", "sqlite_version_ok"]
