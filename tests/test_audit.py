"""The audit: everything is in it, and whatever is done to it or to what it tells is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from alerts.digests import carry
from ews.cli import app
from ews.model import (
    Act,
    ActKind,
    Bulletin,
    BulletinKind,
    BulletinPart,
    Person,
    Receiver,
    Silence,
)
from ews.reports.auditing import exported, head_text, parse_head, verify
from ews.storage import Store
from ews.storage.audit import Audited
from ews.storage.people import ACT
from ews.storage.schema import APPEND_ONLY, acts
from tests.faces_home import NOW, make_home
from tests.pg_server import pg_url

ALERT = "alr-urea0000000001"
PROOF = (Path(__file__).parents[1] / "docs" / "proof.md").read_text("utf-8")
LINE = Receiver("transport", "console", "-")


def fill(store: Store) -> None:
    """One of each kind of thing, through the methods that keep it."""
    person = Person("per-1", "김과장", "official", NOW, signs=True)
    silence = Silence("sil-1", "김과장", "known", NOW, NOW + timedelta(hours=2), {"item": "urea"})
    bulletin = Bulletin("bul-1", BulletinKind.DIGEST, "transport", "ko", NOW, "요약",
                        (BulletinPart("경보", ("없음",)),))  # fmt: skip
    with store.begin() as tx:
        tx.save_person(person, "operator", NOW)
        tx.save_act(Act("act-1", ActKind.NOTE, "김과장", NOW, "page", ALERT, "재고를 물었음"))
        tx.save_silence(silence)
        tx.save_bulletins([bulletin], [carry(bulletin, LINE)])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database file, made once."""
    folder = tmp_path_factory.mktemp("filled")
    make_home(folder)
    store = Store.open(folder)
    fill(store)
    store.close()
    return (folder / "ews.db").read_bytes()


@pytest.fixture
def home(tmp_path: Path, filled: bytes) -> Path:
    (tmp_path / "ews.db").write_bytes(filled)
    return tmp_path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = Store.open(home)
    yield opened
    opened.close()


def without_triggers(store: Store) -> None:
    """As somebody does who has the database file, or owns the database."""
    with store._engine.begin() as connection:
        for text in APPEND_ONLY[connection.dialect.name]:
            if name := re.match(r"CREATE TRIGGER (\w+)", text):
                on = " ON audit" if connection.dialect.name == "postgresql" else ""
                connection.exec_driver_sql(f"DROP TRIGGER {name[1]}{on}")


def run(store: Store, *statements: str) -> None:
    with store._engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_every_kind_of_thing_is_in_it_once_and_twice_saving_adds_nothing(store: Store) -> None:
    kinds = [row.kind for row in store.audit_rows()]
    assert sorted(set(kinds)) == sorted(
        ["change", "notification", "delivery", "act", "ruleset", "silence", "person", "bulletin"]
    )
    before = store.audit_head()
    fill(store)
    (change,) = store.changes(alert_id=ALERT)
    store.save_changes([change])
    store.save_notifications([], store.notifications(alert_id=ALERT))
    store.save_ruleset(store.rulesets()[-1])
    assert store.audit_head() == before


def keep_both(tx: Store, act: Act, person: Person) -> None:
    assert tx.save_act(act)
    tx.save_person(person, "operator", NOW)


def test_what_fails_leaves_neither_the_thing_nor_its_row(store: Store) -> None:
    before = store.audit_head()
    act = Act("act-2", ActKind.NOTE, "김과장", NOW, "cli", ALERT, "x")
    nobody = Person("per-2", "김과장", "official", NOW)  # the name is taken
    with pytest.raises(sa.exc.IntegrityError), store.begin() as tx:
        keep_both(tx, act, nobody)
    assert store.act("act-2") is None
    assert store.audit_head() == before


def test_an_audit_that_nobody_touched_holds(store: Store) -> None:
    found = verify(store, store.audit_head())
    assert found.ok
    assert found.problem == ""
    assert found.rows == store.audit_head()[0]
    assert found.things == 1 + 1 + 2  # change, act, rule sets
    assert found.unaudited == 0


TAMPERS: dict[str, tuple[list[str], str]] = {
    "edit": (["UPDATE audit SET body = replace(body, '주의', '관심') WHERE seq = 2"],
             "row 2 .* was changed after it was written"),
    "other hand": (["UPDATE audit SET who = 'lee' WHERE seq = 3"], "row 3 .* was changed"),
    "back-dated": (["UPDATE audit SET at = at - 1 WHERE seq = 4"], "row 4 .* was changed"),
    "delete": (["DELETE FROM audit WHERE seq = 4"], "row 4 is missing"),
    "first": (["DELETE FROM audit WHERE seq = 1"], "row 1 is missing"),
    "closed up": (["DELETE FROM audit WHERE seq = 4",
                   "UPDATE audit SET seq = -seq WHERE seq > 4",
                   "UPDATE audit SET seq = -seq - 1 WHERE seq < 0"],
                  "row 4 .* does not follow"),
    "insert": (["UPDATE audit SET seq = -seq WHERE seq > 3",
                "UPDATE audit SET seq = -seq + 1 WHERE seq < 0",
                "INSERT INTO audit SELECT 4, at, kind, subject, who, body, hash, hash "
                "FROM audit WHERE seq = 3"],
               "row 4 .* was changed"),
    "swap": (["UPDATE audit SET seq = -2 WHERE seq = 2", "UPDATE audit SET seq = 2 WHERE seq = 3",
              "UPDATE audit SET seq = 3 WHERE seq = -2"], "row 2 .* does not follow"),
}  # fmt: skip


def tampered(store: Store, statements: list[str], said: str) -> None:
    without_triggers(store)
    run(store, *statements)
    found = verify(store)
    assert not found.ok
    assert re.match(said, found.problem), found.problem


@pytest.mark.parametrize("name", list(TAMPERS))
def test_a_row_that_was_changed_taken_out_put_in_or_moved_is_named(store: Store, name: str) -> None:
    tampered(store, *TAMPERS[name])


def test_on_postgresql_too(tmp_path: Path) -> None:
    for name in ("edit", "delete", "insert", "swap"):
        with pg_url(migrated=True) as url:
            store = Store.open(tmp_path, url)
            try:
                for number in range(6):
                    person = Person("per-1", "김", "official", NOW, email=f"주의{number}@a.example")
                    store.save_person(person, "operator", NOW)
                assert verify(store, store.audit_head()).ok
                with pytest.raises(sa.exc.DatabaseError, match="append-only"):
                    run(store, "DELETE FROM audit")
                statements, said = TAMPERS[name]
                tampered(store, [s.replace("-seq", "(-seq)") for s in statements], said)
            finally:
                store.close()


def test_on_postgresql_the_service_itself_can_be_kept_from_changing_it(tmp_path: Path) -> None:
    """By the statements of docs/proof.md."""
    granted = re.search(r"```sql\n(.*?)```", PROOF, re.S)
    assert granted is not None
    with pg_url(migrated=True) as url:
        store = Store.open(tmp_path, url)
        try:
            person = Person("per-1", "김", "official", NOW)
            store.save_person(person, "operator", NOW)
            run(store, *filter(str.strip, granted[1].split(";")))
            without_triggers(store)  # the rights alone must hold
            for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
                with pytest.raises(sa.exc.DatabaseError, match="permission denied"):
                    run(store, "SET LOCAL ROLE ews_service", statement)
            more = "INSERT INTO audit SELECT seq + 1, at, kind, subject, who, body, hash, hash FROM audit"
            run(store, "SET LOCAL ROLE ews_service", more, "UPDATE people SET name = 'lee'")
        finally:
            run(store, "DROP OWNED BY ews_service", "DROP ROLE ews_service")
            store.close()


def test_rows_cut_off_at_the_end_are_found_with_a_kept_head_and_only_with_it(store: Store) -> None:
    kept = store.audit_head()
    without_triggers(store)
    cut = "DELETE FROM audit WHERE seq > 7"
    run(store, cut)
    assert verify(store, things=False).ok
    found = verify(store, kept, things=False)
    assert found.problem == (
        f"row 8 is missing: the audit ends at row 7, the kept head names row {kept[0]}, "
        "so rows were cut off"
    )


def test_an_audit_written_anew_from_the_first_row_is_found_with_a_kept_head(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever may write everything can forge a whole chain; what was kept outside they cannot."""
    kept = store.audit_head()
    rows = [replace(row, who="nobody") for row in store.audit_rows()]
    without_triggers(store)
    run(store, "DELETE FROM audit")
    store.audit([Audited(r.at, r.kind, r.subject, r.who, r.body) for r in rows])
    assert verify(store).ok
    assert "written anew" in verify(store, kept).problem


def test_an_early_head_still_proves_a_chain_that_went_on(store: Store) -> None:
    kept = store.audit_head()
    store.save_act(Act("act-9", ActKind.NOTE, "김과장", NOW, "cli", ALERT, "later"))
    assert verify(store, kept).ok


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE acts SET note = 'said otherwise'", "act act-1 is not as it was audited"),
        ("DELETE FROM acts", "act act-1 was audited and is gone"),
        ("UPDATE alert_changes SET reason = 'another'", f"change {ALERT} revision 1 is not as"),
        ("UPDATE rulesets SET by = 'lee' WHERE version = 2", "ruleset 2 is not as"),
        ("INSERT INTO acts SELECT 'act-x', kind, by, at, via, alert_id, note, detail, more "
         "FROM acts", "act act-x stands in its table and was never audited"),
    ],
)  # fmt: skip
def test_a_thing_changed_in_its_table_behind_the_audit_is_found(
    store: Store, statement: str, said: str
) -> None:
    run(store, statement)
    assert verify(store, things=False).ok, "the chain itself is whole"
    assert verify(store).problem.startswith(said)


def test_what_is_older_than_the_audit_is_counted_not_called_wrong(store: Store) -> None:
    """A store of an older ews had changes before it had an audit."""
    act = Act("act-0", ActKind.NOTE, "김과장", NOW - timedelta(days=400), "cli", ALERT, "old")
    with store._engine.begin() as connection:
        connection.execute(sa.insert(acts), [ACT.write(act)])
    found = verify(store)
    assert (found.ok, found.unaudited) == (True, 1)


# ------------------------------------------------------------------------------ commands


def ews(home: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["audit", *words, "--home", str(home)])
    return result.exit_code, result.output


def test_the_commands_list_export_and_verify_with_a_head(home: Path) -> None:
    code, head = ews(home, "head")
    assert (code, parse_head(head)[0]) == (0, 10)
    assert ews(home, "verify", "--head", head.strip())[0] == 0
    assert ews(home, "verify", "--head", f"10:{'0' * 64}")[0] == 1
    assert ews(home, "verify", "--head", f"11:{'0' * 64}")[0] == 1
    assert ews(home, "verify", "--head", "10:abc")[0] == 2
    code, told = ews(home, "list", "--subject", ALERT, "--json")
    assert [row["kind"] for row in json.loads(told)] == [
        "act", "delivery", "notification", "change",
    ]  # fmt: skip
    assert ews(home, "list", "--subject", "alr-none")[0] == 1
    store = Store.open(home)
    without_triggers(store)
    run(store, "DELETE FROM audit WHERE seq = 6")
    store.close()
    code, told = ews(home, "verify", "--lang", "en")
    assert code == 1
    assert "row 6 is missing" in told


def script() -> str:
    """The script that docs/proof.md gives to a third party."""
    found = re.search(r"```python\n(.*?)```", PROOF, re.S)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines, "rows, head "),
        (lambda lines: [*lines[:3], lines[3].replace('"kind":"', '"kind":"x'), *lines[4:]], "row 4 "),
        (lambda lines: [*lines[:3], *lines[4:]], "row 4 "),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "row 1 "),
        (lambda lines: [*lines, lines[-1]], "row 11 "),
    ],
    ids=["whole", "changed", "removed", "swapped", "added"],
)  # fmt: skip
def test_the_script_of_the_documents_verifies_an_export(
    home: Path, change: Callable[[list[str]], list[str]], said: str
) -> None:
    file, checker = home / "audit.jsonl", home / "check.py"
    assert ews(home, "export", str(file))[0] == 0
    store = Store.open(home)
    head = head_text(store.audit_head())
    assert file.read_text("utf-8") == "".join(exported(store.audit_rows()))
    store.close()
    lines = file.read_text("utf-8").splitlines()
    changed = change(lines)
    file.write_text("\n".join(changed) + "\n", "utf-8")
    checker.write_text(script(), "utf-8")
    done = subprocess.run(
        [sys.executable, str(checker), str(file)], capture_output=True, text=True, check=False
    )
    whole = changed == lines
    assert done.returncode == (0 if whole else 1), done.stderr
    assert said in done.stdout + done.stderr
    assert not whole or head in done.stdout


def test_the_script_is_as_short_as_promised() -> None:
    assert len(script().strip().splitlines()) <= 15


def test_a_slip_of_whoever_has_the_password_is_refused(store: Store) -> None:
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            run(store, statement)
    assert len(list(store.audit_rows())) == store.audit_head()[0] == 10
