"""By which way does a message leave? CHANNELS names every way; one file each."""

from __future__ import annotations

from collections.abc import Callable

from alerts.channels.cap import open_cap
from alerts.channels.channel import Channel, ChannelError, ChannelSettings, Sent, Smtp
from alerts.channels.console import open_console
from alerts.channels.email import open_email
from alerts.channels.slack import open_slack
from alerts.channels.webhook import open_webhook

__all__ = [
    "CHANNELS",
    "Channel",
    "ChannelError",
    "ChannelSettings",
    "Sent",
    "Smtp",
    "open_channel",
]

CHANNELS: dict[str, Callable[[ChannelSettings], Channel]] = {
    "console": open_console,
    "slack": open_slack,
    "email": open_email,
    "webhook": open_webhook,
    "cap": open_cap,
}


def open_channel(name: str, settings: ChannelSettings) -> Channel:
    """The channel of that name, ready to send. ChannelError (permanent) when it cannot be."""
    if name not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise ChannelError(f"unknown channel {name!r}; use one of {known}", permanent=True)
    return CHANNELS[name](settings)
