"""The same store on PostgreSQL: migrations, every noun, the rules of its connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ews.storage import Store, StoreError, engine, schema
from ews.storage.audit import broken
from ews.storage.engine import open_engine
from ews.storage.migrate import HEAD, current_revision, migrate
from tests.pg_server import pg_url
from tests.test_storage_nouns import write_everything
from tests.test_storage_schema import check_from_0008, fill_0008


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with pg_url(migrated=True) as url:
        made = Store.open(tmp_path, url)
        yield made
        made.close()


def test_from_nothing_and_from_the_first_schema_to_what_the_tables_say(tmp_path: Path) -> None:
    with pg_url() as url:
        made = open_engine(tmp_path, url)
        migrate(made, "0001")
        with made.begin() as connection:
            connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES ('kept', 'yes')")
        migrate(made, "0008")
        fill_0008(made)
        migrate(made)
        assert current_revision(made) == HEAD
        with made.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
            assert connection.exec_driver_sql("SELECT value FROM meta").scalar() == "yes"
        made.dispose()
        store = Store.open(tmp_path, url)
        check_from_0008(store)
        store.close()


def test_everything_can_be_saved_twice_and_is_written_once(store: Store) -> None:
    write_everything(store)
    before = store.counts()
    write_everything(store)
    assert store.counts() == before
    assert broken(store.audit_rows()) is None


def test_the_audit_can_only_grow(store: Store) -> None:
    write_everything(store)
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store._engine.begin() as raw:
            raw.exec_driver_sql(statement)


def test_a_session_that_idles_in_a_transaction_is_ended_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "IDLE_IN_TRANSACTION_MS", 300)
    with pg_url(migrated=True) as url:
        frozen, other = Store.open(tmp_path, url), Store.open(tmp_path, url)
        written = threading.Thread(target=other.put, args=("key", "other"))

        def freeze() -> None:
            with frozen.begin() as tx:
                tx.put("key", "frozen")
                written.start()
                written.join(10)
                assert not written.is_alive(), "the lock of the writers was never freed"
                tx.put("key", "too late")

        with pytest.raises(StoreError):
            freeze()
        assert frozen.get("key") == "other"
        frozen.close()
        other.close()
