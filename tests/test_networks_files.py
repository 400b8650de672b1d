"""Networks come in whole or not at all, say what they are, and go again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ews.cli import app as cli
from ews.reports import NotForViewer, NotFound, Viewer
from ews.reports.network_files import networks, open_network, remove_network
from ews.reports.network_imports import import_arrays, import_rows, sample_network
from graph.arrays import compile_arrays
from graph.arrays_checks import ArraysError, check_arrays
from graph.supply_files import save_arrays
from graph.supply_nouns import SupplyError
from tests.networks_home import ANALYST, LINKS, NOW, files

SOLD_MORE = LINKS.replace("4000,", "8000,")


def brought(home: Path, name: str = "steel", links: str = LINKS) -> bool:
    folder = home.parent
    nodes, links_file = files(folder, links)
    return import_rows(home, name, nodes, links_file, viewer=ANALYST, by="kim", at=NOW)[1]


def ews(home: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, list(words), env={"EWS_HOME": str(home)})
    return result.exit_code, result.stdout, result.stderr


def test_what_was_brought_is_listed_with_who_when_and_what_it_rests_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert brought(home)
    (line,) = networks(home, ANALYST)
    assert (line.name, line.nodes, line.links, line.currency) == ("steel", 4, 3, "KRW")
    assert (line.imported_by, line.imported_at, line.source) == ("kim", NOW, "nodes.csv, links.csv")
    assert {(b.basis, b.rows) for b in line.bases} == {
        ("stated", 1), ("assumed", 1), ("inferred", 1),
    }  # fmt: skip
    assert not line.synthetic
    kept = open_network(home, "steel", ANALYST)
    assert kept.arrays.link_weight.sum() == 31337 + 44000
    assert not kept.arrays.link_weight.flags.writeable, "mapped, not copied"
    mine = kept.numbers["firm:canarymine"]
    link = int(kept.arrays.sold[kept.arrays.sold_start[mine]])
    facts = [kept.facts.of(name, link) for name in ("basis", "source", "as_of", "synthetic")]
    assert facts == ["stated", "customs", "2025-03-01", ""]


def test_the_same_files_again_change_nothing_and_others_replace_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert brought(home)
    first = networks(home, ANALYST)[0]
    assert not brought(home)
    assert networks(home, ANALYST)[0] == first
    assert brought(home, links=SOLD_MORE)
    assert networks(home, ANALYST)[0].version != first.version
    folders = [p for p in (home / "networks/steel").iterdir() if p.is_dir()]
    assert len(folders) == 1, "the old arrays are gone"


def test_a_wrong_line_is_named_and_nothing_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    nodes, links = files(tmp_path, LINKS.replace("iron-ore,31337", "unobtainium,-5"))
    with pytest.raises(SupplyError):
        import_rows(home, "steel", nodes, links, viewer=ANALYST, by="kim", at=NOW)
    code, _, told = ews(home, "networks", "import", "steel", str(nodes), str(links))
    assert code == 2
    assert "links.csv:2: item: unknown item 'unobtainium'" in told
    assert "links.csv:2: weight: -5.0 is below 0" in told
    assert told.endswith("nothing was imported\n")
    assert networks(home, ANALYST) == ()


def test_a_name_that_could_be_another_folder_is_refused(tmp_path: Path) -> None:
    for name in ("../steel", "Steel", "", "a/b", ".hidden", "x" * 41):
        with pytest.raises(ValueError, match="is no name for a network"):
            brought(tmp_path / "home", name)
        with pytest.raises(NotFound):
            open_network(tmp_path / "home", name, ANALYST)
    assert not list((tmp_path / "home").rglob("*.npz"))


def test_a_sample_says_everywhere_that_it_is_made_up(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, told, _ = ews(home, "networks", "sample", "toy", "--firms", "60", "--links", "200",
                        "--lang", "en")  # fmt: skip
    assert (code, "[synthetic]" in told) == (0, True)
    assert not sample_network(home, "toy", 60, 200, viewer=ANALYST, by="kim", at=NOW)[1]
    (line,) = networks(home, ANALYST)
    assert (line.synthetic, line.synthetic_links) == (True, 200)
    assert line.source.startswith("synthetic: ")
    code, told, _ = ews(home, "networks", "list", "--json")
    assert json.loads(told)[0]["synthetic"] is True
    with pytest.raises(ValueError, match="at most"):
        sample_network(home, "toy", 10**7, 5, viewer=ANALYST, by="kim", at=NOW)


def test_saved_arrays_are_checked_before_they_are_kept(tmp_path: Path) -> None:
    two = compile_arrays(3, [0, 1], [1, 2], [0, 0], [5.0, 6.0], final=0.5)
    file, home = tmp_path / "two.npz", tmp_path / "home"
    save_arrays(file, two)
    line, changed = import_arrays(home, "two", file, viewer=ANALYST, by="kim", at=NOW)
    assert (line.links, changed, line.version) == (2, True, two.version)
    wrong = {
        "link_supplier": np.array([0, 7], np.int32),
        "link_lead": np.array([-1, 0], np.int32),
        "link_part": np.array([2.0, 1.0]),
        "link_start": np.array([0, 2, 1]),
        "output": np.array([1.0, np.nan, 1.0]),
        "final": np.array([0.5, 0.5]),
        "sold": np.array([1, 0]),
        "group_class": np.array([2, 3], np.int8),
        "link_rho": np.array([0, 1]),
    }
    for name, values in wrong.items():
        with pytest.raises(ArraysError, match=name):
            check_arrays(replace(two, **{name: values}))
    save_arrays(file, replace(two, link_supplier=wrong["link_supplier"]))
    with pytest.raises(ArraysError, match="link_supplier"):
        import_arrays(home, "two", file, viewer=ANALYST, by="kim", at=NOW)
    assert open_network(home, "two", ANALYST).arrays.version == two.version


def test_networks_are_for_analysts_and_operators_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    brought(home)
    nodes, links = files(tmp_path)
    for viewer in (Viewer("firm", "CanaryMill"), Viewer("official"), Viewer()):
        assert networks(home, viewer) == ()
        with pytest.raises(NotForViewer):
            import_rows(home, "other", nodes, links, viewer=viewer, by="lee", at=NOW)
        for ask in (open_network, remove_network):
            with pytest.raises(NotFound) as there:
                ask(home, "steel", viewer)
            with pytest.raises(NotFound) as not_there:
                ask(home, "stool", viewer)
            assert str(there.value).replace("steel", "stool") == str(not_there.value)
    assert len(networks(home, Viewer("operator"))) == 1


def test_what_is_removed_is_gone_from_the_disk(tmp_path: Path) -> None:
    home = tmp_path / "home"
    brought(home)
    remove_network(home, "steel", ANALYST)
    assert not list((home / "networks").iterdir())
    with pytest.raises(NotFound):
        remove_network(home, "steel", ANALYST)


KILLED = """
import os, signal, sys
from pathlib import Path
from ews.reports import network_files
from tests.networks_home import *
from tests.test_networks_files import brought, SOLD_MORE

def die(*_): os.kill(os.getpid(), signal.SIGKILL)

real = getattr(network_files, sys.argv[2])
def before_its_end(*given):
    if sys.argv[3] == "before": die()
    real(*given)
    die()
setattr(network_files, sys.argv[2], before_its_end)
brought(Path(sys.argv[1]), links=SOLD_MORE)
"""


@pytest.mark.parametrize(
    ("step", "when", "old"), [("save_arrays", "after", True), ("_point", "before", True),
                              ("_point", "after", False)],
)  # fmt: skip
def test_an_import_that_is_killed_leaves_the_old_network_or_the_new_one(
    tmp_path: Path, step: str, when: str, old: bool
) -> None:
    home = tmp_path / "home"
    brought(home)
    before = networks(home, ANALYST)[0]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), step, when],
        cwd=Path(__file__).parents[1], env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    now = networks(home, ANALYST)[0]
    assert (now == before) is old
    total = 31337 + 44000 + (0 if old else 4000)
    assert open_network(home, "steel", ANALYST).arrays.link_weight.sum() == total
    assert brought(home, links=SOLD_MORE) is old
    folders = [p for p in (home / "networks/steel").iterdir() if p.is_dir()]
    assert len(folders) == 1 or not old, "what the kill left is swept away"
