"""The tuning desk of one server: made when first asked, kept, and asked by one reader at a time."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import TypeVar

from alerts.routing import Routes
from ews.reports import Names, NotForViewer, Viewer
from ews.reports.receivers import routes_of
from ews.reports.standing import network
from ews.tuning.desk import Desk
from ews.web.rendering import TUNERS
from ews.web.site import Site

Found = TypeVar("Found")


class Desks:
    """Holds the desk, with the tapes and memories it keeps between questions.

    One question at a time: a desk shares what it remembers between questions, and two at once on
    one store would only make each other slow. A change of the routes begins a new one.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = RLock()
        self._desk: Desk | None = None
        self._routes: Routes | None = None

    def ask(self, question: Callable[[Desk], Found]) -> Found:
        """What the question returns or raises."""
        with self._lock:
            return question(self._now())

    def _now(self) -> Desk:
        routes = routes_of(self._site.settings)
        if self._desk is None or routes != self._routes:
            site = self._site
            self._desk = Desk(site.store, site.settings, network(), routes, Names())
            self._routes = routes
        return self._desk


def check_tuner(viewer: Viewer) -> None:
    """NotForViewer unless an analyst or an operator looks."""
    if viewer.role not in TUNERS:
        raise NotForViewer(
            "tuning is for analysts and operators; sign in as one",
            "문턱값 조정은 분석가와 운영자만 합니다. 분석가로 로그인하십시오.",
        )
