"""A source for tests that need none of the catalogue."""

from __future__ import annotations

from dataclasses import replace

from ews.model import Source


def made_source(name: str, **changes: object) -> Source:
    """A feed of that name, asked every ten minutes."""
    source = Source(
        name=name, publisher="P", title="T", url=f"https://{name}.example/feed", kind="rss",
        lang="en", group="news", terms="made up", every_s=600, fresh_within_s=86_400,
        expect_min=1, expect_max=1_000, independence=name, country="KR",
    )  # fmt: skip
    return replace(source, **changes)  # type: ignore[arg-type]
