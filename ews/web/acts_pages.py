"""Forms on the alert page and /people: what a person does by a browser, without JavaScript.

A form is ours when it carries a code made of the reader's own session, which no other site knows,
and the browser does not say that it comes from elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.life import may_acknowledge
from alerts.words import Bilingual
from ews.acting import ActRefused, act, person_of, refusal
from ews.model import FALSE_ALARMS, ActKind, Alert, AlertState, Person, Stage
from ews.reports import Viewer, find_alert
from ews.reports.acts import KINDS_OF_ALERT, acts_seen
from ews.web.asking import COOKIE, bearer
from ews.web.problems import FormRefused, not_ours
from ews.web.rendering import language, linker, page
from ews.web.signing import form_fields
from ews.web.site import Site

LONGEST = 60_000  # bytes of a form: 2,000 letters of Hangul take nine bytes each
# Fields of the form that are kept with the act, by its kind.
DETAILS: Mapping[ActKind, tuple[str, ...]] = {
    ActKind.HAND_OVER: ("to",),
    ActKind.SIGN_OFF: ("revision",),
    ActKind.REFUSE: ("revision",),
    ActKind.FALSE_ALARM: ("reason", "revision"),
    ActKind.CLEAR: ("revision",),
    ActKind.CLOSE: ("decision", "outcome", "turned_out"),
    ActKind.SILENCE: ("hours", "stage"),
}


def acts_pages_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.post("/alerts/{alert_id}/act")
    def do(
        request: Request, alert_id: str, sent: Annotated[dict[str, str], Depends(own_form)]
    ) -> Response:
        person = person_of(site.store, request.state.viewer)
        kind = _kind(sent)
        try:
            done = act(
                site.store, person, kind, alert_id=alert_id, note=sent.get("note", ""),
                detail={name: sent.get(name, "") for name in DETAILS.get(kind, ())},
                via="page", key=f"{key_of(person, sent)}:{kind.value}", now=site.clock(),
            )  # fmt: skip
        except ActRefused as err:
            return refused(request, err, f"/alerts/{alert_id}", sent)
        at = linker(language(request))(f"/alerts/{done.act.alert_id}", did=kind.value)
        return RedirectResponse(f"{at}#acts", 303)

    return router


def acting_values(request: Request, site: Site, alert_id: str) -> dict[str, object]:
    """What the forms on the alert page need; no forms for who may not act."""
    viewer = request.state.viewer
    alert = find_alert(site.store, alert_id)
    did = request.query_params.get("did", "")
    values: dict[str, object] = {
        "may": (), "acted": acts_seen(site.store, alert.id, viewer), "person": viewer,
        "did": did if did in {kind.value for kind in KINDS_OF_ALERT} else "", "alert": alert,
    }  # fmt: skip
    person = site.store.person(name=viewer.person) if viewer.person else None
    if person is None or bearer(request) is not None:
        return values
    takers = [p.name for p in site.store.people() if not refusal(p, ActKind.ACKNOWLEDGE)]
    return values | {
        "may": offered(person, alert),
        "takers": [name for name in takers if name != alert.holder],
        "false_alarms": FALSE_ALARMS,
        **form_values(request),
    }


def offered(person: Person, alert: Alert) -> tuple[str, ...]:
    """Acts that the person may do and that make sense now."""
    ended = alert.state is AlertState.RESOLVED
    waits = alert.proposed is not None or alert.timed_out
    sense = {
        ActKind.ACKNOWLEDGE: not ended and may_acknowledge(alert, person.name),
        ActKind.HAND_OVER: not ended,
        ActKind.SIGN_OFF: not ended and waits,
        ActKind.REFUSE: not ended and waits,
        ActKind.SILENCE: not ended,
        ActKind.CLEAR: not ended,
        ActKind.CLOSE: alert.max_stage >= Stage.CAUTION,
    }
    return tuple(
        kind.value for kind in KINDS_OF_ALERT if sense.get(kind, True) and not refusal(person, kind)
    )


def _kind(sent: Mapping[str, str]) -> ActKind:
    try:
        kind = ActKind(sent.get("kind", ""))
    except ValueError:
        kind = ActKind.PEOPLE
    if kind not in KINDS_OF_ALERT:
        raise not_ours()
    return kind


# --------------------------------------------------------------------------- forms of ours


def form_code(request: Request) -> str:
    """The code of this reader's forms; "" for who has no session or token in a cookie."""
    cookie = request.cookies.get(COOKIE, "")
    return hmac.new(cookie.encode(), b"ews form", hashlib.sha256).hexdigest() if cookie else ""


def form_values(request: Request) -> dict[str, str]:
    """The code, and a key that makes what the form does happen once."""
    return {"form": form_code(request), "key": secrets.token_urlsafe(12)}


async def own_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page of ours made for this reader; 403 otherwise."""
    if not form_code(request):
        raise FormRefused(403, "sign in before you act", "먼저 로그인하십시오.")
    sent = await form_fields(request, LONGEST)
    if not secrets.compare_digest(form_code(request).encode(), sent.get("form", "").encode()):
        raise not_ours(403)
    return sent


def key_of(person: Person, sent: Mapping[str, str]) -> str:
    """The key of a form: that of the page it stood on, so that a second click does nothing."""
    key = sent.get("key", "")
    if not 8 <= len(key) <= 100:
        raise not_ours()
    return f"page:{person.id}:{key}"


def refused(
    request: Request, err: ValueError, back: str, sent: Mapping[str, str], status: int = 409
) -> HTMLResponse:
    """Why it was not done, with what was typed, so that nothing is lost."""
    typed = {name: sent[name] for name in ("note", "decision", "outcome") if sent.get(name)}
    why = err.text(language(request)) if isinstance(err, Bilingual) else str(err)
    return page(request, "act-refused.html", status=status, why=why, back=back, typed=typed)
