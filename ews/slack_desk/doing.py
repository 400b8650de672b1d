"""Who asked, may they, and then: do it in their name and say so, or say what to do instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alerts.channels.channel import ChannelError
from alerts.channels.slack_forms import FIELDS, Place, form, missing
from alerts.channels.slack_payloads import Asked, Way
from alerts.plain import escape_slack, one_line
from alerts.words import say
from ews.acting import Acted, ActRefused, Moved, NotAllowed, NotFound, act, refusal
from ews.model import ActKind, ChangeKind, Person
from ews.reports import Viewer
from ews.slack_desk.asking import exposure_answer, help_answer
from ews.slack_desk.moved import moved_answer
from ews.slack_desk.outcome import Outcome

if TYPE_CHECKING:
    from ews.slack_desk.desk import Desk

HANGUL = re.compile("[가-힣]")
MISSED = frozenset({"놓침", "놓친", "누락", "missed", "miss"})
HELP = frozenset({"", "help", "도움", "도움말", "?"})
# Which revision was seen matters where the act ends something or puts a name under it.
SEEN = frozenset({ActKind.SIGN_OFF, ActKind.REFUSE, ActKind.FALSE_ALARM, ActKind.CLEAR})
NOTES = ("note", "remark", "what")  # fields that are the note of the act
REFUSED = Outcome(refused=True)


def work(desk: Desk, asked: Asked) -> Outcome:
    """Everything that follows from one press, form or command."""
    if asked.team != desk.team():
        return REFUSED  # strangers are not even told who we are
    person = desk.store.person(slack_id=asked.user)
    if person is None:
        return _no(desk, asked, "unknown_person", user=asked.user)
    if person.disabled_at is not None:
        return _no(desk, asked, "disabled_person", name=person.name)
    if asked.way is Way.FORM:
        return _sent(desk, asked, person)
    if asked.way is Way.WHY:
        return _why(desk, asked)
    if asked.way is Way.COMMAND:
        return _command(desk, asked, person)
    kind = ActKind(asked.name)
    return _open(desk, asked, person, kind) if kind in FIELDS else _act(desk, asked, person, kind)


def opens_form(asked: Asked) -> bool:
    """Whether a form opens, which only works within three seconds of the press."""
    if asked.way is Way.COMMAND:
        return asked.text.partition(" ")[0].casefold() in MISSED
    return asked.way in (Way.BUTTON, Way.SHORTCUT) and asked.name in FIELDS


def broken(desk: Desk, asked: Asked) -> Outcome:
    """A fault of ours, told to who asked."""
    desk.tell(asked, say("slack.broken", language(desk, asked)))
    return Outcome()


def language(desk: Desk, asked: Asked) -> str:
    """Of the channel where the button stands; of what was typed; else the setting."""
    return asked.place.lang or ("ko" if HANGUL.search(asked.text) else desk.lang)


def _no(desk: Desk, asked: Asked, phrase: str, **values: str) -> Outcome:
    safe = {key: escape_slack(one_line(value)) for key, value in values.items()}
    desk.tell(asked, say(f"slack.{phrase}", language(desk, asked), **safe))
    return REFUSED


# --------------------------------------------------------------------------- acts


def _act(desk: Desk, asked: Asked, person: Person, kind: ActKind) -> Outcome:
    """A press that needs no form."""
    try:
        acted = _done(desk, asked, person, kind)
    except NotAllowed as err:
        return _not_allowed(desk, asked, person, err.text(language(desk, asked)))
    except Moved as err:
        _tell_moved(desk, asked, err)
        return Outcome()
    except (ActRefused, NotFound) as err:
        said = escape_slack(one_line(err.text(language(desk, asked))))
        desk.tell(asked, say("slack.not_done", language(desk, asked), said=said))
        return Outcome()
    _tell_done(desk, asked, acted)
    return Outcome()


def _sent(desk: Desk, asked: Asked, person: Person) -> Outcome:
    """A form: what is wrong with it is shown in it."""
    lang, first = language(desk, asked), FIELDS[asked.name][0]
    if errors := missing(asked.name, asked.values, lang):
        return Outcome(errors=errors)
    try:
        acted = _done(desk, asked, person, ActKind(asked.name))
    except NotAllowed as err:
        return _not_allowed(desk, asked, person, err.text(lang))
    except (ActRefused, NotFound) as err:
        if isinstance(err, Moved):
            _tell_moved(desk, asked, err)
        return Outcome(errors={first: say("slack.not_done", lang, said=one_line(err.text(lang)))})
    _tell_done(desk, asked, acted)
    return Outcome()


def _done(desk: Desk, asked: Asked, person: Person, kind: ActKind) -> Acted:
    place = asked.place
    given = {k: v.strip() for k, v in asked.values.items() if v.strip()}
    note = next((given.pop(name) for name in NOTES if name in given), "")
    if kind is ActKind.HAND_OVER:
        given["to"] = _name_of(desk, given.get("to", ""))
    if kind in SEEN and place.revision is not None:
        given["revision"] = str(place.revision)
    return act(
        desk.store, person, kind, alert_id=place.alert_id, note=note, detail=given,
        via="slack", key=asked.key, now=desk.clock(),
    )  # fmt: skip


def _name_of(desk: Desk, chosen: str) -> str:
    """The name of the person with that id of ours or of Slack; "" when there is none."""
    found = (one.name for one in desk.store.people() if chosen in (one.id, one.slack_id))
    return next(found, "")


def _tell_done(desk: Desk, asked: Asked, acted: Acted) -> None:
    if acted.repeated:
        return  # it was told when it was done
    retracted = acted.change is not None and acted.change.kind is ChangeKind.RETRACTED
    phrase = "retracted" if retracted else acted.act.kind.value
    name = acted.change.alert.signed_off_by or acted.act.by if acted.change else acted.act.by
    to = acted.act.detail.get("to", "")
    safe = {"name": escape_slack(one_line(name)), "to": escape_slack(one_line(to))}
    desk.tell(asked, say(f"slack.done_{phrase}", language(desk, asked), **safe))


def _tell_moved(desk: Desk, asked: Asked, err: Moved) -> None:
    """What has changed, with buttons for the alert as it is now: the channel need not have been
    told of each change, and the old buttons would lead nowhere."""
    lang = language(desk, asked)
    said = say("slack.not_done", lang, said=err.text(lang))
    blocks = moved_answer(desk.store, asked.place, said, lang, desk.clock(), desk.public_url)
    desk.tell(asked, escape_slack(said), blocks)


def _not_allowed(desk: Desk, asked: Asked, person: Person, said: str) -> Outcome:
    return _no(desk, asked, "not_allowed", name=person.name, role=person.role, said=said)


# --------------------------------------------------------------------------- forms and questions


def _open(desk: Desk, asked: Asked, person: Person, kind: ActKind, given: str = "") -> Outcome:
    """The form of an act, for who may do it."""
    lang, place = language(desk, asked), asked.place
    if why := refusal(person, kind, lang):
        return _not_allowed(desk, asked, person, why)
    there = Place(lang, place.alert_id, place.revision, place.channel, place.thread)
    people = []
    if kind is ActKind.HAND_OVER:
        able = [one for one in desk.store.people() if not refusal(one, ActKind.ACKNOWLEDGE)]
        people = [(one.id, one.name) for one in able]
    try:
        desk.replies.open_form(asked.trigger, form(kind, there, people, {"what": given}))
    except ChannelError:
        desk.tell(asked, say("slack.late", lang))
    return Outcome()


def _why(desk: Desk, asked: Asked) -> Outcome:
    if not desk.public_url:  # else the button itself leads to the page
        lang = language(desk, asked)
        desk.tell(asked, say("slack.why_command", lang, id=asked.place.alert_id))
    return Outcome()


def _command(desk: Desk, asked: Asked, person: Person) -> Outcome:
    word, _, rest = asked.text.partition(" ")
    lang = language(desk, asked)
    if word.casefold() in MISSED:
        return _open(desk, asked, person, ActKind.MISSED, rest.strip())
    if asked.text.casefold() in HELP:
        text, blocks = help_answer(lang)
    else:
        # All firms' rows are for the machine of the operator; they do not go out to Slack.
        role = "official" if person.role == "operator" else person.role
        viewer = Viewer(role, person.owner, person.name)
        text, blocks = exposure_answer(
            desk.store, asked.text, viewer, lang, desk.clock(), desk.public_url
        )
    desk.tell(asked, text, blocks)
    return Outcome()
