"""Time to survive and to recover on 1,700 plants and 5,000 links; beside it one LP per plant.

    python tests/bench_graph_survival.py

The rival of the ranking is the plain way: one program per plant, none left out. The peer's claim
(docs of the Databricks accelerator): 1,700 nodes, all scenarios, about an hour on one node.
"""

from __future__ import annotations

import json
import time

import numpy as np

from graph.plants import PlantNetwork, plant_network
from graph.survival import exposure_ranking, loss_at_recovery, time_to_survive

RECOVER_DAYS = 30.0
TIERS = 5


def tiers(plants: int, links: int, seed: int = 3) -> PlantNetwork:
    """SYNTHETIC: plants in five tiers, three parts each at most, drawn from the tier above."""
    rng = np.random.default_rng(seed)
    tier = np.sort(rng.integers(0, TIERS, plants))
    start = np.searchsorted(tier, np.arange(TIERS + 1))
    buyer = rng.integers(start[1], plants, links)
    above = tier[buyer] - 1
    supplier = rng.integers(start[above], start[above + 1])
    return plant_network(
        rng.uniform(0, 300, plants),
        np.where(tier == TIERS - 1, rng.uniform(5, 20, plants), 0.0),
        supplier,
        buyer,
        rng.integers(0, 3, links),
        capacity=np.where(rng.random(plants) < 0.5, 2000.0, np.inf),
        profit=rng.uniform(1, 9, plants),
    )


def measure(quick: bool = False) -> dict[str, object]:
    """CPU seconds per program, and of the whole ranking against one program per plant."""
    plants, links = (200, 600) if quick else (1700, 5000)
    network = tiers(plants, links)
    asked = np.random.default_rng(1).choice(plants, 20, replace=False).tolist()

    began = time.process_time()
    lost = [loss_at_recovery(network, [j], RECOVER_DAYS).lost_profit for j in asked]
    loss_s = (time.process_time() - began) / len(asked)

    began = time.process_time()
    survives = [time_to_survive(network, [j]) for j in asked]
    survive_s = (time.process_time() - began) / len(asked)

    began = time.process_time()
    ranking = exposure_ranking(network, RECOVER_DAYS)
    ranking_s = time.process_time() - began
    exposed = sum(row.lost_profit > 0 for row in ranking)
    plain_s = plants * loss_s + exposed * survive_s
    return {
        "plants": plants,
        "links": links,
        "loss_at_recovery_s": round(loss_s, 4),
        "time_to_survive_s": round(survive_s, 4),
        "exposed of the sample": sum(loss > 0 for loss in lost),
        "finite of the sample": int(np.isfinite(survives).sum()),
        "ranking_s": round(ranking_s, 2),
        "exposed": exposed,
        "one_program_per_plant_s (from the two above)": round(plain_s, 2),
        "ratio": round(plain_s / ranking_s, 2),
    }


def main() -> None:
    print(json.dumps(measure(), indent=2))


if __name__ == "__main__":
    main()
