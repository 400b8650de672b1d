"""Has this source anything new? One conditional GET, with three answers: new, unchanged, failed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

from ews.model import Fetch, FetchOutcome, Source
from scrapers.caching import Validators, freshness_s, mark_of, retry_after
from scrapers.errors import SourceError
from scrapers.hops import host_of, same_host
from scrapers.http import Client, Reply


def fill_url(url: str, now: datetime, key: str = "") -> str:
    """The URL with its placeholders filled in.

    `{day:-45}` is a date 45 days back (YYYY-MM-DD), `{month:-3}` a month (YYYYMM), `{ym:-3}` the
    same as YYYY-MM, `{y:-3}` its year and `{m:-3}` its number (1-12), `{key}` the API key.

    >>> fill_url("https://x.org/?m={month:-2}&t={ym:-1}", datetime(2026, 1, 5))  # noqa: DTZ001
    'https://x.org/?m=202511&t=2025-12'
    """

    def put(match: re.Match[str]) -> str:
        name, shift = match.group(1), int(match.group(2) or 0)
        if name == "key":
            return quote(key, safe="")
        if name == "day":
            return (now + timedelta(days=shift)).strftime("%Y-%m-%d")
        months = now.year * 12 + now.month - 1 + shift
        if name in ("y", "m"):
            return str(months // 12 if name == "y" else months % 12 + 1)
        dash = "-" if name == "ym" else ""
        return f"{months // 12:04d}{dash}{months % 12 + 1:02d}"

    return re.sub(r"\{(key|day|month|ym|y|m)(?::([+-]?\d+))?\}", put, url)


def fetch_reply(
    source: Source, last: Fetch | None, now: datetime, client: Client
) -> tuple[Fetch, Reply | None]:
    """One conditional GET of the source's URL: (NEW, reply), (UNCHANGED, reply) or (FAILED, None).

    A failed fetch keeps the validators of `last`, so that a body that could not be read is asked
    for again instead of coming back as 304.
    """
    base = as_before(Fetch(source.name, now, FetchOutcome.FAILED), last)
    try:
        reply = _ask(source, last, now, client)
        if reply.status != 304 or not reply.conditional:
            judge(source, reply, now)
    except SourceError as error:
        return failed(base, error), None
    good_s = freshness_s(reply.headers, now) or None
    seen = replace(base, status=reply.status, retry_after_s=good_s, error=reply.note or None)
    if reply.status != 304:
        seen = _validated(seen, reply)
    if reply.status == 304 or (last is not None and last.sha256 == seen.sha256):
        signals = last.signals if last else 0
        return replace(seen, outcome=FetchOutcome.UNCHANGED, signals=signals), reply
    return replace(seen, outcome=FetchOutcome.NEW, newest=None), reply


def _validated(seen: Fetch, reply: Reply) -> Fetch:
    """That fetch with what tells the reply's body from the next one."""
    return replace(
        seen,
        etag=reply.headers.get("etag"),
        last_modified=reply.headers.get("last-modified"),
        answered_by=mark_of(reply.url),
        sha256=hashlib.sha256(reply.body).hexdigest(),
    )


def as_before(fetched: Fetch, last: Fetch | None) -> Fetch:
    """That fetch with what `last` knew of the answer: of a body that could not be used nothing must
    stay, or its next copy would pass for calm."""
    return replace(
        fetched,
        etag=last.etag if last else None,
        last_modified=last.last_modified if last else None,
        answered_by=last.answered_by if last else "",
        sha256=last.sha256 if last else None,
        newest=last.newest if last else None,
    )


def failed(base: Fetch, error: SourceError) -> Fetch:
    """That fetch as FAILED, with the error's words after a note that it has already."""
    return replace(
        base,
        outcome=FetchOutcome.FAILED,
        status=error.status if error.status is not None else base.status,
        error="; ".join(filter(None, [base.error, error.message])),
        permanent=error.permanent,
        retry_after_s=error.retry_after_s,
        asked=not error.deferred,
    )


def ask(
    source: Source,
    url: str,
    client: Client,
    headers: Mapping[str, str],
    form: Mapping[str, str] | str | None = None,
    validators: Validators | None = None,
) -> Reply:
    """GET with the source's own limits (max_bytes, deadline_s, min_gap_s, robots) and, at its own
    host alone, its key header; a POST when there is a form."""
    options = source.options
    key = api_key(source, client)
    sent = dict(headers)
    if key and isinstance(options.get("key_header"), str) and same_host(url, source.url):
        sent[str(options["key_header"])] = f"{options.get('key_prefix', '')}{key}"
    return client.get(
        url,
        headers=sent,
        max_bytes=_whole(options.get("max_bytes")),
        deadline_s=_whole(options.get("deadline_s")),
        min_gap_s=_number(options.get("min_gap_s")),
        robots=options.get("robots") != "exempt",
        secret=key,
        form=form,
        validators=validators,
        guest=not source.trusted,
    )


def api_key(source: Source, client: Client) -> str:
    """The source's API key, or "" when it needs none. Raises SourceError when it is not set."""
    if source.key_env is None:
        return ""
    key = client.environ.get(source.key_env, "").strip()
    if re.search(r"%(?:2B|2F|3D)", key, re.IGNORECASE):
        key = unquote(
            key
        )  # data.go.kr issues its keys twice; the encoded one would be encoded again
    if key and re.search(r"[^\x21-\x7e]", key):
        raise SourceError(
            f"{source.key_env} holds a space, a line break or a letter that no key has; set it anew",
            permanent=True,
        )
    if not key:
        raise SourceError(
            f"{source.name} needs an API key: set {source.key_env}, or enabled = false",
            permanent=True,
        )
    return key


def keys_of(source: Source, client: Client) -> list[str]:
    """The source's key in every form in which it may be set or sent; [] when it has none."""
    if source.key_env is None:
        return []
    key = client.environ.get(source.key_env, "").strip()
    return list(dict.fromkeys(filter(None, [key, unquote(key)])))


def _ask(source: Source, last: Fetch | None, now: datetime, client: Client) -> Reply:
    key = api_key(source, client)
    also = source.options.get("also_try", ())
    urls = [source.url, *(also if isinstance(also, list | tuple) else ())]
    known = Validators(last.etag, last.last_modified, last.answered_by) if last else None
    reply = Reply(0, {}, b"", "")
    for template in map(str, urls):
        url = fill_url(template, now, key)
        reply = ask(source, url, client, {}, form_fields(source, now), known)
        if reply.status not in (404, 410):
            break
    return reply


def form_fields(source: Source, now: datetime) -> dict[str, str] | str | None:
    """The fields of `[options.form]`, or the JSON text of `options.post_json`, with their
    placeholders filled in; None when there is none."""
    if isinstance(text := source.options.get("post_json"), str):
        return fill_url(text, now)
    form = source.options.get("form")
    if not isinstance(form, Mapping):
        return None
    return {str(name): fill_url(str(value), now) for name, value in form.items()}


_SAID = {
    206: "it sent a part of the page although the whole was asked for",
    304: "it says that nothing changed although we did not ask that; it is asked anew",
    204: "it has no data for this query yet",
    400: "the query was refused; compare the url in source.toml with the publisher's documents",
    401: "the key was refused; renew it",
    403: "we are not welcome there; ask the publisher, do not work around it",
    404: "nothing is there any more; find the new address and change url in source.toml",
    410: "the publisher removed it for good; set enabled = false or find the new address",
    429: "we asked too often; the next try waits",
}


def judge(source: Source, reply: Reply, now: datetime) -> None:
    """Raises SourceError unless the status carries a body to read.

    A 429 without Retry-After waits a minute, as UN Comtrade asks in words.
    """
    if reply.status == 200:
        return
    said = _SAID.get(reply.status, "it is tried again at the next turn")
    raise SourceError(
        f"{source.name}: HTTP {reply.status} from {host_of(reply.url)}; {said}",
        permanent=reply.status in (400, 401, 403, 404, 405, 406, 410, 414, 451),
        retry_after_s=retry_after(reply.headers, now) or (60 if reply.status == 429 else None),
        status=reply.status,
    )


def charset_of(headers: Mapping[str, str]) -> str:
    """The charset that the Content-Type names, or ""."""
    found = re.search(
        r"charset\s*=\s*[\"']?([\w.:-]{1,40})", headers.get("content-type", ""), re.IGNORECASE
    )
    return found.group(1) if found else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
