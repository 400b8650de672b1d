"""Storage: what do we know, and what did we know then? SQL lives here and nowhere else."""

from ews.storage.engine import sqlite_version, sqlite_version_ok
from ews.storage.store import Store

__all__ = ["Store", "sqlite_version", "sqlite_version_ok"]
