"""Migrations: from nothing and from the first version to what the tables say, losing nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

import ews.storage.store
from ews.model import Observation, Polling
from ews.storage import Store
from ews.storage.engine import open_engine, sqlite_version_ok
from ews.storage.migrate import HEAD, current_revision, migrate
from ews.storage.schema import metadata
from ews.storage.schema_base import EPOCH


@pytest.fixture(autouse=True)
def migrated_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here no new database begins as a copy (tests.empty_store)."""
    monkeypatch.setattr(ews.storage.store, "migrate", migrate)


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def statements(engine: Engine) -> set[str]:
    """Every CREATE of the database, as one line each, with the parts of a table in order."""
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
    with engine.connect() as connection:
        texts = connection.exec_driver_sql(query).scalars().all()
    return {" ".join(sorted(re.sub(r"[\s,()\"]+", " ", text).split())) for text in texts}


def test_an_empty_database_becomes_what_the_tables_say(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    migrate(engine)
    assert current_revision(engine) == HEAD
    assert differences(engine) == []
    engine.dispose()


def test_migrations_and_tables_write_the_same_sql_with_the_same_partial_indexes(
    tmp_path: Path,
) -> None:
    migrated, made = open_engine(tmp_path), open_engine(tmp_path, "sqlite://")
    migrate(migrated)
    metadata.create_all(made)
    assert statements(migrated) == statements(made)
    migrated.dispose()
    made.dispose()


def test_the_first_schema_is_upgraded_and_keeps_its_rows(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    migrate(engine, "0001")
    assert current_revision(engine) == "0001"
    assert not sa.inspect(engine).has_table("leases")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES ('kept', 'yes')")
    engine.dispose()
    store = Store.open(tmp_path)
    assert store.get("kept") == "yes"
    assert store.integrity_check() == []
    assert current_revision(store._engine) == HEAD
    assert differences(store._engine) == []
    store.close()


def fill_0008(engine: Engine) -> None:
    """A source with a plan, its last fetch and a text, as an ews of schema 0008 wrote them."""
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO sources (name, next_due) VALUES ('bbc_world', 900000000)",
            "INSERT INTO sources (name, next_due) VALUES ('gscpi', NULL)",
            "INSERT INTO fetches (id, source, at, outcome, status, signals, permanent) "
            "VALUES ('fch-1', 'bbc_world', 0, 'new', 200, 3, FALSE)",
            "INSERT INTO articles (id, source, outlet, url, title, text, lang, observed_at, "
            "available_at, independence) VALUES ('art-1', 'bbc_world', 'BBC', 'https://e.org/1', "
            "'Urea', '', 'en', 0, 0, 'bbc')",
        ):
            connection.exec_driver_sql(statement)


def check_from_0008(store: Store) -> None:
    """What was there is there, and is read as an ews of now would have written it."""
    planned = Polling("bbc_world", EPOCH + timedelta(minutes=15))
    assert store.pollings() == {"bbc_world": planned, "gscpi": Polling("gscpi")}
    fetch, text = store.last_fetch("bbc_world"), store.articles(["art-1"])["art-1"]
    assert fetch is not None
    assert (fetch.signals, fetch.asked, fetch.rows, fetch.answered_by) == (3, True, None, "")
    assert text.trusted
    store.save_memory("gscpi", "slots")
    store.save_polling(replace(planned, failures=2, url="https://e.org/"))
    assert (store.polling("bbc_world").failures, store.memory("gscpi")) == (2, "slots")
    assert (store.totals(), list(store.raw_sizes()), store.hosts()) == ({}, [], [])


def test_a_home_from_before_collection_goes_on_where_it_was(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    migrate(engine, "0008")
    fill_0008(engine)
    engine.dispose()
    store = Store.open(tmp_path)
    check_from_0008(store)
    assert differences(store._engine) == []
    assert store.integrity_check() == []
    store.close()


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    before = (tmp_path / "ews.db").read_bytes()
    Store.open(tmp_path).close()
    assert (tmp_path / "ews.db").read_bytes() == before


def test_migrating_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Store.open(tmp_path).close()
    assert capfd.readouterr() == ("", "")


def test_a_database_of_a_newer_ews_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(RuntimeError, match="newer one: update ews"):
        Store.open(tmp_path)


def test_a_store_works_in_memory(tmp_path: Path) -> None:
    store = Store.open(tmp_path, "sqlite://")
    store.put("key", "value")
    assert store.get("key") == "value"
    store.close()


def test_sqlite_is_opened_by_the_rules(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store._engine.connect() as connection:
        rules = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert rules["journal_mode"] == "wal"
    assert rules["synchronous"] == 2  # FULL
    assert rules["foreign_keys"] == 1
    assert int(rules["busy_timeout"] or 0) >= 5000
    store.close()


@pytest.mark.parametrize(
    ("version", "ok"),
    [
        ("3.40.1", False), ("3.44.5", False), ("3.44.6", True), ("3.50.6", False),
        ("3.50.7", True), ("3.51.2", False), ("3.51.3", True), ("3.53.4", True), ("4.0.0", True),
    ],
)  # fmt: skip
def test_versions_with_the_wal_reset_race_are_known(version: str, ok: bool) -> None:
    assert sqlite_version_ok(version) is ok


def test_values_of_an_older_store_become_series_with_each_vintage_once(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    migrate(engine, "0007")
    insert = (
        "INSERT INTO observations (id, series, observed_at, available_at, value, unit, source, "
        "detected) VALUES (?, 'comtrade/export-kg/CN-KR/250410', ?, ?, ?, 'kg', 'comtrade', ?)"
    )
    rows = [("a", 0, 10, 1.0, 1), ("b", 0, 20, 1.0, 1), ("c", 0, 30, 2.0, 1), ("d", 5, 30, 7.0, 0)]
    with engine.begin() as connection:
        connection.exec_driver_sql(insert, rows)
    engine.dispose()
    store = Store.open(tmp_path)
    now = EPOCH + timedelta(days=1)
    assert [(o.value, o.unit, o.source) for o in store.vintages(now)] == [
        (1.0, "kg", "comtrade"), (2.0, "kg", "comtrade"), (7.0, "kg", "comtrade"),
    ]  # fmt: skip
    assert [one.name for one in store.waiting_series(now)] == ["comtrade/export-kg/CN-KR/250410"]
    assert store.save_observations([Observation("a/b/c/-", now, now, 1.0)]) == 1
    assert store.integrity_check() == []
