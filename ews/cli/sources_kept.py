"""`ews sources raw` and `ews reparse`: bodies as they came, and what today's parser makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.options import Home, Json, Lang

if TYPE_CHECKING:
    from ews.cli.output import Output
    from ews.model import Source
    from ews.reparsing import Reparsed
    from ews.storage import Store


def register(app: typer.Typer) -> None:
    app.command()(raw)


def raw(
    name: Annotated[str | None, typer.Argument(help="Turns of this source.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="The turn at that time, or the last one before.")
    ] = None,
    page: Annotated[int, typer.Option(min=0, help="Which body of the turn.")] = 0,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write the body there, byte for byte.")
    ] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Bodies that are kept: of all sources, the turns of one, or one body. Exit 1 when none is."""
    from ews.cli.asked import when
    from ews.cli.opening import reading
    from ews.cli.output import output

    moment = when(at, "--at")
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        if name is None:
            found = _sizes(out, store)
        elif moment is None and out_file is None:
            found = _turns(out, store, name)
        else:
            found = _body(out, store, name, moment or datetime.now(UTC), page, out_file)
    raise typer.Exit(0 if found else 1)


def _sizes(out: Output, store: Store) -> bool:
    from ews.cli.output import moment

    sizes = list(store.raw_sizes())
    total = store.raw_bytes()
    if out.as_json:
        out.json({"bytes": total, "sources": sizes})
        return bool(sizes)
    out.table(
        out.t("보관한 원문", "Bodies kept"),
        [out.t("수집원", "source"), out.t("차례", "turns"), out.t("서로 다른 원문", "different bodies"),
         out.t("처음", "oldest"), out.t("마지막", "newest")],
        [(s.source, s.turns, s.bodies, moment(s.oldest), moment(s.newest)) for s in sizes],
        right=[1, 2],
    )  # fmt: skip
    out.say(
        out.t(f"압축해 모두 {total / 1e6:,.1f} MB", f"{total / 1e6:,.1f} MB in all, compressed")
    )
    return bool(sizes)


def _turns(out: Output, store: Store, name: str) -> bool:
    from ews.cli.output import moment

    turns = store.raw_turns(name)[-200:]
    rows = [(at, one) for at in turns for one in store.raws(name, at)]
    if out.as_json:
        out.json([
            {"at": at, "page": one.page, "url": one.url, "bytes": len(one.body),
             "sha256": one.sha256, "headers": dict(one.headers)} for at, one in rows
        ])  # fmt: skip
        return bool(rows)
    if not rows:
        out.say(out.t(f"{name}: 보관한 원문이 없습니다.", f"{name}: no body is kept."))
        return False
    out.table(
        name,
        [out.t("때", "when"), "UTC", out.t("쪽", "page"), out.t("바이트", "bytes"), "sha256", "URL"],
        [(moment(at), at.isoformat(), one.page, len(one.body), one.sha256[:12], one.url)
         for at, one in rows],
        right=[2, 3],
    )  # fmt: skip
    return bool(rows)


def _body(out: Output, store: Store, name: str, at: datetime, page: int, file: Path | None) -> bool:
    # a turn is shown to the second and kept to the microsecond
    turns = store.raw_turns(name, until=at + timedelta(seconds=1))
    found = [one for one in store.raws(name, turns[-1]) if one.page == page] if turns else []
    if not found:
        return False
    if file is not None:
        file.write_bytes(found[0].body)
    told = [("URL", found[0].url), ("sha256", found[0].sha256), *sorted(found[0].headers.items())]
    if out.as_json:
        out.json({"at": turns[-1], **dict(told), "bytes": len(found[0].body)})
    else:
        out.facts([(out.t("때", "when"), turns[-1].isoformat()), *told,
                   (out.t("바이트", "bytes"), len(found[0].body))])  # fmt: skip
    return True


# --------------------------------------------------------------------------- reparse


def reparse(
    names: Annotated[list[str] | None, typer.Argument(help="These sources; default all.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Turns since this time.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Put the store right, or only show how.")
    ] = False,
    by: Annotated[
        str, typer.Option("--by", help="Who does it; it stands in the audit.")
    ] = "operator",
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Read kept bodies again with today's parser; show what differs, with --apply put it right.

    Nothing is fetched. New texts take the time of their fetch and go through the pipeline with its
    next cycle. Exit 1 when something differs and nothing was written, or a body cannot be read.
    """
    from ews.cli.asked import when
    from ews.cli.opening import reading
    from ews.cli.output import output
    from ews.cli.sources import known_sources, named

    start = when(since, "--since")
    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        kept = [one.source for one in store.raw_sizes()]
        asked = [named(settings, store, name) for name in names or ()]
        known = known_sources(settings, store).sources
        sources = asked or [one for one in known if one.name in kept]
        found = _read_again(store, sources, start, apply, by)
    if out.as_json:
        out.json(found)
    else:
        _told(out, found, apply)
    undone = any(one.unreadable or (one.differs and not apply) for one in found)
    raise typer.Exit(1 if undone else 0)


def _read_again(
    store: Store, sources: Sequence[Source], since: datetime | None, write: bool, by: str
) -> list[Reparsed]:
    from ews.cli.output import working
    from ews.reparsing import reparse
    from scrapers.worker import Workers

    found = []
    with Workers() as workers:
        for source in sources:
            with working(source.name):
                found.append(reparse(
                    store, source, lambda: datetime.now(UTC), since, write, by, workers.parse
                ))  # fmt: skip
    return found


def _told(out: Output, found: list[Reparsed], applied: bool) -> None:
    from ews.cli.output import clean, moment

    if not any(one.turns or one.unreadable for one in found):
        out.say(out.t("보관한 원문이 없어 다시 읽은 것이 없습니다 (설정 keep_raw_days, `ews sources raw`).",
                      "No body is kept, so nothing was read again (setting keep_raw_days, "
                      "`ews sources raw`)."))  # fmt: skip
        return
    out.table(
        out.t("다시 읽은 원문", "Bodies read again"),
        [out.t("수집원", "source"), out.t("차례", "turns"), out.t("같음", "same"), out.t("새것", "new"),
         out.t("바뀜", "changed"), out.t("없어짐", "gone"), out.t("쓰여 남김", "cited, kept"),
         out.t("값: 같음", "values same"), out.t("새 값", "new"), out.t("바뀐 값", "changed"),
         out.t("못 읽음", "unreadable")],
        [(o.source, o.turns, o.same, o.new, o.changed, o.gone, o.kept, o.values_same, o.values_new,
          o.values_changed, len(o.unreadable)) for o in found],
        right=list(range(1, 11)),
    )  # fmt: skip
    for one in found:
        for example in one.examples:
            out.say(clean(f"{one.source} {example.what} {moment(example.at)} {example.name}: "
                          f"{example.before or '-'} -> {example.after or '-'}"))  # fmt: skip
        for at, error in one.unreadable[:10]:
            out.say(clean(f"{one.source} {moment(at)}: {error}"))
    if any(one.differs for one in found):
        out.say(out.t("저장소를 바로잡았습니다." if applied else "아무것도 쓰지 않았습니다: --apply가 바로잡습니다.",
                      "The store was put right." if applied else "Nothing was written: --apply does."), "bold")  # fmt: skip
