"""By which way does a message leave? CHANNELS names every way; one file each."""

from __future__ import annotations

from collections.abc import Callable

from alerts.channels.channel import Channel, ChannelError, ChannelSettings, Sent
from alerts.channels.console import open_console
from alerts.channels.slack import open_slack

__all__ = ["CHANNELS", "Channel", "ChannelError", "ChannelSettings", "Sent", "open_channel"]

CHANNELS: dict[str, Callable[[ChannelSettings], Channel]] = {
    "console": open_console,
    "slack": open_slack,
}


def open_channel(name: str, settings: ChannelSettings) -> Channel:
    """The channel of that name, ready to send. ChannelError (permanent) when it cannot be."""
    if name not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise ChannelError(f"unknown channel {name!r}; use one of {known}", permanent=True)
    return CHANNELS[name](settings)
