"""The edge of the command line: who asks, and whether a command is for them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    from ews.config import Settings
    from ews.model import Person
    from ews.reports import Viewer
    from ews.storage import Store

# Commands for whoever asks with a token. All others are the operator's of the machine.
ASKING = frozenset({
    "aggregates", "alert", "alerts", "blind", "board", "case list", "case run", "case show",
    "case template", "dossier", "explain", "exposure", "feeds atom", "feeds cap", "feeds ical",
    "ledger", "ledger show",
    "networks list", "networks systemic",
    "networks what-if", "rules diff", "rules show", "rules test", "series budget", "series list", "series show",
    "sources list", "sources show", "systemic", "what-if",
    "watch blind-spots", "watch changed", "watch item", "watch list", "watch table",
})  # fmt: skip
OWN_ROWS = frozenset({"firms import", "firms list", "firms remove", "firms stress"})
TUNING = frozenset({
    "drift", "learn accept", "learn export", "learn list", "learn missed", "learn ratios",
    "learn reject", "learn show", "learn suggestions",
    "case add", "case edit", "case export", "case import", "case withdraw",
    "sources export", "sources import", "sources new", "sources raw", "sources test",
    "reproduce", "routes cases", "routes show", "routes test", "rules set", "rules undo",
    "series detect",
    "tune diff", "tune planned", "tune propose", "tune save", "tune show", "tune try", "tune undo",
    "watch add", "watch remove",
})  # fmt: skip
BROUGHT = frozenset({"networks import", "networks remove", "networks sample"})
NO_STORE = frozenset({"check", "config", "demo"})  # nobody's token can be looked up there
OWN = frozenset({"people password"})  # one's own; whose it is, the command itself looks at
FOR = {
    "official": ASKING | OWN | {"learn ratios"},
    "firm": ASKING | OWN | OWN_ROWS,
    "analyst": ASKING | OWN | TUNING | BROUGHT,
}
# What a person does, by the name of its act (ews.acting.MAY says which role may).
ACTS = {
    "ack": "acknowledge", "hand-over": "hand_over", "sign": "sign_off", "refuse": "refuse",
    "false": "false_alarm", "missed": "missed", "clear": "clear", "close": "close", "note": "note",
    "decisions": "close", "withheld": "close", "digest": "close", "silences list": "silence", "silences add": "silence",
    "silences end": "unsilence", "planned list": "silence", "planned add": "plan",
    "ledger set": "note", "ledger import": "note",
    "planned end": "plan", "outbox resend": "resend",
}  # fmt: skip


class Asked:
    """What stands on the command line: the token of --as, and the words of the command."""

    def __init__(self, token: str | None, word: str) -> None:
        self.token = token
        self.words = [word]


# Set by the callback of `ews` itself, before any command runs.
ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)


class Commands(TyperGroup):
    """A group below `ews`: notes which of its commands is run."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = super().resolve_command(ctx, args)
        asked = ASKED.get()
        if asked is not None and found[0] is not None:
            asked.words.append(found[0])
        return found


def command() -> str:
    """The command that runs, as it is typed after `ews`."""
    asked = ASKED.get()
    return " ".join(asked.words) if asked else ""


def given_token(settings: Settings) -> str | None:
    """The token of `ews --as`, else of the setting; None when the operator of the machine asks."""
    asked = ASKED.get()
    if asked is not None and asked.token is not None:
        return asked.token
    return settings.viewer_token.get_secret_value() if settings.viewer_token else None


def asker(settings: Settings, store: Store) -> Viewer:
    """Who asks. WrongToken for a token that is not known; never read as no token."""
    from ews.reports import OPERATOR, viewer_of

    token = given_token(settings)
    return OPERATOR if token is None else viewer_of(store, token)


def admit(settings: Settings, store: Store) -> None:
    """NotForViewer when the command that runs is not for who asks."""
    from ews.acting import MAY
    from ews.model import ActKind
    from ews.reports import NotForViewer

    viewer = asker(settings, store)
    if viewer.role == "operator" or command() in FOR[viewer.role]:
        return
    kind = ACTS.get(command())
    if kind is None or ActKind(kind) not in MAY[viewer.role]:
        raise NotForViewer(f"`ews {command()}` is not for a viewer of role {viewer.role}; "
                           "docs/cli.md says which commands are")  # fmt: skip


ENTERED = {"entered_by": "operator of the machine"}  # kept with an act under the name of --by


def actor(settings: Settings, store: Store, by: str) -> tuple[Person, dict[str, str]]:
    """Who acts: the person of the token, or whom the operator of the machine names; and what more
    to keep with the act. NotAllowed when neither names a person."""
    from ews.acting import NotAllowed, person_of

    if given_token(settings) is not None:
        person: Person | None = person_of(store, asker(settings, store))
        if by and person is not None and by != person.name:
            raise NotAllowed(f"this token is {person.name}'s: leave --by away")
        assert person is not None
        return person, {}
    if not by:
        raise NotAllowed("say who does this: --by NAME (ews people list), or ask with a token of "
                         "that person (ews --as)")  # fmt: skip
    person = store.person(name=by)
    if person is None:
        raise NotAllowed(f"nobody is called {by!r} here; `ews people list` lists people, "
                         "`ews people add` adds one")  # fmt: skip
    return person, dict(ENTERED)


def named_or_machine(settings: Settings, store: Store) -> None:
    """NotAllowed for a token that names nobody, or a firm's person."""
    from ews.reports.acts import check_staff

    if given_token(settings) is not None:
        check_staff(asker(settings, store))
