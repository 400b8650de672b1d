"""`ews sources new | test | import | export`: sources of one's own, from a look at a URL to a folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.config import Settings
    from ews.model import Source
    from ews.storage import Store
    from scrapers import Client, Parser
    from scrapers.opml import Outline
    from scrapers.probe import Draft


def register(app: typer.Typer) -> None:
    app.command()(new)
    app.command("test")(try_out)
    app.command("import")(import_opml)
    app.command("export")(export_opml)


def new(
    name: Annotated[str, typer.Argument(help="Folder name: small letters, digits and _.")],
    url: Annotated[
        str, typer.Option("--url", help="Feed, data file, or a page that names a feed.")
    ],
    kind: Annotated[
        str, typer.Option("--kind", help="rss, json, geojson, csv or xml; default: guessed.")
    ] = "",
    spoken: Annotated[
        str,
        typer.Option(
            "--language", help="Language of its texts, e.g. ko; default: as it says, or guessed."
        ),
    ] = "",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Look at a URL and write a private source for it: source.toml with comments, sample, expected.

    The URL is fetched as a source is (robots.txt, caps, public addresses). Nothing is overwritten.
    Exit 1 when nothing was recognised there.
    """
    from ews.cli.opening import opened
    from ews.cli.output import output
    from scrapers.drafts import check_name, source_text, write_source
    from scrapers.probe import SAMPLES
    from scrapers.worker import Workers

    if kind and kind not in SAMPLES:
        raise ValueError(f"--kind {kind!r}: use one of {', '.join(SAMPLES)}")
    with opened(home) as (settings, store), Workers() as workers:
        out = output(lang, as_json, settings.lang)
        folder, now = check_name(name, settings.home), datetime.now(UTC)
        draft = _looked_at(settings, store, out, url, now, kind, spoken, workers.parse)
        _check_new(settings, store, out, draft)
        if draft.kind:
            text = source_text(name, draft, now, out.lang)
            write_source(folder, text, draft, now, workers.parse)
    if out.as_json:
        out.json({**_facts(draft), "folder": str(folder) if draft.kind else None})
    else:
        _show_draft(out, draft, folder)
    raise typer.Exit(0 if draft.kind else 1)


def _looked_at(
    settings: Settings,
    store: Store,
    out: Output,
    url: str,
    now: datetime,
    kind: str,
    spoken: str,
    parser: Parser,
) -> Draft:
    from ews.cli.output import working
    from ews.scheduler import make_client
    from scrapers import SourceError
    from scrapers.probe import look

    try:
        with working(url):
            return look(url, make_client(settings, store), now, kind, spoken, parser)
    except SourceError as error:
        raise ValueError(_words(out, error.message)) from None


def _words(out: Output, said: str) -> str:
    """An error or a note of a source in the language of the reader."""
    from ews.reports.source_errors import in_korean

    return in_korean(said) if out.lang == "ko" else said


def _check_new(settings: Settings, store: Store, out: Output, draft: Draft) -> None:
    """ValueError for a feed that is read already: it would be asked twice."""
    from ews.cli.sources import known_sources
    from scrapers.opml import same

    if draft.kind != "rss":  # of a table or a list, other columns or rows may be wanted
        return
    for one in known_sources(settings, store).sources:
        if same(one.url) == same(draft.url):
            raise ValueError(
                f"the source {one.name} reads this feed already: ews sources {one.name}"
            )


def _facts(draft: Draft) -> dict[str, object]:
    from scrapers.drafts import span

    return {
        "url": draft.url, "status": draft.status, "content_type": draft.content_type,
        "charset": draft.charset, "bytes": len(draft.body), "kind": draft.kind,
        "title": draft.title, "lang": draft.lang, "rows": draft.rows, "newest": draft.newest,
        "gap_s": draft.gap_s, "ttl_s": draft.ttl_s, "every": span(draft.every_s),
        "fresh_within": span(draft.fresh_within_s), "expect": list(draft.expect),
        "options": dict(draft.options), "missing": list(draft.missing),
        "feeds": [{"title": title, "url": url} for title, url in draft.feeds], "said": draft.said,
    }  # fmt: skip


def _show_draft(out: Output, draft: Draft, folder: Path) -> None:
    from ews.cli.output import clean, moment

    told = _facts(draft)
    out.facts([
        ("URL", draft.url),
        (out.t("응답", "answer"), f"{draft.status} {clean(draft.content_type)}, {len(draft.body):,} bytes"),
        (out.t("종류", "kind"), draft.kind or out.t("모름", "not recognised")),
        (out.t("제목", "title"), clean(draft.title)), (out.t("언어", "language"), draft.lang),
        (out.t("행", "rows"), draft.rows), (out.t("최신 날짜", "newest inside"), moment(draft.newest)),
        (out.t("주기", "every"), told["every"] if draft.kind else None),
        (out.t("신선 한도", "fresh within"), told["fresh_within"] if draft.kind else None),
        (out.t("알림", "note"), clean(_words(out, draft.said))),
        (out.t("찾지 못한 칸", "no field found for"), ", ".join(draft.missing)),
    ])  # fmt: skip
    if draft.feeds:
        out.table(out.t("그 쪽이 알리는 피드", "Feeds that the page names"),
                  [out.t("제목", "title"), "URL"], [(clean(t), u) for t, u in draft.feeds])  # fmt: skip
    if draft.kind:
        out.say(out.t(f"썼습니다: {folder}. source.toml의 CHECK 줄을 확인하고 `ews sources test {folder.name}`",
                      f"Written: {folder}. Check the lines marked CHECK in source.toml, then "
                      f"`ews sources test {folder.name}`"), "bold")  # fmt: skip


# --------------------------------------------------------------------------- test


def try_out(
    name: Annotated[str, typer.Argument(help="Source, shipped or of the home.")],
    live: Annotated[bool, typer.Option("--live", help="Fetch it now; nothing is stored.")] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """The signals a source would give: from its sample, or with --live from a fetch that stores nothing.

    Exit 1 when it gives none, fails, or its sample yields something else than expected.json says.
    """
    from ews.cli.opening import looking
    from ews.cli.output import output
    from ews.cli.sources import named
    from ews.reports import NotFound

    with looking(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        source = named(settings, store, name)
        try:
            tried = _live(settings, store, source) if live else _sampled(settings, source)
        except FileNotFoundError:
            raise NotFound(
                f"{name} has no sample; fetch it: ews sources test {name} --live"
            ) from None
    if out.as_json:
        out.json(tried)
    else:
        _show_trial(out, source, tried)
        out.facts([(out.t("오류·알림", "error or note"), _words(out, str(tried["error"] or "")))])
    raise typer.Exit(0 if tried["ok"] else 1)


def _live(settings: Settings, store: Store, source: Source) -> dict[str, object]:
    from ews.model import FetchOutcome
    from ews.scheduler import make_client
    from scrapers import collect
    from scrapers.kinds import KINDS
    from scrapers.worker import Workers

    with Workers() as workers:
        client = make_client(settings, store)
        got = collect(source, None, datetime.now(UTC), client, parser=workers.parse)
    fetch = got.fetch
    # a list told by its difference gives nothing at first sight
    gave = bool(got.signals) or KINDS[source.kind].remembers
    return {
        "source": source.name, "from": source.url,
        "ok": fetch.outcome is FetchOutcome.NEW and gave,
        "rows": fetch.rows, "newest": fetch.newest, "error": fetch.error, "differs": None,
        "signals": got.signals,
    }  # fmt: skip


def _sampled(settings: Settings, source: Source) -> dict[str, object]:
    """What the sample yields, beside expected.json. FileNotFoundError without a sample."""
    from scrapers import SourceError
    from scrapers.samples import tried
    from scrapers.worker import Workers

    try:
        with Workers() as workers:
            parsed, differs = tried(source, settings.home, workers.parse)
    except SourceError as error:
        return {"source": source.name, "from": "sample", "ok": False, "rows": None, "newest": None,
                "error": error.message, "differs": None, "signals": []}  # fmt: skip
    return {
        "source": source.name, "from": "sample", "ok": not differs and bool(parsed.signals),
        "rows": parsed.rows, "newest": parsed.newest, "error": parsed.said or None,
        "differs": differs, "signals": parsed.signals,
    }  # fmt: skip


def _show_trial(out: Output, source: Source, tried: dict[str, object]) -> None:
    from ews.cli.output import clean, moment
    from ews.model import Article, Observation

    signals = tried["signals"]
    assert isinstance(signals, list)
    texts = [one for one in signals if isinstance(one, Article)][:30]
    values = [one for one in signals if isinstance(one, Observation)][:30]
    if texts:
        out.table(source.name, ["ID", out.t("날짜", "date"), out.t("언어", "lang"), out.t("제목", "title"), "URL"],
                  [(a.id, moment(a.observed_at), a.lang, clean(a.title), a.url) for a in texts])  # fmt: skip
    if values:
        out.table(source.name, [out.t("계열", "series"), out.t("기간", "period"), out.t("값", "value"),
                                out.t("단위", "unit")],
                  [(v.series, v.observed_at.date().isoformat(), f"{v.value:g}", v.unit) for v in values],
                  right=[2])  # fmt: skip
    low, high, rows = source.expect_min, source.expect_max, tried["rows"]
    # samples of ours are short; that of a private source is a whole answer
    outside = not source.trusted and isinstance(rows, int) and not low <= rows <= high
    out.facts([
        (out.t("신호", "signals"), f"{len(signals)} ({out.t('처음 30개씩 보임', 'the first 30 of each are shown')})"
         if len(signals) > 30 else len(signals)),
        (out.t("행", "rows"), f"{'-' if rows is None else rows}, " + out.t(f"기대 {low}~{high}", f"expected {low} to {high}")),
        (out.t("기대 밖", "not as expected"), out.t("이렇게 오면 실패로 셉니다. source.toml의 expect를 고치십시오",
                                                 "such an answer counts as failed: correct expect in source.toml") if outside else ""),
        (out.t("신뢰", "trust"), out.t("확인된 출처", "trusted") if source.trusted else out.t("확인되지 않은 출처", "unverified source")),
        (out.t("기대와 다른 것", "differs from expected.json"), tried["differs"]),
    ])  # fmt: skip


# --------------------------------------------------------------------------- OPML


def import_opml(
    file: Annotated[Path, typer.Argument(help="OPML file, as feed readers export it.")],
    probe: Annotated[
        bool, typer.Option("--probe", help="Look at each feed first (needs the network).")
    ] = False,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Each feed of an OPML file as a private source; those that ews has already are skipped and named.

    Exit 1 when none was added.
    """
    from ews.cli.opening import opened
    from ews.cli.output import output
    from ews.cli.sources import known_sources
    from scrapers import SourceError
    from scrapers.opml import read_opml, same

    with opened(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        try:
            listed = read_opml(file.read_bytes())
        except SourceError as error:
            raise ValueError(f"{file}: {error.message}") from None
        known = {same(one.url): one.name for one in known_sources(settings, store).sources}
        there = [
            (one.title or one.url, name)
            for one in listed.feeds
            if (name := known.get(same(one.url))) is not None
        ]
        fresh = [one for one in listed.feeds if same(one.url) not in known]
        added = _imported(settings, store, out, fresh, probe)
    if out.as_json:
        out.json({"added": added, "known": dict(there), "left_out": listed.left_out})
    else:
        _show_import(out, added, there, listed.left_out)
    raise typer.Exit(0 if added else 1)


def _show_import(
    out: Output,
    added: Sequence[Mapping[str, object]],
    there: Sequence[tuple[str, str]],
    left_out: Sequence[str],
) -> None:
    from ews.cli.output import clean

    out.table(out.t("더한 수집원", "Sources added"), [out.t("이름", "name"), "URL", out.t("알림", "note")],
              [(one["name"], one["url"], clean(_words(out, str(one["note"])))) for one in added])  # fmt: skip
    for title, name in there:
        out.say(clean(out.t(f"이미 있음: {title} ({name})", f"there already: {title} ({name})")))
    for said in left_out:
        out.say(clean(out.t("뺌: ", "left out: ") + _words(out, said)))


def _imported(
    settings: Settings, store: Store, out: Output, feeds: Sequence[Outline], probe: bool
) -> list[dict[str, object]]:
    """A folder for each feed; with `probe` from a look at it, where that worked."""
    from ews.cli.sources import known_sources
    from ews.scheduler import make_client
    from scrapers.catalog import shipped_names
    from scrapers.drafts import check_name, source_text, write_source
    from scrapers.opml import name_of
    from scrapers.worker import Workers

    client = make_client(settings, store) if probe else None
    folder = settings.home / "sources"
    own = {one.name for one in folder.iterdir()} if folder.is_dir() else set()
    taken = {*shipped_names(), *own}
    added: list[dict[str, object]] = []
    with Workers() as workers:
        for feed in feeds:
            name, now = name_of(feed, taken), datetime.now(UTC)
            taken.add(name)
            draft, note = _drafted(feed, client, now, workers.parse)
            seen = draft if draft.body else None
            write_source(
                check_name(name, settings.home), source_text(name, draft, now, out.lang), seen,
                now, workers.parse,
            )  # fmt: skip
            added.append({"name": name, "url": feed.url, "note": note})
    known_sources(settings, store)
    return added


def _drafted(
    feed: Outline, client: Client | None, now: datetime, parser: Parser
) -> tuple[Draft, str]:
    """What is written down of a feed, and a note: as the list says, or as a look at it showed."""
    from scrapers import SourceError
    from scrapers.probe import Draft, look

    plain = Draft(feed.url, 0, "", "", b"", kind="rss", title=feed.title, lang=feed.lang)
    if client is None:
        return plain, ""
    try:
        found = look(feed.url, client, now, "", feed.lang, parser)
    except SourceError as error:
        return plain, error.message
    if not found.kind:
        return plain, found.said or "no feed was recognised there"
    return replace(found, title=feed.title or found.title), found.said


def export_opml(
    out_file: Annotated[
        Path | None, typer.Option("--out", help="File to write; default stdout.")
    ] = None,
    home: Home = None,
) -> None:
    """The feeds among the sources, shipped and own, as OPML 2.0, nested by group."""
    from email.utils import format_datetime

    from ews.cli.opening import looking
    from ews.cli.sources import known_sources
    from scrapers.opml import write_opml

    with looking(home) as (settings, store):
        made = format_datetime(datetime.now(UTC))
        body = write_opml(known_sources(settings, store).sources, "ews", made)
    if out_file is not None:
        out_file.write_bytes(body)
    else:
        sys.stdout.write(body.decode("utf-8"))
