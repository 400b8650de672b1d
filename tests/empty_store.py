"""An empty store for tests that start from nothing, on SQLite or on TEST_STORE_URL."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path

from ews.storage import Store, schema
from ews.storage.engine import open_engine


@functools.cache
def migrated() -> bytes:
    """A new database file, migrated once for all tests here."""
    with tempfile.TemporaryDirectory() as home:
        Store.open(Path(home)).close()
        return (Path(home) / "ews.db").read_bytes()


def opened(home: Path) -> Store:
    """An empty store: on SQLite, or where TEST_STORE_URL says (it is emptied)."""
    url = os.environ.get("TEST_STORE_URL")
    if url:
        engine = open_engine(home, url)
        schema.metadata.drop_all(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS audit_append_only()")
        engine.dispose()
    else:
        (home / "ews.db").write_bytes(migrated())
    return Store.open(home, url)
