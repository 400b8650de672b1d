"""Storage: what do we know, and what did we know then? SQL lives here and nowhere else."""

from sqlalchemy.exc import DBAPIError as StoreError

from ews.storage.engine import sqlite_version, sqlite_version_ok
from ews.storage.leases import Lease, SessionLock
from ews.storage.store import Store
from ews.storage.transactions import StaleLeader

__all__ = [
    "Lease",
    "SessionLock",
    "StaleLeader",
    "Store",
    "StoreError",
    "sqlite_version",
    "sqlite_version_ok",
]
