"""What does an alert say to a person? One message, read in 20 seconds, as text and as blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from alerts import sections
from alerts.blocks import Block, to_blocks
from alerts.plain import escape_slack
from alerts.reach import path, reach
from alerts.view import AlertView, Names, Section
from ews.model import Alert, Bulletin, ChangeKind

__all__ = [
    "AlertView",
    "Message",
    "Names",
    "Picture",
    "build_message",
    "render_blocks",
    "render_text",
]

Part = Callable[[AlertView, str], Section]

FULL: tuple[Part, ...] = (
    sections.action,
    sections.happened,
    reach,
    sections.how_sure,
    sections.first_steps,
    path,
    sections.blind,
    sections.why_stage,
    sections.told,
    sections.because,
    sections.explain,
)
# A reader who knows the alert wants the difference first.
LAYOUTS: dict[ChangeKind, tuple[Part, ...]] = {
    ChangeKind.RAISED: FULL,
    ChangeKind.REOPENED: (sections.changed, *FULL),
    ChangeKind.STAGE_UP: (sections.changed, *FULL),
    ChangeKind.STAGE_DOWN: (
        sections.changed,
        sections.action,
        sections.happened,
        reach,
        sections.how_sure,
        sections.why_stage,
        sections.told,
        sections.because,
        sections.explain,
    ),
    ChangeKind.UPDATED: (
        sections.changed,
        sections.action,
        sections.happened,
        reach,
        sections.how_sure,
        sections.blind,
        sections.why_stage,
        sections.told,
        sections.because,
        sections.explain,
    ),
    ChangeKind.RESOLVED: (
        sections.changed,
        sections.action,
        sections.history,
        sections.happened,
        sections.blind,
        sections.told,
        sections.because,
        sections.explain,
    ),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG that goes with a message: `name` is its file name, `title` what stands over it."""

    name: str
    title: str
    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends: the news itself, and how the alert now stands as a whole.

    `root_*` replaces the first message of the alert's thread, so that a reader who scrolls sees
    the stage of today.
    """

    text: str
    blocks: tuple[Block, ...]
    summary: str  # one line, escaped for Slack: push notifications and fallback
    root_blocks: tuple[Block, ...]
    root_summary: str
    mentions: tuple[str, ...] = ()  # names of persons who are called; the channel finds them
    pictures: tuple[Picture, ...] = ()
    alert: Alert | None = None  # as told here, for a channel that offers acts; None: a bulletin
    kind: ChangeKind | None = None
    link: str = ""  # page of the alert, http(s)
    view: AlertView | None = None  # for channels that tell machines (CAP, webhooks)
    bulletin: Bulletin | None = None  # the same for a message that is not of one alert


def parts(view: AlertView, lang: str) -> tuple[Section, ...]:
    """The sections of the message for this change, empty ones left out."""
    built = (part(view, lang) for part in LAYOUTS.get(view.kind, LAYOUTS[ChangeKind.UPDATED]))
    return tuple(section for section in built if section.lines)


def render_text(view: AlertView, lang: str) -> str:
    """The message as plain words, ending in a newline. Nothing in it is markup."""
    lines = [sections.headline(view, lang)]
    for section in parts(view, lang):
        lines += _as_text(section)
    return "\n".join(lines) + "\n"


def _as_text(section: Section) -> Sequence[str]:
    """A short section on one line, a longer one under its label."""
    if len(section.lines) == 1 and not section.lines[0].link:
        return [f"{section.label}: {section.lines[0].text}"]
    lines = [f"{section.label}:"]
    for line in section.lines:
        lines += [f"  {line.text}"] + ([f"  {line.link}"] if line.link else [])
    return lines


def render_blocks(view: AlertView, lang: str) -> list[Block]:
    """The message as Block Kit blocks, inside all of Slack's limits (alerts/blocks.py)."""
    return to_blocks(sections.headline(view, lang), parts(view, lang), lang)


def summary(view: AlertView, lang: str) -> str:
    """One line for a phone's lock screen, escaped for Slack."""
    title = sections.happened(view, lang).lines[0].text
    return escape_slack(f"{sections.headline(view, lang)} — {title}")


def build_message(view: AlertView, lang: str) -> Message:
    """Everything a channel may need for this change, in that language."""
    standing = replace(view, change=None)
    return Message(
        text=render_text(view, lang),
        blocks=tuple(render_blocks(view, lang)),
        summary=summary(view, lang),
        root_blocks=tuple(render_blocks(standing, lang)),
        root_summary=summary(standing, lang),
        alert=view.alert,
        kind=view.kind,
        view=view,
    )
