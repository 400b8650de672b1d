"""Supplier graph: who sells what to Korea, who uses it, and what an event does to them.

`shock(event, network)` then `propagate(network, shocks)`. Facts: `graph.reference`.
"""

from graph.firms import FirmCsvError, FirmLink, read_firms_csv, sample_firms
from graph.network import Network, NetworkError, build_network
from graph.propagation import propagate
from graph.reference import (
    CHOKEPOINTS,
    COUNTRIES,
    INDUSTRIES,
    ITEMS,
    MINISTRIES,
    PORTS,
    ROUTES,
    SHARES,
    USES,
    Item,
    Share,
    Use,
    best_share,
    items_by_hs,
)
from graph.shocks import shock

__all__ = [
    "CHOKEPOINTS",
    "COUNTRIES",
    "INDUSTRIES",
    "ITEMS",
    "MINISTRIES",
    "PORTS",
    "ROUTES",
    "SHARES",
    "USES",
    "FirmCsvError",
    "FirmLink",
    "Item",
    "Network",
    "NetworkError",
    "Share",
    "Use",
    "best_share",
    "build_network",
    "items_by_hs",
    "propagate",
    "read_firms_csv",
    "sample_firms",
    "shock",
]
