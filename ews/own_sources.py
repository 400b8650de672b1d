"""Which sources has this installation, and which of its own are trusted? Shipped ones, and private
ones of the home.

The store keeps a copy of the private source.toml files, written by whoever reads the home, so that
pages on another machine know them too. What an operator decided (on or off, promoted) lies in the
store beside a row of the audit, not in the folder: an analyst who may write files cannot promote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from ews.model import Source
from ews.storage import Store
from ews.storage.audit import Audited
from scrapers import CatalogError, load_sources
from scrapers.catalog import Broken, home_texts, private_source, with_key
from scrapers.remembered import accepted
from scrapers.schedule import resumed

TEXTS, SWITCHES, PROMOTIONS = "sources.own", "sources.switched", "sources.promoted"
NO_ENVIRON: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Promotion:
    """Who found a private source worth believing, when and why; of the source as it stood then."""

    by: str
    at: datetime
    why: str
    digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """Every source, and the folders of the home that are none."""

    sources: tuple[Source, ...]
    broken: tuple[Broken, ...] = ()

    def named(self, name: str) -> Source:
        """The source of that name. CatalogError, with its fault or near names, when there is none."""
        for one in self.sources:
            if one.name == name:
                return one
        for bad in self.broken:
            if bad.name == name:
                raise CatalogError(bad.error)
        names = [one.name for one in self.sources]
        near = get_close_matches(name, names, 3) or [n for n in names if name[:4] and name[:4] in n]
        hint = f"; near: {', '.join(near[:5])}" if near else "; `ews sources` lists them"
        raise CatalogError(f"no source {name!r}{hint}")


@cache
def shipped_sources() -> tuple[Source, ...]:
    """The sources of this installation; their files do not change while it runs."""
    return tuple(load_sources())


def read_sources(home: Path, store: Store, environ: Mapping[str, str] = NO_ENVIRON) -> Known:
    """The sources as the home has them now; the store's copy of its folder follows."""
    texts = home_texts(home)
    if texts != _kept(store, TEXTS):
        store.put(TEXTS, json.dumps(texts, ensure_ascii=False))
    return _known(store, texts, environ)


def kept_sources(store: Store, environ: Mapping[str, str] = NO_ENVIRON) -> Known:
    """The sources as the home had them when it was last read: for pages, which read no folder."""
    return _known(store, _kept(store, TEXTS), environ)


def _known(store: Store, texts: Mapping[str, object], environ: Mapping[str, str]) -> Known:
    private, broken = _private(tuple((name, str(text)) for name, text in texts.items()))
    promoted, switched = promotions(store), _kept(store, SWITCHES)
    trusted = [_vouched(one, promoted.get(one.name)) for one in private]
    keyed = [with_key(one, environ) for one in (*shipped_sources(), *trusted)]
    return Known(tuple(_switched(one, switched.get(one.name)) for one in keyed), broken)


@lru_cache(maxsize=2)  # the home's and the store's; each edit makes another
def _private(texts: Sequence[tuple[str, str]]) -> tuple[tuple[Source, ...], tuple[Broken, ...]]:
    found: list[Source] = []
    broken: list[Broken] = []
    for name, text in texts:
        try:
            found.append(private_source(name, text))
        except CatalogError as error:
            broken.append(Broken(name, str(error)))
    return tuple(found), tuple(broken)


def switched_off(store: Store) -> frozenset[str]:
    """Sources that an operator turned off here."""
    return frozenset(name for name, on in _kept(store, SWITCHES).items() if on is False)


def _switched(source: Source, on: object) -> Source:
    return replace(source, enabled=on) if isinstance(on, bool) else source


# --------------------------------------------------------------------------- trust


def promotions(store: Store) -> dict[str, Promotion]:
    """What was promoted, by source; one that is not as it was then is not trusted any more."""
    return {
        name: Promotion(
            str(one["by"]), datetime.fromisoformat(str(one["at"])), str(one["why"]),
            str(one["digest"]),
        )
        for name, one in _kept(store, PROMOTIONS).items()
        if isinstance(one, dict)
    }  # fmt: skip


def digest_of(source: Source) -> str:
    """Of all that says where a source's texts come from and for whom they speak."""
    told: dict[str, object] = {
        "url": source.url, "kind": source.kind, "publisher": source.publisher,
        "independence": source.independence, "authority": source.authority,
        "key_env": source.key_env, "options": dict(source.options),
    }  # fmt: skip
    if source.covers:  # what is blind without it, and seen because of it
        told["covers"] = list(source.covers)
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _vouched(source: Source, promotion: Promotion | None) -> Source:
    trusted = promotion is not None and promotion.digest == digest_of(source)
    return replace(source, trusted=trusted)


def as_at(source: Source, promotion: Promotion | None, at: datetime) -> Source:
    """The source as trusted as it was at that time: promotion is for later texts only."""
    early = promotion is not None and at < promotion.at
    return replace(source, trusted=False) if early else source


def promote(store: Store, source: Source, by: str, at: datetime, why: str) -> None:
    """Believe a private source from now on. ValueError for a shipped one or without a reason."""
    if source.name in {one.name for one in shipped_sources()}:
        raise ValueError(f"{source.name} ships with ews and is trusted")
    if not why.strip():
        raise ValueError("say why it can be believed: --why TEXT")
    promotion = Promotion(by, at, why.strip(), digest_of(source))
    _decide(store, PROMOTIONS, source.name, {**asdict(promotion), "at": at.isoformat()},
            Audited(at, "source", source.name, by, _body("promoted", why, source)))  # fmt: skip


def demote(store: Store, source: Source, by: str, at: datetime, why: str) -> None:
    """Take a promotion back. ValueError when there is none."""
    if source.name not in _kept(store, PROMOTIONS):
        raise ValueError(f"{source.name} is not promoted")
    _decide(store, PROMOTIONS, source.name, None,
            Audited(at, "source", source.name, by, _body("demoted", why, source)))  # fmt: skip


def switch(store: Store, source: Source, on: bool, by: str, at: datetime) -> None:
    """Ask a source or leave it alone, whatever its file says; `ews run` takes it up."""
    _decide(store, SWITCHES, source.name, on,
            Audited(at, "source", source.name, by, _body("on" if on else "off", "", source)))  # fmt: skip


def resume(store: Store, source: Source, by: str, at: datetime) -> None:
    """Ask again a source that was given up: its next turn is now. A list that looked too short to
    be believed is believed then, and what it lost is told."""
    with store.begin() as tx:
        if memory := tx.memory(source.name):
            tx.save_memory(source.name, accepted(memory))
        tx.save_polling(resumed(tx.polling(source.name), at))
        tx.audit([Audited(at, "source", source.name, by, _body("resumed", "", source))])


def _body(done: str, why: str, source: Source) -> str:
    told = {"done": done, "why": why.strip(), "url": source.url, "digest": digest_of(source)}
    return json.dumps(told, ensure_ascii=False)


def _decide(store: Store, key: str, name: str, value: object, audited: Audited) -> None:
    """Keep a decision of a source and its row of the audit in one transaction; None forgets it."""
    with store.begin() as tx:
        kept = {one: said for one, said in _kept(tx, key).items() if one != name}
        if value is not None:
            kept[name] = value
        tx.put(key, json.dumps(kept, ensure_ascii=False))
        tx.audit([audited])


def _kept(store: Store, key: str) -> dict[str, object]:
    said = json.loads(store.get(key) or "{}")
    return said if isinstance(said, dict) else {}
