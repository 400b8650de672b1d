"""The first answer of a what-if from the page, on a synthetic network of 100k firms and 1M links.

    python -m tests.bench_graph_page

A real server on the loopback, each case in a process of its own: with no kernel on the disk (the
first start after an installation), and with those of an earlier start; asked the moment it listens,
and after it had time to make ready. Wall time of the whole request, the page included, beside the
processor time that the server spent on it, which the load of the machine does not change.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np

from ews.reports.network_files import open_network
from ews.reports.viewer import OPERATOR

NAME = "bench"
BAR_S = 1.0
READY_S = 60.0  # the longest that a server may take to listen
EWS = "from ews.cli import main; main()"


def measure(quick: bool = False) -> dict[str, object]:
    """Seconds to the first and to later answers, cold and warm, and what was asked."""
    firms, links = (5_000, 50_000) if quick else (100_000, 1_000_000)
    with TemporaryDirectory() as folder:
        home, kernels = Path(folder, "home"), Path(folder, "kernels")
        _ews(home, kernels, "networks", "sample", NAME, "--firms", str(firms),
             "--links", str(links))  # fmt: skip
        token = _ews(home, kernels, "viewers", "add", "--role", "analyst").strip()
        asked = _questions(home)
        cases = {
            "no_kernels_on_disk_at_once": _case(home, kernels, token, asked, 0.0),
            "kernels_on_disk_at_once": _case(home, kernels, token, asked, 0.0),
            "kernels_on_disk_made_ready": _case(home, kernels, token, asked, 5.0),
        }
    return {
        "firms": firms,
        "links": links,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "bar_first_answer_s": BAR_S,
        "questions": [urlencode(one) for one in asked],
        **cases,
    }


def _ews(home: Path, kernels: Path, *words: str) -> str:
    command = [sys.executable, "-c", EWS, *words, "--home", str(home)]
    done = subprocess.run(
        command, env=_environment(kernels), check=True, capture_output=True, text=True
    )
    return done.stdout


def _environment(kernels: Path) -> dict[str, str]:
    return {**os.environ, "NUMBA_CACHE_DIR": str(kernels)}


def _questions(home: Path) -> list[dict[str, str]]:
    """The firm with more buyers than 98 of 100, another, and the middle one of the sectors."""
    arrays = open_network(home, NAME, OPERATOR).arrays
    by_buyers = np.argsort(np.diff(arrays.sold_start), kind="stable")
    sizes = np.argsort(np.bincount(arrays.sector), kind="stable")
    first, second = (arrays.names[by_buyers[-arrays.nodes // part]] for part in (50, 40))
    return [{"node": first}, {"node": second}, {"sector": str(sizes[len(sizes) // 2])}]


def _case(
    home: Path, kernels: Path, token: str, asked: list[dict[str, str]], wait_s: float
) -> dict[str, object]:
    with _server(home, kernels) as (process, port, listens_s):
        time.sleep(wait_s)
        answers = []
        for one in asked:
            before = _cpu_s(process)
            wall = _answer(port, token, one)
            answers.append({"wall_s": round(wall, 3), "cpu_s": round(_cpu_s(process) - before, 2)})
    return {
        "server_listens_s": round(listens_s, 2),
        "waited_s": wait_s,
        "first_answer": answers[0],
        "second_answer": answers[1],
        "sector_answer": answers[2],
        "within_bar": answers[0]["wall_s"] < BAR_S,
    }


def _cpu_s(process: int) -> float:
    """Processor seconds that a process has spent."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _server(home: Path, kernels: Path) -> Iterator[tuple[int, int, float]]:
    """A server on the loopback: its process, its port, and the seconds until it listened."""
    started = time.perf_counter()
    port = _free_port()
    log = home / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-c", EWS, "serve", "--home", str(home), "--port", str(port)],
            env=_environment(kernels), stderr=stream,
        )  # fmt: skip
    try:
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/static/site.css", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, "the server ended"
                assert time.perf_counter() - started < READY_S, "the server does not listen"
                time.sleep(0.05)
        yield server.pid, port, time.perf_counter() - started
    except OSError as wrong:
        raise RuntimeError(f"the server answered wrongly:\n{log.read_text()[-3000:]}") from wrong
    finally:
        server.terminate()
        server.wait(30)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def _answer(port: int, token: str, asked: dict[str, str]) -> float:
    """Seconds of one page, which must hold an answer."""
    address = f"http://127.0.0.1:{port}/networks/{NAME}?{urlencode({**asked, 'lang': 'en'})}"
    started = time.perf_counter()
    request = Request(address, headers={"Authorization": f"Bearer {token}"})
    with urlopen(request, timeout=300) as response:
        text = response.read().decode()
    took = time.perf_counter() - started
    assert re.search(r'<svg class="curve"', text), "no answer on the page"
    assert "synthetic" in text
    return took


def main() -> None:
    print(json.dumps(measure("--quick" in sys.argv), indent=2))


if __name__ == "__main__":
    main()
