"""An empty store for tests that start from nothing, on SQLite or on TEST_STORE_URL."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path

from sqlalchemy.engine import Engine

from ews.storage import Store, schema
from ews.storage.engine import open_engine
from ews.storage.migrate import migrate


@functools.cache
def migrated() -> bytes:
    """A new database file, migrated once for all tests here."""
    with tempfile.TemporaryDirectory() as home:
        engine = open_engine(Path(home))
        migrate(engine)
        engine.dispose()
        return (Path(home) / "ews.db").read_bytes()


def begun(engine: Engine) -> None:
    """What `Store.open` does to bring a database to the newest schema, but that a new file begins
    as a copy of `migrated`. The migrations themselves: test_storage_schema."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and file != ":memory:" and not Path(file).exists():
        Path(file).write_bytes(migrated())
    migrate(engine)


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
