"""ARIO beside BoARIO on the same input: the same series, and the CPU time of a day.

    python -m venv rival && rival/bin/pip install boario==0.7.2 pandas pymrio progressbar2 networkx numba scipy
    EWS_BOARIO_PYTHON=rival/bin/python python -m tests.bench_graph_ario

BoARIO is GPL, so it has an environment of its own, in which the whole bench is run,
on one thread (or `OPENBLAS_NUM_THREADS=1 PYTHONPATH=. rival/bin/python tests/bench_graph_ario.py`).
Tables are synthetic. BoARIO runs its own event; the capacity losses that it makes of it are what
ours is given, day by day, so that only the model is compared.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graph.ario import Ario, ArioRules, Economy, ario, economy
from graph.arrays import YEAR_DAYS, Floats

HIT_DAY, HIT_DAYS, RECOVERY_DAYS, LOST = 2, 15, 20, 0.5
CASES = (("alt", ArioRules()), ("noalt", ArioRules(psi=0.5, stock_days=30.0, orders="noalt")))
SIZES = ((3, 5), (20, 30), (1, 600))  # regions, sectors


class NoRival(RuntimeError):
    """BoARIO is not installed here, so there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Table:
    """Yearly flows of regions x sectors industries, region by region, and who is hit."""

    regions: int
    sectors: int
    between: Floats  # n x n
    final: Floats  # n x regions
    hit: list[int]

    @property
    def labels(self) -> list[tuple[str, str]]:
        return [
            (f"r{r:03d}", f"s{s:03d}") for r in range(self.regions) for s in range(self.sectors)
        ]

    def economy(self) -> Economy:
        sector = np.arange(self.regions * self.sectors) % self.sectors
        return economy(self.between / YEAR_DAYS, self.final / YEAR_DAYS, sector)


def synthetic_table(regions: int, sectors: int, seed: int = 4) -> Table:
    """Flows of a lognormal spread, a fifth of them 0; inputs are 30-70 % of what is made."""
    random = np.random.Generator(np.random.Philox(seed))
    n = regions * sectors
    flows = random.lognormal(0.0, 2.0, (n, n)) * (random.random((n, n)) > 0.2)
    sold, inputs = flows.sum(axis=1), random.uniform(0.3, 0.7, n)
    for _ in range(200):  # scale buyers until their inputs are that share of their output
        made = sold / 0.5
        flows *= inputs * made / flows.sum(axis=0)
        sold = flows.sum(axis=1)
    final = random.dirichlet(np.ones(regions), n) * (sold / 0.5 - sold)[:, None]
    return Table(regions, sectors, flows, final, list(range(min(sectors, max(2, sectors // 5)))))


@dataclass(frozen=True, slots=True)
class Rival:
    production: Floats  # T x n
    loss: Floats  # T x n
    stocks: Floats  # T x s x n, at the start of the day
    unmet: Floats  # T x n
    alpha: Floats  # T x n
    cpu_s: float  # the days alone, not the start


def boario_run(table: Table, rules: ArioRules, days: int, record: bool = True) -> Rival:
    """BoARIO on the table. NoRival with what is missing when it cannot be imported."""
    try:
        pandas, pymrio = importlib.import_module("pandas"), importlib.import_module("pymrio")
        event = importlib.import_module("boario.event")
        models = importlib.import_module("boario.extended_models")
        simulation = importlib.import_module("boario.simulation")
    except ImportError as missing:
        raise NoRival(f"BoARIO cannot be run here: {missing}") from missing
    index = pandas.MultiIndex.from_tuples(table.labels, names=["region", "sector"])
    wants = pandas.MultiIndex.from_tuples(
        [(f"r{r:03d}", "final") for r in range(table.regions)], names=["region", "category"]
    )
    system = pymrio.IOSystem(
        Z=pandas.DataFrame(table.between, index=index, columns=index),
        Y=pandas.DataFrame(table.final, index=index, columns=wants),
    ).calc_all()
    model = models.ARIOPsiModel(
        system,
        psi_param=rules.psi,
        inventory_restoration_tau=int(np.asarray(rules.restock_days)),
        main_inv_dur=int(np.asarray(rules.stock_days)),
        order_type=rules.orders,
        alpha_base=rules.alpha_base,
        alpha_max=rules.alpha_max,
        alpha_tau=int(rules.alpha_days),
    )
    run = simulation.Simulation(model, n_temporal_units_to_sim=days)
    run.add_event(
        event.from_series(
            pandas.Series(LOST, index=index[table.hit]),
            event_type="arbitrary",
            occurrence=HIT_DAY,
            duration=HIT_DAYS,
            recovery_tau=RECOVERY_DAYS,
        )
    )
    return _stepped(run, model, days, record)


def _stepped(run: Any, model: Any, days: int, record: bool) -> Rival:
    kept: dict[str, list[Floats]] = {name: [] for name in Rival.__slots__ if name != "cpu_s"}
    cpu_s = 0.0
    for _ in range(days):
        stocks = model.inputs_stock.copy() if record else np.zeros(0)
        started = time.process_time()
        run.next_step()
        cpu_s += time.process_time() - started
        kept["stocks"].append(stocks)
        kept["production"].append(model.production.copy())
        kept["loss"].append(model.prod_cap_delta_tot.copy())
        kept["unmet"].append(model.final_demand_not_distributed.copy())
        kept["alpha"].append(model.overprod.copy())
    return Rival(**{name: np.array(rows) for name, rows in kept.items()}, cpu_s=cpu_s)


def apart(ours: Ario, rival: Rival, table: Economy) -> dict[str, float]:
    """The greatest difference of each series, by the normal size of what it measures."""
    return {
        "production": float(np.abs((ours.production - rival.production) / table.output).max()),
        "stocks": float(np.abs(ours.stocks - rival.stocks).max() / rival.stocks[0].max()),
        "unmet": float(np.abs((ours.unmet - rival.unmet) / table.output).max()),
        "alpha": float(np.abs(ours.alpha - rival.alpha).max()),
    }


def side_by_side(table: Table, rules: ArioRules, days: int) -> dict[str, object]:
    """One case: how far apart the series are, CPU time of a day of each, and their ratio."""
    both = table.economy()
    rival = boario_run(table, rules, days)
    figures: dict[str, object] = {
        "industries": len(both.output), "regions": table.regions, "sectors": table.sectors,
        "days": days, "orders": rules.orders, "psi": rules.psi, "stock_days": rules.stock_days,
        "rival": "BoARIO", "rival_ms_a_day": 1e3 * rival.cpu_s / days,
        "lowest_total": float((rival.production.sum(axis=1) / both.output.sum()).min()),
    }  # fmt: skip
    for engine in ("kernel", "dense"):
        ours = ario(both, rival.loss, rules, keep_stocks=True, engine=engine)  # and compiles
        times = []
        for _ in range(3):
            started = time.process_time()
            ario(both, rival.loss, rules, engine=engine)
            times.append(time.process_time() - started)
        figures[engine] = {
            "apart": apart(ours, rival, both),
            "ms_a_day": 1e3 * min(times) / days,
            "times_faster": rival.cpu_s / min(times),
        }
    return figures


def measure(quick: bool = False) -> dict[str, object]:
    """All cases; only the smallest table when quick. Where BoARIO is missing: what to do."""
    sizes, days = (SIZES[:1], 60) if quick else (SIZES, 120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BoARIO warns of every default that it takes
        try:
            return {
                f"{regions * sectors} industries, {sectors} sectors, {name}": side_by_side(
                    synthetic_table(regions, sectors), rules, days
                )
                for regions, sectors in sizes
                for name, rules in CASES
            }
        except NoRival as missing:
            return _measured_elsewhere(quick, str(missing))


def _measured_elsewhere(quick: bool, missing: str) -> dict[str, object]:
    python = os.environ.get("EWS_BOARIO_PYTHON")
    if not python or os.environ.get("EWS_BOARIO_INNER"):
        return {"skipped": f"{missing}; set EWS_BOARIO_PYTHON (see tests/bench_graph_ario.py)"}
    here = Path(__file__)
    done = subprocess.run(
        [python, str(here), *(["--quick"] if quick else [])],
        env={
            **os.environ,
            "PYTHONPATH": str(here.parents[1]),
            "EWS_BOARIO_INNER": "1",
            # Its small matrix products spend ten times the CPU time on threads that wait.
            "OPENBLAS_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def main() -> None:
    print(json.dumps(measure(quick="--quick" in sys.argv), indent=2))


if __name__ == "__main__":
    main()
