"""Brings a database to the newest schema with Alembic, in one transaction, saying nothing."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ews.storage.engine import WRITES

HEAD = "0011"  # newest revision under migrations/versions
FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: Engine, to: str = "head") -> None:
    """Upgrade to `to`. Safe when several processes start at once: they take turns.

    RuntimeError when the database was written by a newer ews.
    """
    if to == "head" and current_revision(engine) == HEAD:
        return  # the usual start: no need to load Alembic
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        if connection.dialect.name == "sqlite":
            # A step that rebuilds a table must not cascade; SQLite obeys this only outside BEGIN.
            _pragma(connection, "foreign_keys=OFF")
        try:
            with connection.begin():
                _upgrade(connection, to)
        finally:
            if connection.dialect.name == "sqlite":
                _pragma(connection, "foreign_keys=ON")


def current_revision(engine: Engine) -> str | None:
    """Revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _upgrade(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise RuntimeError(
            f"this database cannot be brought to the schema of this ews ({error}); "
            "it may have been written by a newer one: update ews, or give another home"
        ) from error


def _pragma(connection: Connection, text: str) -> None:
    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.execute(f"PRAGMA {text}").close()
