"""In how many firms does an item come from one supplier only? In shares that tell of no one firm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from ews.measuring import codes_under
from ews.storage import Store
from graph.declarations import links_of
from graph.firms import FirmLink

# As ews.reports.aggregates: a figure is of five owners or more. And two at least are on either
# side of it: of one alone, "all but one" would tell.
LEAST, LEAST_SIDE = 5, 2
COARSE = 10  # the share is told in tenths

Shares = Mapping[str, tuple[int, int]]


def sole_sources(store: Store, now: datetime) -> dict[str, tuple[int, int]]:
    """HS6 code -> (tenths with one supplier, ten), of rows that were given by `now`."""
    given = {
        str(file["owner"]) for file in store.firm_files()
        if isinstance(at := file["imported_at"], datetime) and at <= now
    }  # fmt: skip
    rows = [row for row in store.firm_links() if str(row["owner"]) in given]
    return shares_of(links_of(map(FirmLink.from_row, rows)))


def shares_of(links: Iterable[FirmLink]) -> dict[str, tuple[int, int]]:
    """The same from links; those made up count for nothing."""
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)  # (firm, code) -> who sells
    for link in links:
        if not link.synthetic:
            for code in codes_under(link.item):
                sources[link.firm, code].add(link.supplier.strip().casefold() or link.country)
    owners: dict[str, dict[str, bool]] = defaultdict(dict)  # code -> owner -> one source somewhere
    for (firm, code), whom in sources.items():
        owner = firm.partition("/")[0]
        owners[code][owner] = owners[code].get(owner, False) or len(whom) == 1
    found = {}
    for code, sole in sorted(owners.items()):
        alone = sum(sole.values())
        if len(sole) >= LEAST and LEAST_SIDE <= alone <= len(sole) - LEAST_SIDE:
            found[code] = (round(COARSE * alone / len(sole)), COARSE)
    return found
