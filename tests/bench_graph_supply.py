"""Reading, checking, compiling, patching and saving supply graphs: seconds and memory.

`.venv/bin/python -m tests.bench_graph_supply [--quick]` prints the figures as JSON. CPU seconds,
because the machine is shared; every large case runs in a process of its own, so that its peak of
memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np

from graph.arrays import compile_arrays, patch_weights
from graph.supply import Node, SupplyLink, build_supply, compile_supply, reweigh
from graph.supply_nouns import SupplyError
from graph.supply_rows import load_arrays, read_arrays, save_arrays, view
from graph.synthetic import synthetic_network

COLUMNS = ("supplier", "buyer", "item", "weight", "essential", "stock", "lead")


def measure(quick: bool = False) -> dict[str, object]:
    """All figures; `quick` takes a hundredth of the size."""
    scale = 100 if quick else 1
    small = max(1, scale // 10)
    return {
        "columns file to arrays": _apart("columns", 10_000_000 // scale),
        "csv with one bad line": _apart("bad_csv", 1_000_000 // small),
        "csv": _apart("csv", 1_000_000 // small),
        "networkx": _apart("networkx", 100_000 // small),
    }


def _apart(case: str, links: int) -> dict[str, object]:
    """One case in a process of its own: its figures and its peak memory."""
    call = [sys.executable, "-m", "tests.bench_graph_supply", case, str(links)]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return round(time.process_time() - start, 3)


def columns(links: int, folder: Path) -> dict[str, object]:
    """Shuffled columns of raw rows on disk -> arrays; saved; mapped again; patched; looked at."""
    firms = links // 10
    columns_file, saved = folder / "columns.npz", folder / "graph.npz"
    subprocess.run(
        [sys.executable, "-m", "tests.bench_graph_supply", "write", str(links), str(columns_file)],
        check=True,
    )
    start, wall = time.process_time(), time.perf_counter()
    with np.load(columns_file) as file:
        raw = {name: file[name] for name in (*COLUMNS, "sector")}
    sector = raw.pop("sector")
    ends = [raw.pop(name) for name in ("supplier", "buyer", "item", "weight")]
    arrays = compile_arrays(firms, *ends, **raw, final=0.3, sector=sector)
    figures: dict[str, object] = {
        "firms": firms,
        "links": arrays.links,
        "load_and_compile_cpu_s": round(time.process_time() - start, 3),
        "load_and_compile_wall_s": round(time.perf_counter() - wall, 3),
    }
    figures["save_cpu_s"] = _timed(lambda: save_arrays(saved, arrays))
    figures["saved_mib"] = round(saved.stat().st_size / 2**20)
    figures["load_saved_cpu_s"] = _timed(lambda: load_arrays(saved))
    some = np.arange(0, links, max(1, links // 1000))
    figures["patch_1000_weights_cpu_s"] = _timed(
        lambda: patch_weights(arrays, some, arrays.link_weight[some] * 2.0)
    )
    figures["view_one_hop_cpu_s"] = _timed(lambda: view(arrays, [arrays.names[-1]], 1))
    return figures


def write(links: int, path: Path) -> None:
    """The raw rows of a synthetic network in no order."""
    made = synthetic_network(links // 10, links)
    mixed = np.random.default_rng(1).permutation(links)
    group = made.link_group[mixed]
    np.savez(
        path,
        supplier=made.link_supplier[mixed],
        buyer=made.group_buyer[group],
        item=made.group_item[group],
        weight=made.link_weight[mixed],
        essential=made.group_class[group],
        stock=made.group_stock[group],
        lead=made.link_lead[mixed],
        sector=made.sector,
    )


def _files(links: int, folder: Path, bad: bool) -> tuple[Path, Path]:
    made = synthetic_network(links // 10, links)
    group = made.link_group
    rows = zip(
        made.link_supplier.tolist(),
        made.link_buyer.tolist(),
        made.group_item[group].tolist(),
        made.link_weight.tolist(),
        made.group_class[group].tolist(),
        made.group_stock[group].tolist(),
        made.link_lead.tolist(),
        strict=True,
    )
    lines = [
        f"firm:{s},firm:{b},{1000 + i},{w:.6g},{e},{k:.4g},{lead},true\n"
        for s, b, i, w, e, k, lead in rows
    ]
    if bad:
        cells = lines[-3].split(",")
        lines[-3] = ",".join([*cells[:3], "-1", *cells[4:]])
    nodes, file = folder / "nodes.csv", folder / "links.csv"
    head = "supplier,buyer,item,weight,essential,stock_days,lead_days,synthetic\n"
    file.write_text(head + "".join(lines))
    firms = (f"firm:{n},firm,{1000 + s},true\n" for n, s in enumerate(made.sector.tolist()))
    nodes.write_text("id,kind,sector,synthetic\n" + "".join(firms))
    return nodes, file


def csv(links: int, folder: Path) -> dict[str, object]:
    """Two files read, checked and compiled, past networkx."""
    files = _files(links, folder, bad=False)
    return {"lines": links, "read_check_compile_cpu_s": _timed(lambda: read_arrays(*files))}


def bad_csv(links: int, folder: Path) -> dict[str, object]:
    """The same with a negative weight three lines before the end."""
    files = _files(links, folder, bad=True)
    said = []

    def refused() -> None:
        try:
            read_arrays(*files)
        except SupplyError as error:
            said.extend(map(str, error.problems))

    return {"lines": links, "refused_cpu_s": _timed(refused), "said": said}


def networkx(links: int, folder: Path) -> dict[str, object]:
    """Rows -> checked DiGraph -> arrays, and a patch beside compiling anew."""
    made = synthetic_network(links // 10, links)
    seen = view(made, made.names, 0)
    nodes: list[Node] = [data["node"] for _, data in seen.nodes(data=True)]
    firms = [Node(n.id, "firm", sector="", output=n.output, synthetic=True) for n in nodes]
    rows: list[SupplyLink] = [k for *_, data in seen.edges(data=True) for k in data["links"]]
    rows = [
        SupplyLink(
            k.supplier,
            k.buyer,
            str(1000 + int(k.item.removeprefix("sector-"))),
            k.weight,
            essential=k.essential,
            stock_days=k.stock_days,
            lead_days=k.lead_days,
            synthetic=True,
        )
        for k in rows
    ]
    built = []
    figures: dict[str, object] = {"links": links}
    figures["check_and_build_cpu_s"] = _timed(lambda: built.append(build_supply(firms, rows)))
    graph = built[0]
    figures["compile_cpu_s"] = _timed(lambda: compile_supply(graph))
    figures["rival_networkx_to_scipy_cpu_s"] = _timed(
        lambda: nx.to_scipy_sparse_array(graph, weight=None)
    )
    figures["compile_again_cpu_s"] = _timed(lambda: compile_supply(graph))
    key = rows[0].key
    figures["reweigh_one_link_and_patch_cpu_s"] = _timed(
        lambda: compile_supply(reweigh(graph, {key: 1.0}))
    )
    return figures


CASES = {"columns": columns, "csv": csv, "bad_csv": bad_csv, "networkx": networkx}


def main(words: list[str]) -> None:
    if words and words[0] == "write":
        write(int(words[1]), Path(words[2]))
    elif words and words[0] in CASES:
        with tempfile.TemporaryDirectory() as folder:
            figures = CASES[words[0]](int(words[1]), Path(folder))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps({**figures, "peak_gib": round(peak, 2)}))
    else:
        print(json.dumps(measure("--quick" in words), indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
