"""All firms of a brought network by what their closing costs: ESRI, kept beside the arrays."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from ews.reports.network_files import OpenNetwork, open_network
from ews.reports.network_views import NetworkSystemic, SystemicFirm
from ews.reports.network_what_if import named, sector_of
from ews.reports.viewer import NotFound, Viewer
from graph.lanes import LANES
from graph.planner import Systemic, Terms, esri_all

TOP = 50
MOST = 10_000  # firms in one answer
AT_ONCE = 20_000  # links of a network that is ranked while a reader waits
PIECES = 20  # of the ranking, between which progress is told
LEAST = 1024  # firms of a piece, at the least
EPS = 1e-6  # a firm's losses are at rest when none rises by more in a sweep
SWEEPS = 200  # most come to rest within 60; in tight circles some go on by a little for thousands
COLUMNS = ("esri", "esri_down", "esri_up", "sweeps", "residual", "converged")
Progress = Callable[[int, int], None]  # firms done, of how many


def network_systemic(
    home: Path,
    name: str,
    viewer: Viewer,
    *,
    at: datetime,
    top: int = TOP,
    market: bool = True,
    leak: bool = True,
    waits: bool = False,
    progress: Progress | None = None,
) -> NetworkSystemic:
    """The firms of the network, the costliest first. What was computed for the same version and
    switches before is read again.

    `waits`: compute it however long it takes; else NotFound, unless it is there or the network is
    small. A firm whose losses had not come to rest after SWEEPS says so, and by how much they
    still rose. EsriError when no firm sells to final demand and `leak` is on.
    """
    network = open_network(home, name, viewer)
    if not 1 <= top <= MOST:
        raise ValueError(f"top: 1 to {MOST} firms")
    kept = _path(network, market, leak)
    if not kept.exists():
        if not waits and network.line.links > AT_ONCE:
            raise NotFound(f"network {name!r} was not ranked with these switches yet; "
                           f"`ews networks systemic {name}{_words(market, leak)}` does it")  # fmt: skip
        _keep(kept, _ranked(network, market, leak, progress), at)
    return _answer(network, kept, top, market, leak)


def _words(market: bool, leak: bool) -> str:
    return ("" if market else " --no-market") + ("" if leak else " --no-leak")


def _path(network: OpenNetwork, market: bool, leak: bool) -> Path:
    said = f"{'market' if market else 'alone'}-{'leak' if leak else 'closed'}-{EPS:g}"
    return network.folder / f"systemic-{said}.npz"


def _ranked(
    network: OpenNetwork, market: bool, leak: bool, progress: Progress | None
) -> list[Systemic]:
    """ESRI of every firm, in pieces of which each is told of when it is done."""
    nodes = network.arrays.nodes
    # Whole blocks, so that a piece gives the bits that all firms at once would.
    piece = LANES * max(LEAST // LANES, -(-nodes // (PIECES * LANES)))
    done = []
    for start in range(0, nodes, piece):
        some = np.arange(start, min(start + piece, nodes))
        terms: Terms = {"eps": EPS, "market": market, "leak": leak, "max_sweeps": SWEEPS}
        done.append(esri_all(network.arrays, some, **terms))
        if progress is not None:
            progress(int(some[-1]) + 1, nodes)
    return done


def _keep(path: Path, parts: list[Systemic], at: datetime) -> None:
    """Written wholly or not at all, so that a reader never finds half of a ranking."""
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in COLUMNS]
    said = {"engine": parts[0].engine, "switches": parts[0].switches, "made_at": at.isoformat()}
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, said=np.array(json.dumps(said)), figures=np.stack(columns))
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def _answer(
    network: OpenNetwork, kept: Path, top: int, market: bool, leak: bool
) -> NetworkSystemic:
    arrays = network.arrays
    with np.load(kept) as found:
        esri, down, up, sweeps, residual, converged = found["figures"]
        said = json.loads(str(found["said"]))
    order = np.lexsort((np.arange(len(esri)), -esri))[:top]
    sales = float(arrays.sold_weight.sum())
    return NetworkSystemic(
        network=network.line,
        firms=tuple(
            SystemicFirm(
                rank=rank,
                who=named(network, n),
                sector=sector_of(network, n),
                esri=float(esri[n]),
                down=float(down[n]),
                up=float(up[n]),
                sales=float(arrays.sold_weight[n]) / sales if sales > 0 else 0.0,
                sweeps=int(sweeps[n]),
                residual=float(residual[n]),
                converged=bool(converged[n]),
            )
            for rank, n in enumerate(order.tolist(), 1)
        ),
        ranked=len(esri),
        sweeps=int(sweeps.max(initial=0)),
        residual=float(residual.max(initial=0.0)),
        converged=int(converged.sum()),
        market=market,
        leak=leak,
        no_final=int(((arrays.final <= 0) & (arrays.sold_weight > 0)).sum()),
        engine=said["engine"],
        switches=said["switches"],
        made_at=datetime.fromisoformat(said["made_at"]),
    )
