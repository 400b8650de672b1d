"""What does a long list cost? Lists of the size of the real ones, made up, told by their differences.

    python -m tests.bench_collection_lists      prints the figures

Two editions of each list (SDN.CSV, the EU's XML, the CSL as CSV, in the wire format and about the
size of the real ones; every word invented): the first is remembered, in the second 12 entries are
gone, 25 are new and one in 500 is amended. CPU seconds of the second edition, the memory in the
store, and the peak of a fresh process over what it holds before it parses (the body included).
The check: what is told must be exactly what was changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ews.model import Article
from scrapers.catalog import load_source
from scrapers.kinds import parse
from scrapers.remembered import unpacked

NOW = datetime(2026, 11, 25, tzinfo=UTC)
GONE, NEW, EVERY = 12, 25, 500
PEAK_MIB = 100.0  # the bar for any body over an idle process


def sdn(first: int, last: int, edition: int) -> bytes:
    row = (
        '{n},"COMPANY NUMBER {n} LIMITED, INVENTED","individual","PROGRAMME{p}","director",-0- ,'
        '-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1970; POB Sample; edition {e}; Subject to Secondary Sanctions;'
        ' Passport {q} (Example); a.k.a. NAME {n}; invented for a measurement, no such person."\r\n'
    )
    return _rows(row, first, last, edition).encode() + b"\x1a"


def eu(first: int, last: int, edition: int) -> bytes:
    alias = "".join(
        f'<nameAlias wholeName="Alias {k} of an invented entity with a long name" strong="true" '
        f'logicalId="{k}"><regulationSummary regulationType="amendment" numberTitle="x" '
        f'publicationUrl="https://example.org/{k}"/></nameAlias><birthdate city="City {k}" '
        f'calendarType="GREGORIAN" birthdate="1970-01-0{k + 1}" logicalId="{k}"/>'
        for k in range(9)
    )
    row = (
        '<sanctionEntity euReferenceNumber="EU.{n}.1" logicalId="{n}"><remark>edition {e}</remark>'
        '<regulation programme="P{p}" logicalId="1"><publicationUrl>https://example.org'
        '</publicationUrl></regulation><subjectType code="person"/><nameAlias wholeName='
        '"Entity number {n} of an invented list"/>' + alias + "</sanctionEntity>\n"
    )
    head = (
        '<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-11-24T10:00:00">'
    )
    return f"{head}{_rows(row, first, last, edition)}</export>".encode()


def csl(first: int, last: int, edition: int) -> bytes:
    names = (
        "_id,source,entity_number,type,programs,name,title,addresses,federal_register_notice,"
        "start_date,end_date,license_requirement,license_policy,alt_names\n"
    )
    row = (
        "{q:040x},Entity List (EL) - Bureau of Industry and Security,{n},,PROG,Company {n},,"
        '"Street {n}, Exampleton; edition {e}; ' + "x" * 420 + '",91 FR {n},2026-01-01,,'
        "For all items,Presumption of denial," + "alias; " * 20 + "\n"
    )
    return (names + _rows(row, first, last, edition)).encode()


def _rows(row: str, first: int, last: int, edition: int) -> str:
    return "".join(
        row.format(n=n, p=n % 70, q=n * 7919, e=edition if n % EVERY == 0 else 0)
        for n in range(first, last)
    )


LISTS: dict[str, tuple[Callable[[int, int, int], bytes], int]] = {
    "ofac_sdn": (sdn, 18_500), "eu_fsf": (eu, 6_200), "csl_screening": (csl, 25_800),
}  # fmt: skip


def one(name: str) -> dict[str, float | int | bool]:
    """The figures of one list, in a process of its own."""
    make, count = LISTS[name]
    source = load_source(name)
    memory = parse(source, make(0, count, 1), NOW).memory or ""
    body = make(GONE, count + NEW, 2)
    before = _reset_peak()
    began = time.process_time()
    parsed = parse(source, body, NOW + timedelta(days=1), memory=memory)
    cpu = time.process_time() - began
    peak = _status("VmHWM") - before
    articles = [signal for signal in parsed.signals if isinstance(signal, Article)]
    return {
        "entries": count, "body_mib": round(len(body) / 2**20, 1), "cpu_s": round(cpu, 2),
        "memory_kib": round(len(parsed.memory or "") / 1024), "articles": len(articles),
        "peak_over_idle_mib": round(peak + len(body) / 2**20, 1),
        "right": _right(memory, parsed.memory or "", count),
    }  # fmt: skip


def _right(memory: str, after: str, count: int) -> bool:
    old, new = unpacked(memory), unpacked(after)
    assert old is not None
    assert new is not None
    both = old.entries.keys() & new.entries.keys()
    amended = {id for id in both if old.entries[id].digest != new.entries[id].digest}
    due = len([n for n in range(GONE, count) if n % EVERY == 0])
    return (
        len(old.entries.keys() - new.entries.keys()) == GONE
        and len(new.entries.keys() - old.entries.keys()) == NEW
        and len(amended) == due
    )


def _reset_peak() -> float:
    """MiB in use now; the peak is counted from here (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":"))


def measure() -> dict[str, object]:
    """Each list in a fresh process."""
    out: dict[str, object] = {}
    for name in LISTS:
        command = [sys.executable, "-m", "tests.bench_collection_lists", name]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        out[name] = json.loads(said.stdout)
    out["bar_peak_mib"] = PEAK_MIB
    return out


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1])))
    else:
        print(json.dumps(measure(), indent=1))


if __name__ == "__main__":
    main()
