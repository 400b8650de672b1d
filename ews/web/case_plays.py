"""Cases played for the pages and the API: once for the same rules and routes, then remembered."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from ews.acting import ActRefused
from ews.pipeline import Rooms
from ews.reports import Names, Viewer
from ews.reports.receivers import check_work, routes_of, sees_work
from ews.tuning import cases
from ews.tuning.case_lines import case_row
from ews.tuning.casework import find_kept
from ews.tuning.rules import in_force
from ews.tuning.timeline import case_script, play, script
from ews.tuning.timeline_reading import public
from ews.tuning.timeline_rows import Script, Setting, Timeline
from ews.web.site import Site
from graph import build_network
from nlp.classifier import load_classifier

KEPT = 32  # time lines remembered
MOST = 4_000  # signals of an analyst's case that are played while a reader waits: 20 s
DAYS = 14  # of an analyst's case, after its reference time


class Plays:
    """Time lines by what they depend on."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._kept: OrderedDict[tuple[str, ...], Timeline] = OrderedDict()
        self._lock = Lock()

    def known(self, name: str, viewer: Viewer) -> Timeline | None:
        """The time line where it was played before. NotFound, NotAllowed as `played`."""
        key = self._key(name, viewer)
        with self._lock:
            found = self._kept.get(key)
        return None if found is None else _seen(found, viewer)

    def played(self, name: str, viewer: Viewer) -> Timeline:
        """The case, played by the rules and routes in force; some seconds when it was not before.
        NotFound for an unknown case, NotAllowed for an analyst's that is not for the viewer."""
        key = self._key(name, viewer)
        with self._lock:
            if key in self._kept:
                return _seen(self._kept[key], viewer)
        found: Timeline = self._site.models.run(("case", key), lambda: self._play(name))
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return _seen(found, viewer)

    def _key(self, name: str, viewer: Viewer) -> tuple[str, ...]:
        store = self._site.store
        body = ""
        if name not in (*cases.names(), *cases.quiet()):
            row = case_row(store, name, sees_work(viewer))  # NotFound
            check_work(viewer)
            body = json.dumps(find_kept(store, name).body, sort_keys=True) + str(len(row))
        return name, body, in_force(store).digest, repr(routes_of(self._site.settings))

    def _play(self, name: str) -> Timeline:
        site = self._site
        rules, routes, network = in_force(site.store), routes_of(site.settings), build_network()
        told = "shipped" if site.store.ruleset() is None else f"version {rules.version}"
        by = Setting(rules, told, routes, "in force", str(network.graph["version"]))
        folder = site.settings.model_folder
        threads = site.settings.threads
        classifier = (
            load_classifier(threads) if folder is None else load_classifier(threads, folder)
        )
        rooms = Rooms(classifier, network, routes, {}, Names())
        with TemporaryDirectory() as home:
            return play(self._script(name), rooms, by, Path(home))

    def _script(self, name: str) -> Script:
        if name in (*cases.names(), *cases.quiet()):
            return script(name)
        found = case_script(self._site.store, find_kept(self._site.store, name), DAYS)
        if len(found.signals) > MOST:
            raise ActRefused(
                f"the window of {name} holds {len(found.signals):,} signals, too many to play for a "
                f"page; `ews case run {name}` plays them",
                f"{name}: 기간에 든 기사와 값이 {len(found.signals):,}개라 화면에서 재생하기에 많습니다. "
                f"명령줄에서 ews case run {name} 로 재생하십시오.",
            )
        return found


def _seen(found: Timeline, viewer: Viewer) -> Timeline:
    """Who is told what is for people of the state under a name, and the operator."""
    return found if sees_work(viewer) else public(found)
