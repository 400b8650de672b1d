"""Which article does this link mean? One form for each address (RFC 3986, section 6.2)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from scrapers.references import unescaped

# Parameters that say how a reader came, never what is read: analytics, advertisements, newsletters,
# Korean portals (n_ and NaPm of Naver, DMKW of Daum).
_TRACKING = re.compile(
    r"^(utm_.*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|gad_source|gad_campaignid|msclkid|twclid|"
    r"ttclid|yclid|li_fat_id|igshid|igsh|_ga|_gl|_hsenc|_hsmi|__hstc|__hssc|mkt_tok|mc_cid|mc_eid|"
    r"ck_subscriber_id|vero_id|oly_enc_id|oly_anon_id|bxid|cndid|__s|sfmc_id|"
    r"n_media|n_query|n_rank|n_ad|n_ad_group|n_campaign_type|napm|dmkw|kakao_from|"
    r"cmpid|ocid|at_.*|ns_.*|ito|smid|cmp|src|ref|ref_src|ref_url|traffic_source|wt_mc|ftag|xtor|"
    r"spm|feed_id|__twitter_impression|outputtype)$",
    re.IGNORECASE,
)
_SAFE = "%/:=&?~#+!$,;'@()*[]-._"
_PLAIN = re.compile(r"[A-Za-z0-9/:=&?~#+!$,;'@()*\[\]\-._]*")  # nothing of it is ever escaped
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_ESCAPE = re.compile("%([0-9a-fA-F]{2})")
_BARE = re.compile("%(?![0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# The page of a reader on a telephone under the same path; only where we know that it is the same.
_SAME_AS = {
    "m.yna.co.kr": "www.yna.co.kr",
    "m.en.yna.co.kr": "en.yna.co.kr",
    "m.korea.kr": "www.korea.kr",
}
_AMP = re.compile(
    r"https?://(?:[a-z0-9-]+\.cdn\.ampproject\.org/[civ]/(s/)?|(?:www\.)?google\.[a-z.]{2,6}/amp/(s/)?)",
    re.IGNORECASE,
)


def canonical_url(raw: str, base: str = "") -> str:
    """The link without tracking parameters and fragment, or "" when it is not a plain http(s) one.

    >>> canonical_url("HTTPS://Example.org:443/a?utm_source=x&id=7#top")
    'https://example.org/a?id=7'
    >>> canonical_url("javascript:alert(1)")
    ''
    """
    text = unescaped(_INVISIBLE.sub("", raw)).strip()
    if not text or len(text) > 2000 or re.search(r"[\s\\<>\"`{}|^]", text):
        return ""
    if (amp := _AMP.match(text)) is not None:
        text = f"http{'s' if amp.group(1) or amp.group(2) else ''}://{text[amp.end() :]}"
    try:
        own_scheme = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text)
        parts = urlsplit(text if own_scheme else urljoin(base, text))
        port = parts.port
        host = _host(parts.hostname or "")
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    query = _without_tracking(parts.query)
    if query is None:
        return ""
    path = _escaped(parts.path or "/")
    return urlunsplit((scheme, host, path, _escaped(query), ""))


def _host(name: str) -> str:
    """The host in ASCII (RFC 5891). Raises ValueError for one that cannot be."""
    host = name.rstrip(".")
    if ":" in host:
        return f"[{host}]"
    if not host.isascii():
        host = host.encode("idna").decode("ascii").lower()
    return _SAME_AS.get(host, host)


def _without_tracking(query: str) -> str | None:
    if not query:
        return ""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return None
    if not any(_TRACKING.match(name) for name, _ in pairs):
        return query
    return urlencode([(name, value) for name, value in pairs if not _TRACKING.match(name)])


def _escaped(part: str) -> str:
    """Escapes in one form: capital digits, none for letters that need none; a bare % is escaped."""
    if _PLAIN.fullmatch(part):
        return part
    quoted = quote(_BARE.sub("%25", part) if "%" in part else part, safe=_SAFE)
    return _ESCAPE.sub(_one_escape, quoted) if "%" in quoted else quoted


def _one_escape(match: re.Match[str]) -> str:
    char = chr(int(match.group(1), 16))
    return char if char in _UNRESERVED else f"%{match.group(1).upper()}"
