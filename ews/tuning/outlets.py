"""Which newsroom speaks: the outlet and its independence group from a feed's address.

Articles of one newsroom count once, whichever of its feeds or hosts carried them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

# Label of a host or a short source name -> newsroom. Hosts of one publisher, seen in the feeds.
NEWSROOMS: Mapping[str, str] = {
    "dj": "wsj", "dowjones": "wsj", "wsj": "wsj", "barrons": "wsj", "marketwatch": "wsj",
    "bbci": "bbc", "bbc": "bbc",
    "abcnews": "abcnews", "nbcnews": "nbcnews", "skynews": "skynews", "sky": "skynews",
    "nytimes": "nytimes", "nyt": "nytimes",
    "reutersagency": "reuters", "reuters": "reuters",
    "washingtonpost": "washingtonpost",
    "ft": "ft", "cnn": "cnn", "npr": "npr", "cnbc": "cnbc", "cbc": "cbc",
    "indiatimes": "timesofindia",
    "channelnewsasia": "cna", "cna": "cna",
    "scmp": "scmp", "smcp": "scmp",  # one recorded source is misspelt
    "yna": "yonhap", "yonhapnews": "yonhap", "yonhap": "yonhap", "chosun": "chosun",
    "hnrss": "hackernews", "ycombinator": "hackernews",
}  # fmt: skip
NAMES: Mapping[str, str] = {
    "wsj": "The Wall Street Journal", "bbc": "BBC", "abcnews": "ABC News",
    "nbcnews": "NBC News", "skynews": "Sky News", "nytimes": "The New York Times",
    "reuters": "Reuters", "washingtonpost": "The Washington Post", "ft": "Financial Times",
    "cnn": "CNN", "npr": "NPR", "cnbc": "CNBC", "cbc": "CBC", "timesofindia": "The Times of India",
    "cna": "CNA", "scmp": "South China Morning Post", "yonhap": "연합뉴스", "chosun": "조선일보",
    "hackernews": "Hacker News", "theguardian": "The Guardian", "lemonde": "Le Monde",
    "bloomberg": "Bloomberg", "aljazeera": "Al Jazeera", "phys": "Phys.org", "tass": "TASS",
    "cgtn": "CGTN", "nhk": "NHK", "taipeitimes": "Taipei Times", "politico": "Politico",
}  # fmt: skip
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "go", "or", "gov", "ne", "re"})


def newsroom(source: str) -> str:
    """The independence group of a source address, host or short name.

    >>> newsroom("https://feeds.a.dj.com/rss/one.xml"), newsroom("www.wsj.com")
    ('wsj', 'wsj')
    >>> newsroom("http://feeds.bbci.co.uk/news/rss.xml"), newsroom("yna"), newsroom("연합뉴스")
    ('bbc', 'yonhap', '연합뉴스')
    """
    text = source.strip().casefold()
    host = urlsplit(text if "//" in text else f"//{text}").hostname or text
    labels = [label for label in host.split(".") if label]
    if len(labels) < 2:
        return NEWSROOMS.get(text, text)
    owner = labels[-2]
    if owner in _SECOND_LEVEL and len(labels) > 2:
        owner = labels[-3]
    return NEWSROOMS.get(owner, owner)


def outlet(source: str) -> str:
    """The newsroom's name for readers; its group name when we have none."""
    group = newsroom(source)
    return NAMES.get(group, group)


def plain_language(text: object) -> str:
    """`ko`, `en`, ... from a feed's language mark; "" when it is not one.

    >>> plain_language("en-US"), plain_language("ko_KR"), plain_language("generics")
    ('en', 'ko', '')
    """
    match = re.fullmatch(r"([a-z]{2})(?:[-_][a-z0-9]+)*", str(text or "").strip().casefold())
    return match.group(1) if match else ""
