"""What does an alert say to a person? One message, read in 20 seconds, as text and as blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from alerts import sections, standing
from alerts.blocks import Block, to_blocks
from alerts.headlines import ending, headline, summary_line
from alerts.plain import escape_slack, safe_link
from alerts.reach import path, reach
from alerts.uses import unlisted
from alerts.view import AlertView, Names, Section
from alerts.words import say
from ews.model import Alert, Bulletin, ChangeKind, Ending

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

# What a reader needs whatever happened; what happened comes before, the proof after.
STANDING: tuple[Part, ...] = (
    standing.called,
    standing.signature,
    standing.action,
    unlisted,
    standing.holder,
)
PROOF: tuple[Part, ...] = (
    sections.why_stage,
    sections.told,
    sections.because,
    standing.explain,
)
WORLD: tuple[Part, ...] = (
    sections.happened,
    sections.joined,
    standing.planned,
    reach,
    sections.how_sure,
)
FULL: tuple[Part, ...] = (
    *STANDING,
    *WORLD,
    sections.first_steps,
    path,
    standing.blind,
    standing.closing,
    *PROOF,
)
SHORT: tuple[Part, ...] = (
    standing.changed,
    *STANDING,
    sections.happened,
    standing.blind,
    *PROOF,
)
END: tuple[Part, ...] = (
    standing.changed,
    standing.correction,
    standing.action,
    standing.history,
    sections.happened,
    standing.blind,
    standing.closing,
    sections.told,
    sections.because,
    standing.explain,
)
# What was told before, and to whom, is said in the correction.
UNTRUE: tuple[Part, ...] = tuple(
    part for part in END if part not in (standing.history, sections.told)
)
BRIEF: tuple[Part, ...] = (standing.changed, *STANDING, *WORLD, standing.blind, *PROOF)
# A reader who knows the alert wants the difference first.
LAYOUTS: dict[ChangeKind, tuple[Part, ...]] = {
    ChangeKind.RAISED: FULL,
    ChangeKind.REOPENED: (standing.changed, *FULL),
    ChangeKind.STAGE_UP: (standing.changed, *FULL),
    ChangeKind.PROPOSED: (standing.changed, *FULL),
    ChangeKind.ESCALATED: (standing.changed, *FULL),
    ChangeKind.RELEASED: (standing.changed, *FULL),
    ChangeKind.STAGE_DOWN: BRIEF,
    ChangeKind.UPDATED: BRIEF,
    ChangeKind.REFUSED: BRIEF,
    ChangeKind.BLIND: (standing.changed, standing.blind, *STANDING, *WORLD, *PROOF),
    ChangeKind.SEEING: BRIEF,
    ChangeKind.ACKNOWLEDGED: SHORT,
    # Told to its new holder, who may know nothing of it.
    ChangeKind.HANDED_OVER: (standing.changed, *FULL),
    ChangeKind.NOTED: SHORT,
    ChangeKind.CLOSED: END,
    ChangeKind.RESOLVED: END,
    ChangeKind.RETRACTED: UNTRUE,
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
    the stage of today. `mentions` are names of our own people: a channel that can call a person
    looks their handle up by name, and never takes one from text.
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
    """The sections of the message for this change, empty ones left out.

    An alert that is over keeps the layout of its end, whatever is done to it afterwards.
    """
    layout = LAYOUTS[view.kind]
    if end := ending(view):
        layout = UNTRUE if end is Ending.RETRACTED else END
    built = (part(view, lang) for part in layout)
    return tuple(section for section in built if section.lines)


def render_text(view: AlertView, lang: str) -> str:
    """The message as plain words, ending in a newline. Nothing in it is markup."""
    return as_text(headline(view, lang), parts(view, lang))


def as_text(title: str, built: Sequence[Section]) -> str:
    """A title and sections as plain words: a short section on one line, a longer one below."""
    lines = [title]
    for section in built:
        if len(section.lines) == 1 and not section.lines[0].link and not section.roomy:
            lines.append(f"{section.label}: {section.lines[0].text}")
            continue
        lines.append(f"{section.label}:")
        for line in section.lines:
            lines += [f"  {line.text}"] + ([f"  {line.link}"] if line.link else [])
    return "\n".join(lines) + "\n"


def render_blocks(view: AlertView, lang: str) -> list[Block]:
    """The message as Block Kit blocks, inside all of Slack's limits (alerts/blocks.py)."""
    rest = say("text.rest_page", lang) if safe_link(view.link) else f"ews explain {view.alert.id}"
    return to_blocks(headline(view, lang), parts(view, lang), lang, rest)


def summary(view: AlertView, lang: str) -> str:
    """One line for a phone's lock screen, escaped for Slack."""
    return escape_slack(summary_line(view, sections.title_of(view, lang), lang))


def build_message(view: AlertView, lang: str, pictures: Sequence[Picture] = ()) -> Message:
    """Everything a channel may need for this change, in that language."""
    closed = view.closed
    if view.change is not None and view.kind is ChangeKind.CLOSED:
        closed = closed or view.change.reason
    root = replace(view, change=None, closed=closed)
    return Message(
        text=render_text(view, lang),
        blocks=tuple(render_blocks(view, lang)),
        summary=summary(view, lang),
        root_blocks=tuple(render_blocks(root, lang)),
        root_summary=summary(root, lang),
        mentions=view.mentions,
        pictures=tuple(pictures),
        alert=view.alert,
        kind=view.kind,
        link=safe_link(view.link),
        view=view,
    )
