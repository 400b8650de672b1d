"""Homes with brought supply networks, and the files that they came from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ews.reports import Viewer

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
ANALYST = Viewer("analyst")
NODES = """id,kind,country,sector,en,ko,final
firm:canarymine,firm,CN,05,CanaryMine Ltd,카나리광업,0
firm:canarymill,firm,KR,24,CanaryMill,카나리제철,0.1
firm:canarycars,firm,KR,30,CanaryCars,,0.9
firm:canaryshop,firm,KR,47,,,0.9
"""
LINKS = """supplier,buyer,item,weight,unit,stock_days,source,as_of,basis
firm:canarymine,firm:canarymill,iron-ore,31337,KRW/yr,2,customs,2025-03-01,stated
firm:canarymill,firm:canarycars,steel,40000,KRW/yr,5,,,
firm:canarymill,firm:canaryshop,steel,4000,KRW/yr,0,,,inferred
"""
CANARIES = ("canarymine", "canarymill", "canarycars", "canaryshop", "카나리", "31337", "31,337")


def files(folder: Path, links: str = LINKS) -> tuple[Path, Path]:
    """nodes.csv and links.csv in that folder."""
    nodes_file, links_file = folder / "nodes.csv", folder / "links.csv"
    nodes_file.write_text(NODES, "utf-8")
    links_file.write_text(links, "utf-8")
    return nodes_file, links_file
