"""Ten thousand different feed bodies as publishers send them: RSS, RDF and Atom, Korean and English.

With the recorded items of 2021 to 2025 (EWS_RECORDED_DATA) the texts are real and each body is a run
of one source's items; the frame round them is ours. Without them the texts are made up as well.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path

RECORDED = (
    "rss2023/rss_2023_h1.jsonl.gz", "rss2023/rss_2023_h2.jsonl.gz", "rss2021/rss_2021.jsonl.gz",
    "kr_news/kr_news_2025-08_2026-03.jsonl.gz",
)  # fmt: skip
FORMS = ("rss", "rss", "wordpress", "wordpress", "rdf", "atom")


@dataclass(frozen=True, slots=True)
class Item:
    title: str
    summary: str
    link: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """One body, and the name, language and form of the feed that it is a turn of."""

    name: str
    lang: str
    form: str
    body: bytes


def feeds(count: int, data: Path | None, seed: int = 8) -> Iterator[Feed]:
    """`count` different bodies of 10 to 60 items each, no item twice."""
    draw = random.Random(seed)
    shelves = _recorded(data) if data is not None else {}
    names = sorted(shelves)
    places = dict.fromkeys(names, 0)
    for number in range(count):
        size = draw.randint(10, 46)
        names = [name for name in names if places[name] + size <= len(shelves[name])]
        if names:
            name = draw.choices(names, [len(shelves[one]) - places[one] for one in names])[0]
            items = shelves[name][places[name] : places[name] + size]
            places[name] += size
        else:
            name = f"made-up-{number % 60}"
            items = [_made_up(draw, number, place) for place in range(draw.randint(10, 60))]
        form = FORMS[sum(name.encode()) % len(FORMS)]
        yield Feed(name, _lang(items), form, _body(form, name, items, draw))


def _recorded(data: Path) -> dict[str, list[Item]]:
    """The recorded items by source, oldest first; those of one link once."""
    found: dict[str, dict[str, Item]] = defaultdict(dict)
    for file in RECORDED:
        path = data / "feeds" / file
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    at = datetime.fromisoformat(row["published"].replace("Z", "+00:00"))
                    item = Item(row["title"] or "", row["summary"] or "", row["link"] or "", at)
                    found[row["source"]].setdefault(item.link, item)
    return {name: list(items.values()) for name, items in found.items()}


_KO = "요소 수출 통제 항만 파업 흑연 공급 부족 반도체 소재 희토류 가격 급등 정부 대응 검토 산업부 물류 지연".split()
_EN = ("port strike halts exports of urea while ministry reviews graphite supply and rare earth "
       "prices rise after new licence rule for gallium shipments through the strait").split()  # fmt: skip


def _made_up(draw: random.Random, feed: int, place: int) -> Item:
    words = _KO if feed % 3 == 0 else _EN
    title = " ".join(draw.choices(words, k=9))
    summary = " ".join(draw.choices(words, k=draw.randint(15, 60))) + "."
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=feed, minutes=place)
    return Item(title, summary, f"https://news.example.org/{feed}/{place}?utm_source=rss", at)


def _lang(items: Sequence[Item]) -> str:
    text = "".join(item.title for item in items[:5])
    return "ko" if any("가" <= char <= "힣" for char in text) else "en"


# --------------------------------------------------------------------------- the frame


def _body(form: str, name: str, items: Sequence[Item], draw: random.Random) -> bytes:
    made = {"atom": _atom, "rdf": _rdf}.get(form)
    if made is not None:
        return made(name, items).encode()
    return _rss(name, items, draw if form == "wordpress" else None).encode()


def _rss(name: str, items: Sequence[Item], rich: random.Random | None) -> str:
    entries = "".join(_rss_item(item, items, rich) for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" '
        'xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>{escape(name)}</title><link>https://news.example.org/</link>"
        '<atom:link href="https://news.example.org/feed/" rel="self" type="application/rss+xml"/>'
        f"<description>News</description><language>en</language><ttl>15</ttl>{entries}"
        "</channel></rss>"
    )


def _rss_item(item: Item, all_: Sequence[Item], rich: random.Random | None) -> str:
    more = ""
    if rich is not None:  # the whole text, as WordPress sends it
        told = [item, *rich.choices(all_, k=rich.randint(2, 8))]
        whole = "".join(
            f'<p>{escape(one.summary)} <a href="{escape(one.link)}">more</a></p>' for one in told
        )
        more = f"<dc:creator><![CDATA[desk]]></dc:creator><category><![CDATA[trade]]></category><content:encoded><![CDATA[<div class='entry'>{whole}</div>]]></content:encoded>"
    else:
        more = '<media:content medium="image" url="https://img.example.org/1.jpg" width="600"><media:description>A port</media:description></media:content>'
    return (
        f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link>"
        f'<guid isPermaLink="false">{escape(item.link)}</guid>'
        f"<pubDate>{format_datetime(item.at)}</pubDate>"
        f"<description><![CDATA[<p>{escape(item.summary)}</p>]]></description>{more}</item>"
    )


def _rdf(name: str, items: Sequence[Item]) -> str:
    listed = "".join(f'<rdf:li rdf:resource="{escape(item.link)}"/>' for item in items)
    entries = "".join(
        f'<item rdf:about="{escape(item.link)}"><title>{escape(item.title)}</title>'
        f"<link>{escape(item.link)}</link><description>{escape(item.summary)}</description>"
        f"<dc:date>{item.at.isoformat()}</dc:date></item>"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://news.example.org/">'
        f"<title>{escape(name)}</title><link>https://news.example.org/</link>"
        f"<items><rdf:Seq>{listed}</rdf:Seq></items></channel>{entries}</rdf:RDF>"
    )


def _atom(name: str, items: Sequence[Item]) -> str:
    entries = "".join(
        f"<entry><id>{escape(item.link)}</id><title>{escape(item.title)}</title>"
        f'<link rel="alternate" type="text/html" href="{escape(item.link)}"/>'
        f"<updated>{item.at.isoformat()}</updated><author><name>desk</name></author>"
        f'<summary type="html">{escape(f"<p>{item.summary}</p>")}</summary></entry>'
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(name)}</title><id>https://news.example.org/</id>"
        f"<updated>{items[0].at.isoformat()}</updated>{entries}</feed>"
    )
