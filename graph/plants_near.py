"""The part of a plant network that a blow can reach: the same times and losses, a smaller program.

What no blow reaches can go on as always, so it binds nothing. Reached is what takes from a plant
that is down or by a link that is cut, what takes from that in turn, and whatever shares a supplier
with it: what that supplier makes could be sent here instead of there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graph.arrays import Ints
from graph.plants import PlantNetwork


def near(network: PlantNetwork, down: Ints, cut: Ints) -> tuple[PlantNetwork, Ints, Ints]:
    """The network without the links `cut` (numbers), as far as the plants in `down` and those
    links reach; the numbers of `down` in it, and for each need its number in the whole.

    Supply outside must do at normal times, as it does in graph.plants.plants_of.

    >>> from graph.plants import plant_network
    >>> both = plant_network([0, 0, 0, 9], [0, 0, 1, 1], [0, 1], [2, 3], ["a", "b"])
    >>> part, down, needs = near(both, np.array([1]), np.array([], dtype=int))
    >>> part.names, down.tolist(), needs.tolist()
    (['1', '3'], [0], [1])
    """
    gone = np.zeros(network.links, dtype=bool)
    gone[cut] = True
    hit, needs = _reached(network, down, gone)
    links = np.flatnonzero(needs[network.link_need] & ~gone)
    hit[network.link_supplier[links]] = True
    if not hit.any():
        hit[:1] = True  # nothing is reached; a program must have a plant
    plants, kept = np.flatnonzero(hit), np.flatnonzero(needs)
    part = PlantNetwork(
        names=[network.names[int(n)] for n in plants],
        stock=network.stock[plants],
        demand=network.demand[plants],
        capacity=network.capacity[plants],
        profit=network.profit[plants],
        need_buyer=np.searchsorted(plants, network.need_buyer[kept]),
        need_units=network.need_units[kept],
        need_stock=network.need_stock[kept],
        link_need=np.searchsorted(kept, network.link_need[links]),
        link_supplier=np.searchsorted(plants, network.link_supplier[links]),
        link_taken=network.link_taken[links],
    )
    return part, np.searchsorted(plants, down), kept


def _reached(
    network: PlantNetwork, down: Ints, gone: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """n, g: the plants and the needs that the blow reaches."""
    hit, needs = np.zeros(network.plants, dtype=bool), np.zeros(network.needs, dtype=bool)
    hit[down] = True
    needs[network.link_need[gone]] = True
    while True:
        before = int(hit.sum() + needs.sum())
        hit[network.need_buyer[needs]] = True
        needs[network.link_need[hit[network.link_supplier]]] = True
        shared = np.zeros(network.plants, dtype=bool)
        shared[network.link_supplier[needs[network.link_need]]] = True
        needs[network.link_need[shared[network.link_supplier]]] = True
        if int(hit.sum() + needs.sum()) == before:
            return hit, needs
