"""The only room that reads the outside: what is new at the sources?

>>> len(load_sources()) > 24
True
"""

from scrapers.catalog import CatalogError, load_source, load_sources
from scrapers.collect import collect, reread, scrape
from scrapers.collected import Collected, Parser
from scrapers.errors import SourceError
from scrapers.hosts import HostBook, MemoryHosts
from scrapers.http import Client
from scrapers.kinds import KINDS, parse
from scrapers.schedule import freshness

__all__ = [
    "KINDS",
    "CatalogError",
    "Client",
    "Collected",
    "HostBook",
    "MemoryHosts",
    "Parser",
    "SourceError",
    "collect",
    "freshness",
    "load_source",
    "load_sources",
    "parse",
    "reread",
    "scrape",
]
