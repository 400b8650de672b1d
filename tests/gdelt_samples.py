"""Files of GDELT 2.0 in the documented layout (events 61, mentions 16, GKG 27 columns), all texts made up."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

ENDINGS = ("export.CSV", "mentions.CSV", "gkg.csv")


def event(
    number: int, code: str, one: str = "CHN", other: str = "KOR", slot: str = "20261124120000"
) -> str:
    """A row of events; actors by CAMEO country."""
    cells = [""] * 61
    cells[0:5] = [str(number), slot[:8], slot[:6], slot[:4], "2026.8986"]
    cells[5:8] = [one, "SAMPLE ACTOR", one]
    cells[15:18] = [other, "SAMPLE OTHER", other]
    cells[25:31] = ["1", code, code[:3], code[:2], "4", "-8.0"]
    cells[31:35] = ["12", "3", "12", "-4.5"]
    cells[51:59] = ["4", "Ningbo, Zhejiang, China", "CH", "CH02", "13073", "29.87", "121.55", "-1"]
    cells[59:61] = [slot, "https://example.org/source"]
    return "\t".join(cells)


def mention(
    number: int, url: str, confidence: int = 100, slot: str = "20261124120000", spoken: str = ""
) -> str:
    """A row of mentions."""
    info = f"srclc:{spoken};eng:GT-SAMPLE 1.0" if spoken else ""
    cells = [
        str(number), slot, slot, "1", "example.org", url, "2", "-1", "40", "80", "1",
        str(confidence), "2400", "-3.1", info, "",
    ]  # fmt: skip
    return "\t".join(cells)


def page(
    number: int, url: str, title: str, themes: Sequence[str] = (), outlet: str = "example.org",
    published: str = "", spoken: str = "", slot: str = "20261124120000",
) -> str:  # fmt: skip
    """A row of GKG; `title` as GDELT writes it, with character references."""
    cells = [""] * 27
    cells[0:5] = [f"{slot}-{'T' if spoken else ''}{number}", slot, "1", outlet, url]
    cells[7] = "".join(f"{one};" for one in themes)
    cells[8] = "".join(f"{one},{10 * n};" for n, one in enumerate(themes))
    cells[9:11] = ["1#China#CH#CH#35#105#CH", "1#China#CH#CH##35#105#CH#40"]
    cells[15:18] = ["-2.1,1.5,3.6,5.1,20.3,0.4,300", "", "wc:300,c1.1:2,c12.1:18,v10.1:5.1"]
    cells[25] = f"srclc:{spoken};eng:GT-SAMPLE 1.0" if spoken else ""
    stamp = f"<PAGE_PRECISEPUBTIMESTAMP>{published}</PAGE_PRECISEPUBTIMESTAMP>" if published else ""
    head = f"<PAGE_TITLE>{title}</PAGE_TITLE>" if title else ""
    cells[26] = f"<PAGE_LINKS>https://example.org/a;https://example.org/b</PAGE_LINKS>{stamp}{head}"
    return "\t".join(cells)


def packed(name: str, rows: Iterable[str], level: int = 6) -> bytes:
    """A zip with that one member; the same rows give the same bytes."""
    whole = io.BytesIO()
    member = zipfile.ZipInfo(name, (2026, 11, 24, 12, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(member, "".join(f"{row}\n" for row in rows), compresslevel=level)
    return whole.getvalue()


def slot_files(
    slot: str, rows: Mapping[str, Iterable[str]], stream: str = "", level: int = 6
) -> dict[str, bytes]:
    """The three zips of a slot by file name; `rows` by ending, none where it has none."""
    return {
        f"{slot}{stream}.{ending}.zip": packed(
            f"{slot}{stream}.{ending}", rows.get(ending, ()), level
        )
        for ending in ENDINGS
    }


def index_of(files: Mapping[str, bytes], host: str = "http://data.gdeltproject.org") -> bytes:
    """`lastupdate.txt` for the files of one slot."""
    lines = [
        f"{len(body)} {hashlib.md5(body, usedforsecurity=False).hexdigest()} {host}/gdeltv2/{name}"
        for name, body in files.items()
    ]
    return "".join(f"{line}\n" for line in lines).encode()
