"""The edge of the command line: who asks, and whether a command is for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.reports import Viewer
    from ews.storage import Store

# Commands for whoever asks with a token. All others are the operator's of the machine.
ASKING = frozenset({
    "aggregates", "alert", "alerts", "explain", "exposure", "rules diff", "rules show", "rules test",
    "sources",
})  # fmt: skip
OWN_ROWS = frozenset({"firms import", "firms list", "firms remove"})
TUNING = frozenset({"rules set", "rules undo", "routes test"})
NO_STORE = frozenset({"check", "config", "demo", "series"})  # nobody's token can be looked up there
FOR = {
    "official": ASKING,
    "firm": ASKING | OWN_ROWS,
    "analyst": ASKING | TUNING,
}


def command() -> str:
    """The command that runs, as it is typed after `ews`."""
    context, words = click.get_current_context(silent=True), list[str]()
    while context is not None and context.parent is not None:
        words.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(words)


def given_token(settings: Settings) -> str | None:
    """The token of `ews --as`, else of the setting; None when the operator of the machine asks."""
    context = click.get_current_context(silent=True)
    named = None if context is None else context.find_root().params.get("as_viewer")
    if named:
        return str(named)
    return settings.viewer_token.get_secret_value() if settings.viewer_token else None


def asker(settings: Settings, store: Store) -> Viewer:
    """Who asks. WrongToken for a token that is not known; never read as no token."""
    from ews.reports import OPERATOR, viewer_of

    token = given_token(settings)
    return OPERATOR if token is None else viewer_of(store, token)


def admit(settings: Settings, store: Store) -> None:
    """NotForViewer when the command that runs is not for who asks."""
    from ews.reports import NotForViewer

    viewer = asker(settings, store)
    if viewer.role != "operator" and command() not in FOR[viewer.role]:
        raise NotForViewer(f"`ews {command()}` is not for a viewer of role {viewer.role}; "
                           "docs/cli.md says which commands are")  # fmt: skip
