"""Which wire formats are read, and which folder holds a sample of each? One row per format.

Rows are those of the catalogue of sources that this program was made from, and what is read beside
them. A source is of the first row that takes it, so a new folder is never left out unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ews.model import Source
from scrapers import load_sources
from scrapers.golden import sample_file

NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire format. `of`: "on" without a key, "key" behind one or a licence, "numbers": trade,
    shipping and price series. `takes`: whether a source is of it, by source and sample."""

    title: str
    of: str
    takes: Callable[[Source, bytes], bool]


def named(pattern: str) -> Callable[[Source, bytes], bool]:
    return lambda source, _: re.fullmatch(pattern, source.name) is not None


def feed(*marks: bytes) -> Callable[[Source, bytes], bool]:
    """Feeds whose body has all the marks."""
    return lambda source, body: source.kind == "rss" and all(one in body for one in marks)


def google(source: Source, _: bytes) -> bool:
    return "news.google.com" in source.url


WIRES = (
    Wire("Yonhap RSS 2.0: CDATA, entities escaped twice, pictures", "on", named("yonhap_.*")),
    Wire("korea.kr RSS 2.0: says us-ascii, is UTF-8", "on", named("koreakr_.*")),
    Wire("Google News RSS 2.0: outlet in `<source>`, links encoded", "on", google),
    Wire("RSS 2.0 with whole texts (WordPress)", "on", feed(b"<rss", b"content:encoded")),
    Wire("RSS 2.0 in euc-kr", "on", feed(b"<rss", b"euc-kr")),
    Wire("RSS 2.0", "on", feed(b"<rss")),
    Wire("RSS 1.0 (RDF)", "on", feed(b"<rdf:RDF")),
    Wire("Atom of newsrooms and ministries", "on", feed(b"<feed")),
    Wire("GDELT 15-minute files: events, mentions, GKG; English stream", "on", named("gdelt_gkg")),
    Wire("GDELT 15-minute files, translated stream", "on", named("gdelt_translated")),
    Wire("USGS GeoJSON", "on", named("usgs_.*")),
    Wire("GDACS RSS with its own elements", "on", named("gdacs")),
    Wire("GDACS list of events, GeoJSON", "on", named("gdacs_events")),
    Wire("JMA Atom", "on", named("jma_(eqvol|extra)(_long)?")),
    Wire("JMA list of earthquakes, JSON", "on", named("jma_quake")),
    Wire("NHC storms, JSON", "on", named("nhc")),
    Wire("Federal Register public inspection, JSON", "on", named("federal_register_inspection")),
    Wire("Federal Register documents, JSON", "on", named("federal_register_.*")),
    Wire("OFAC SDN.CSV, whole list", "on", named("ofac_sdn")),
    Wire("EU financial sanctions XML 1.1, whole list", "on", named("eu_fsf")),
    Wire("US Consolidated Screening List, CSV, whole list", "on", named("csl_screening")),
    Wire("KOTRA market news, XML", "key", named("kotra_market_news")),
    Wire("KOTRA flash news, XML", "key", named("kotra_flash_news")),
    Wire("WTO ePing notifications, JSON", "key", named("eping_notifications")),
    Wire("Global Trade Alert, JSON asked by JSON", "key", named("gta_interventions")),
    Wire("ReliefWeb API v2, JSON", "key", named("reliefweb_.*")),
    Wire("OpenSanctions targets.simple.csv, whole list", "key", named("opensanctions_targets")),
    Wire("Korea Customs, XML", "numbers", named("customs_.*")),
    Wire("UN Comtrade rows, JSON", "numbers", named("comtrade_(preview|full|korea|history)")),
    Wire("UN Comtrade releases, JSON", "numbers", named("comtrade_releases")),
    Wire("US Census, JSON of header and rows", "numbers", named("us_census_.*")),
    Wire("Eurostat Comext, SDMX-ML", "numbers", named("eurostat_comext")),
    Wire("ECB, SDMX-JSON", "numbers", named("ecb_exchange_rates")),
    Wire("IMF PortWatch, ArcGIS JSON", "numbers", named("portwatch_.*")),
    Wire("NY Fed GSCPI, CSV with a column per vintage", "numbers", named("gscpi")),
    Wire("World Bank Pink Sheet, XLSX", "numbers", named("pink_sheet")),
    Wire("FRED observations, JSON", "numbers", named("fred_.*")),
    Wire("KOMIS chart, JSON asked by a form", "numbers", named("komis_.*")),
)  # fmt: skip


@cache
def folders() -> dict[str, list[Source]]:
    """The sources of each format, by its title; "" holds those of none."""
    found: dict[str, list[Source]] = {one.title: [] for one in WIRES} | {"": []}
    for source in load_sources():
        body = sample_file(source).read_bytes()
        found[next((one.title for one in WIRES if one.takes(source, body)), "")].append(source)
    return found


def has_own_code(source: Source) -> bool:
    """Whether its folder holds Python."""
    folder = files("scrapers") / "sources" / source.name
    return any(one.name.endswith(".py") for one in folder.iterdir())


def table() -> str:
    """Markdown: format, who may ask, folders, and whether one of them was ever run live."""
    who = {"on": "on by default", "key": "key or licence", "numbers": "see series.md"}
    rows = ["| Wire format | Asked | Folders (each with sample and expected output) | Run live |",
            "|---|---|---|---|"]  # fmt: skip
    rows += [
        f"| {one.title} | {who[one.of]} | {_listed(folders()[one.title])} "
        f"| {'yes' if any(source.live_tested for source in folders()[one.title]) else 'no'} |"
        for one in WIRES
    ]
    return "\n".join(rows) + "\n"


def _listed(sources: Sequence[Source]) -> str:
    names = [f"`{one.name}`" for one in sources]
    more = len(names) - NAMES_SHOWN
    if more <= 1:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_SHOWN])} and {more} more"
