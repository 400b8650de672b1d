"""The checks behind `ews slack check`: what is missing until alerts and buttons work in Slack."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.channels.channel import ChannelError
from alerts.channels.slack_manifest import SCOPES
from alerts.channels.slack_replies import Replies
from alerts.channels.slack_socket import try_socket
from ews.acting import SIGNING, refusal
from ews.cli.checks import Check
from ews.config import Settings
from ews.model import Receiver
from ews.storage import Store

HOWTO = "docs/howto-slack.md"


def slack_checks(
    settings: Settings, store: Store, receivers: tuple[Receiver, ...]
) -> Iterator[Check]:
    """What Slack, the settings and the home say, each with what to do."""
    yield from _tokens(settings, [one for one in receivers if one.channel == "slack"])
    yield from _ways_in(settings)
    # Not needed: without pages that readers can open, the button 왜? names the command.
    yield Check("왜?", True, settings.public_url or "names `ews explain`; public_url is not set")
    yield from _people(store)


def _tokens(settings: Settings, receivers: list[Receiver]) -> Iterator[Check]:
    if settings.slack_bot_token is None:
        yield Check("bot token", False, "not set", f"set EWS_SLACK_BOT_TOKEN_FILE ({HOWTO})")
        return
    replies = Replies(settings.slack_bot_token.get_secret_value(), settings.slack_base_url)
    try:
        team, scopes = replies.granted()
    except ChannelError as error:
        yield Check("bot token", False, str(error), f"see {HOWTO}")
        return
    yield Check("bot token", True, f"workspace {team}")
    right = settings.slack_team in (None, team)
    yield Check("slack_team", right, settings.slack_team or f"asked of Slack: {team}",
                f"the token is of {team}: set slack_team to it, or change the token")  # fmt: skip
    # Slack names the scopes in a header; a server that stands in for it may not.
    missing = sorted(set(SCOPES) - scopes) if scopes else []
    yield Check("scopes", not missing, ", ".join(missing) + " missing" if missing else "enough",
                "compare with `ews slack manifest` and reinstall the app")  # fmt: skip
    if not receivers:
        yield Check("receivers", False, "no receiver has the channel slack",
                    "set slack_channel, or write one to routes.toml")  # fmt: skip
    for one in receivers:
        yield _reads(replies, one)


def _reads(replies: Replies, receiver: Receiver) -> Check:
    try:
        replies.reads(receiver.address)
    except ChannelError as error:
        return Check(f"receiver {receiver.name}", False, str(error), "/invite @ews in the channel")
    return Check(f"receiver {receiver.name}", True, "can be read")


def _ways_in(settings: Settings) -> Iterator[Check]:
    """How presses come in: by Socket Mode, by signed HTTP, or not at all."""
    app, signing = settings.slack_app_token, settings.slack_signing_secret
    if app is None and signing is None:
        yield Check("buttons", False, "neither slack_app_token nor slack_signing_secret is set",
                    f"without one of them no press arrives ({HOWTO})")  # fmt: skip
    if app is not None:
        try:
            try_socket(app.get_secret_value(), settings.slack_base_url)
            yield Check("app token", True, "Socket Mode works: run `ews slack listen`")
        except ChannelError as error:
            yield Check("app token", False, str(error), f"see {HOWTO}")
    if signing is not None:
        yield Check("signing secret", True, "`ews serve` takes POST /slack/actions and /commands")


def _people(store: Store) -> Iterator[Check]:
    known = [one for one in store.people() if one.slack_id and one.disabled_at is None]
    yield Check("people", bool(known), f"{len(known)} with a Slack id",
                "nobody else can press: ews people change NAME --slack U...")  # fmt: skip
    signers = [one for one in known if not any(refusal(one, kind) for kind in SIGNING)]
    yield Check("signers", bool(signers), f"{len(signers)} of them may sign",
                "경계 and 심각 wait for one: ews people change NAME --signs")  # fmt: skip
