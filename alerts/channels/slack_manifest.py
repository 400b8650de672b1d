"""What must the Slack app be allowed to do? The manifest, as Slack takes it."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.channels.slack_buttons import ACTION
from alerts.words import say

SCOPES: Mapping[str, str] = {
    "chat:write": "post an alert, reply in its thread, bring its first message up to date",
    "commands": "/ews, and the shortcut that reports a missed alert",
    "channels:history": "look whether a message arrived, in public channels",
    "groups:history": "the same in private channels",
    "metadata.message:read": "read back the notification's ID that each message carries",
    "files:write": "put the picture of the path and of the series into the thread",
}

HEAD = """\
# The Slack app of ews. Slack: "Create New App" > "From a manifest" > paste this (docs/howto-slack.md).
# An internal app of your own workspace: apps distributed outside the Marketplace get a far lower
# limit on reading history, and ews reads history to know whether a message arrived.
# `ews slack manifest` prints it; with --url, for presses over signed HTTP.
_metadata:
  major_version: 1
display_information:
  name: ews
  description: Supply-chain early warning (공급망 조기경보)
features:
  app_home:
    messages_tab_enabled: true             # where ews answers who cannot be answered in the channel
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: ews
    always_online: false
"""
SHORTCUT = """\
  shortcuts:
    - name: {name}
      type: global
      callback_id: {action}missed
      description: Report a missed alert
"""
COMMAND = """\
  slash_commands:
    - command: /ews
      description: 무엇이 달려 있고 무엇이 위협하는가 · what depends on it, what threatens it
      usage_hint: "[요소 | 310210 | help]"
      should_escape: false
"""


def manifest(url: str = "") -> str:
    """The manifest as YAML: Socket Mode, or with `url` (https://...) requests to that address.

    ValueError for an address that Slack would not call.
    """
    if url and not (url.startswith("https://") and url.isprintable() and " " not in url):
        raise ValueError("Slack calls https addresses only; give --url https://...")
    base = url.rstrip("/")
    command, interactivity = COMMAND, "  interactivity:\n    is_enabled: true\n"
    if base:
        command += f"      url: {base}/slack/commands\n"
        interactivity += f"    request_url: {base}/slack/actions\n"
    scopes = "".join(f"      - {scope:<23}# {why}\n" for scope, why in SCOPES.items())
    return (
        HEAD
        + SHORTCUT.format(name=say("slack.missed", "ko"), action=ACTION)
        + command
        + "oauth_config:\n  scopes:\n    bot:\n"
        + scopes
        + "settings:\n"
        + interactivity
        + "  org_deploy_enabled: false\n"
        + f"  socket_mode_enabled: {'false' if base else 'true'}\n"
        + "  token_rotation_enabled: false\n"
    )
