"""Helps when adding a source: `python -m scrapers <name>` shows what its sample yields.

`python -m scrapers <name> --write` stores that as expected.json; `python -m scrapers docs` writes
docs/sources.md anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scrapers.catalog import CatalogError, load_source
from scrapers.errors import SourceError
from scrapers.golden import expected_text
from scrapers.sources_page import sources_table


def main(arguments: list[str]) -> int:
    """0 when it worked, 1 with a message otherwise."""
    if not arguments:
        print(__doc__)
        return 1
    try:
        if arguments[0] == "docs":
            Path("docs/sources.md").write_text(sources_table(), encoding="utf-8")
            return 0
        text = expected_text(load_source(arguments[0]))
    except (CatalogError, SourceError) as error:
        print(error, file=sys.stderr)
        return 1
    if "--write" in arguments:
        folder = Path(__file__).parent / "sources" / arguments[0]
        (folder / "expected.json").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
