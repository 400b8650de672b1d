"""The engines of ESRI give the same numbers, with numba and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import planner
from graph.arrays import SupplyArrays, compile_arrays
from graph.esri import EsriError, esri
from graph.jit import HAVE_NUMBA, cache_folder
from graph.operators import operators
from graph.planner import Systemic, Terms, engine_for, esri_all, esri_of
from graph.synthetic import synthetic_network

CASES = settings(max_examples=500, deadline=None)


@st.composite
def networks(draw: st.DrawFn) -> SupplyArrays:
    nodes = draw(st.integers(2, 7))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, nodes - 1), st.integers(1, nodes - 1), st.integers(0, 3)),
            min_size=1,
            max_size=18,
            unique=True,
        )
    )
    supplier = np.array([a for a, _, _ in pairs], dtype=np.int64)
    buyer = np.array([(a + b) % nodes for a, b, _ in pairs], dtype=np.int64)
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return compile_arrays(
        nodes,
        supplier,
        buyer,
        np.array([c for _, _, c in pairs], dtype=np.int64),
        seed.lognormal(0.0, 2.0, len(pairs)),
        essential=seed.integers(0, 3, len(pairs)),
        final=draw(st.sampled_from([0.1, 0.3, 0.9])),
        sector=np.append(0, seed.integers(-1, 3, nodes - 1)),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[SupplyArrays, np.ndarray, bool]:
    arrays = draw(networks())
    values = st.sampled_from([0.0, 0.0, 0.2, 0.7, 1.0])
    psi = [draw(st.lists(values, min_size=arrays.nodes, max_size=arrays.nodes)) for _ in range(2)]
    return arrays, np.array(psi).T, draw(st.booleans())


@CASES
@given(questions())
def test_pushing_gives_the_numbers_of_the_loop_and_of_the_matrices(
    question: tuple[SupplyArrays, np.ndarray, bool],
) -> None:
    arrays, psi, market = question
    loop = esri(arrays, psi, market=market, engine="networkx", max_sweeps=60)
    for engine in ("scipy", "push"):
        out = esri_of(arrays, psi, market=market, engine=engine, max_sweeps=60)
        assert out.engine == engine
        np.testing.assert_allclose(out.down, loop.down, rtol=0, atol=1e-12)
        np.testing.assert_allclose(out.up, loop.up, rtol=0, atol=1e-12)
        np.testing.assert_allclose(out.esri, loop.esri, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(out.sweeps, loop.sweeps)
        np.testing.assert_allclose(out.residual, loop.residual, rtol=0, atol=1e-12)


@CASES
@given(networks(), st.booleans())
def test_blocks_give_the_numbers_of_the_matrices(arrays: SupplyArrays, market: bool) -> None:
    want, exact, single = (
        esri_all(arrays, market=market, eps=1e-7, max_sweeps=60, engine=engine)
        for engine in ("scipy", "block64", "block")
    )
    limit = esri_all(arrays, market=market, eps=1e-12, max_sweeps=400, engine="scipy")
    for name in ("esri", "esri_down", "esri_up"):
        np.testing.assert_allclose(getattr(exact, name), getattr(want, name), rtol=0, atol=1e-12)
        # Rounding may settle float32 some sweeps sooner: what those sweeps would still have added
        # is of the size of what the matrices leave to the limit. The rest is the bar of float32.
        left = getattr(limit, name) - getattr(want, name)
        off = np.abs(getattr(single, name) - getattr(want, name))
        assert (off <= 1e-6 + 2 * left).all()
    np.testing.assert_array_equal(exact.sweeps, want.sweeps)


@settings(max_examples=200, deadline=None)
@given(networks(), st.sampled_from([1e-2, 1e-4, 1e-6]))
def test_what_is_not_passed_on_costs_theta_a_sweep_at_most(
    arrays: SupplyArrays, theta: float
) -> None:
    psi = np.eye(arrays.nodes)
    sweeps = 12
    exact = esri_of(arrays, psi, eps=1e-12, max_sweeps=sweeps, engine="push", theta=0.0)
    rough = esri_of(arrays, psi, eps=1e-12, max_sweeps=sweeps, engine="push", theta=theta)
    for want, got in ((exact.down, rough.down), (exact.up, rough.up)):
        assert (got <= want + 1e-12).all()
        assert (want - got).max() <= sweeps * theta + 1e-12


def drawn(nodes: int = 600) -> SupplyArrays:
    return synthetic_network(nodes, 10 * nodes, sectors=12, seed=3)


@pytest.mark.parametrize("market", [True, False])
@pytest.mark.parametrize("off", ["nothing", "down", "up", "leak"])
def test_engines_agree_on_a_scale_free_network(market: bool, off: str) -> None:
    arrays, closed = drawn(), np.arange(0, 600, 17)

    def told(engine: str) -> Systemic:
        terms = Terms(market=market, down=off != "down", up=off != "up", leak=off != "leak")
        terms["engine"], terms["max_sweeps"] = engine, 60
        return esri_all(arrays, closed, **terms)

    want = told("scipy")
    assert want.esri.max() > 0.01
    for engine, close in (("push", 1e-12), ("block64", 1e-12), ("block", 1e-6)):
        out = told(engine)
        np.testing.assert_allclose(out.esri, want.esri, rtol=0, atol=close)
        np.testing.assert_allclose(out.esri_down, want.esri_down, rtol=0, atol=close)
        np.testing.assert_allclose(out.esri_up, want.esri_up, rtol=0, atol=close)
        if engine != "block":
            np.testing.assert_array_equal(out.sweeps, want.sweeps)


def test_one_room_serves_many_shocks_in_turn() -> None:
    arrays = drawn()
    together = esri_all(arrays, [5, 9, 5, 200, 9], market=True, engine="push")
    alone = [esri_all(arrays, [k], market=True, engine="push").esri[0] for k in (5, 9, 5, 200, 9)]
    assert together.esri.tolist() == alone


@pytest.mark.parametrize("engine", ["push", "block"])
def test_the_pool_gives_the_bits_of_the_serial_loop(engine: str) -> None:
    arrays = drawn(120)
    closed = np.tile(np.arange(120), 10)
    serial = esri_all(arrays, closed, market=True, engine=engine)
    pool = esri_all(arrays, closed, market=True, engine=engine, how="pool", workers=2)
    for name in ("esri", "esri_down", "esri_up", "sweeps", "residual"):
        assert getattr(pool, name).tobytes() == getattr(serial, name).tobytes()
    assert pool.links_read == serial.links_read


def test_a_run_that_was_cut_says_so() -> None:
    arrays = drawn(120)
    for engine in ("push", "block", "scipy"):
        out = esri_all(arrays, [1, 2], engine=engine, max_sweeps=2)
        assert not out.converged.any()
        assert out.sweeps.tolist() == [2, 2]
        assert (out.residual > 1e-6).all()


def test_the_planner_pushes_few_and_blocks_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "HAVE_NUMBA", True)
    assert engine_for(1, losses=False) == "push"
    assert engine_for(100, losses=True) == "push"
    assert engine_for(100, losses=False) == "block"
    monkeypatch.setattr(planner, "HAVE_NUMBA", False)
    assert engine_for(100, losses=False) == "scipy"


def test_no_shocks_are_no_answers() -> None:
    out = esri_all(drawn(120), [])
    assert out.esri.tolist() == []
    assert out.down.shape == (120, 0)


def test_a_question_that_cannot_be_answered_is_refused() -> None:
    arrays = drawn(120)
    with pytest.raises(EsriError, match="use one of auto, push, block"):
        esri_all(arrays, [0], engine="dense")
    with pytest.raises(EsriError, match=r"outside 0\.\.119"):
        esri_all(arrays, [120])
    with pytest.raises(EsriError, match="keeps no losses"):
        esri_of(arrays, np.zeros(120), engine="block")
    with pytest.raises(EsriError, match="eps must be positive"):
        esri_all(arrays, [0], eps=0.0)
    with pytest.raises(EsriError, match=r"0\.\.1"):
        esri_of(arrays, np.full(120, 1.5))
    ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0])
    with pytest.raises(EsriError, match="leak=False"):
        esri_all(ring)


def test_operators_are_packed_once_for_a_graph_and_never_mixed_up() -> None:
    one = compile_arrays(2, [0], [1], [0], [1.0], version="same")
    other = compile_arrays(2, [1], [0], [0], [1.0], version="same")
    assert operators(one) is operators(one)
    assert operators(other) is not operators(one)
    assert esri_of(one, [1.0, 0.0]).down[:, 0].tolist() == [1.0, 1.0]
    assert esri_of(other, [1.0, 0.0]).down[:, 0].tolist() == [1.0, 0.0]


WITHOUT = """
import json, sys
sys.modules["numba"] = None
import numpy as np
from graph.jit import HAVE_NUMBA
from graph.planner import esri_all
from graph.synthetic import synthetic_network
arrays = synthetic_network(60, 300, sectors=4, seed=2)
told = {"HAVE_NUMBA": HAVE_NUMBA}
for engine in ("auto", "push", "block64", "block"):
    out = esri_all(arrays, range(20), market=True, engine=engine)
    told[engine] = [out.engine, out.esri.tolist(), out.sweeps.tolist()]
print(json.dumps(told))
"""


def test_without_numba_scipy_answers_and_the_kernels_still_give_their_numbers() -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    told = json.loads(done.stdout)
    assert told["HAVE_NUMBA"] is False
    assert told["auto"][0] == "scipy"
    arrays = synthetic_network(60, 300, sectors=4, seed=2)
    for engine, close in (("push", 1e-12), ("block64", 1e-12), ("block", 1e-6)):
        assert told[engine][0] == engine
        np.testing.assert_allclose(told[engine][1], told["auto"][1], rtol=0, atol=close)
        if HAVE_NUMBA and engine == "push":
            out = esri_all(arrays, range(20), market=True, engine=engine)
            np.testing.assert_allclose(told[engine][1], out.esri, rtol=0, atol=1e-15)


ROOT = Path(__file__).parents[1]
KERNEL = """
from graph.jit import njit
from graph.rates import RATE


@njit()
def rated(x):
    return RATE * x
"""


def packaged(folder: Path) -> None:
    """A package `graph` of one kernel, whose constant stands in another module."""
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "jit.py").write_text((ROOT / "graph" / "jit.py").read_text())
    (folder / "kernel.py").write_text(KERNEL)
    (folder / "rates.py").write_text("RATE = 2.0\n")


def told(root: Path, code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip()


ASK = "from graph.kernel import rated; print(rated(3.0))"


@pytest.mark.skipif(not HAVE_NUMBA, reason="nothing is compiled without numba")
def test_a_changed_constant_of_another_module_is_compiled_anew(tmp_path: Path) -> None:
    packaged(tmp_path / "graph")
    cache = {"HOME": str(tmp_path), "NUMBA_CACHE_DIR": ""}
    assert told(tmp_path, ASK, **cache) == "6.0"
    first = list((tmp_path / ".cache").glob("ews-numba-*"))
    assert len(first) == 1
    assert list(first[0].rglob("*.nbc"))
    (tmp_path / "graph" / "rates.py").write_text("RATE = 5.0\n")
    assert told(tmp_path, ASK, **cache) == "15.0"


@pytest.mark.skipif(not HAVE_NUMBA, reason="nothing is compiled without numba")
def test_kernels_run_where_neither_the_package_nor_the_home_can_be_written(tmp_path: Path) -> None:
    packaged(tmp_path / "graph")
    (tmp_path / "graph" / "__pycache__").touch()  # no folder can be made of it, not even by root
    (tmp_path / "temporary").mkdir()
    shut = {"HOME": "/dev/null", "NUMBA_CACHE_DIR": ""}
    assert told(tmp_path, ASK, TMPDIR=str(tmp_path / "temporary"), **shut) == "6.0"
    assert list((tmp_path / "temporary").rglob("*.nbc"))
    nowhere = f"import tempfile; tempfile.tempdir = '/dev/null'; {ASK}"
    assert told(tmp_path, nowhere, **shut) == "6.0"


def test_a_cache_that_another_made_or_nobody_can_write_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder(["/dev/null", str(tmp_path)], "a") == str(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0
    monkeypatch.setattr(os, "getuid", lambda: -1)
    assert cache_folder([str(tmp_path)], "a") is None


def test_numba_switched_off_is_numba_missing() -> None:
    code = "from graph.jit import HAVE_NUMBA; from graph.planner import engine_for; "
    code += "print(HAVE_NUMBA, engine_for(1, losses=True))"
    assert told(ROOT, code, NUMBA_DISABLE_JIT="1") == "False scipy"


def test_auto_takes_float64_where_what_is_unsent_adds_up() -> None:
    few = synthetic_network(60, 300, sectors=4, seed=2)
    ring = np.arange(60)
    slow = compile_arrays(60, ring, (ring + 1) % 60, ring, np.ones(60), final=0.001)
    want = esri_all(slow, eps=1e-6, engine="scipy", down=False)
    got = esri_all(slow, eps=1e-6, down=False)
    assert got.engine in ("block64", "scipy")
    np.testing.assert_allclose(got.esri, want.esri, rtol=0, atol=1e-9)
    assert esri_all(few, eps=1e-9).engine in ("block64", "scipy")


def test_pushing_stops_where_the_loop_does_for_any_eps() -> None:
    ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0], final=0.3)
    out, loop = (
        esri_of(ring, [1.0, 0.0], eps=1e-15, down=False, engine=e) for e in ("push", "scipy")
    )
    assert out.sweeps.tolist() == loop.sweeps.tolist()


@pytest.mark.parametrize("engine", ["scipy", "networkx", "push", "block", "block64"])
def test_all_firms_keep_no_table_of_losses_and_say_what_made_them(engine: str) -> None:
    out = esri_all(drawn(120), [1, 2], engine=engine, max_sweeps=5, market=True)
    assert out.down.shape == out.up.shape == (120, 0)
    assert out.switches.startswith("market on; leak on; down up ; stop increase 1e-06; " + engine)
    with pytest.raises(EsriError, match="max_sweeps must be 1 or more"):
        esri_all(drawn(120), [1], engine=engine, max_sweeps=0)
