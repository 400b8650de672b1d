"""Who are the receivers of this installation, and who may see what they were told or not told?"""

from __future__ import annotations

from alerts.routing import Routes, RoutesError, add_receiver, load_routes
from ews.acting import NotAllowed
from ews.config import Settings
from ews.model import Receiver
from ews.reports.names import UnknownName
from ews.reports.viewer import NotForViewer, Viewer


def routes_of(settings: Settings) -> Routes:
    """The routes in force: the file of the setting, or $EWS_HOME/routes.toml, or the shipped ones;
    with the Slack channel of the settings as one more receiver. RoutesError when unreadable."""
    own = settings.routes_file or settings.home / "routes.toml"
    routes = load_routes(own if settings.routes_file or own.exists() else None)
    if settings.slack_channel is None:
        return routes
    slack = Receiver("slack", "slack", settings.slack_channel, settings.lang, heartbeat=True)
    return add_receiver(routes, slack)


def routes_seen(settings: Settings) -> tuple[Routes, str]:
    """The routes, or none and what is wrong with them: a mistake there must not close the board."""
    try:
        return routes_of(settings), ""
    except RoutesError as error:
        return Routes(()), str(error)


def find_receiver(routes: Routes, name: str) -> Receiver:
    """The receiver of that name. UnknownName, with the names there are, otherwise."""
    try:
        return routes.receiver(name)
    except KeyError:
        known = ", ".join(one.name for one in routes.receivers) or "-"
        raise UnknownName(
            f"no receiver {name[:80]!r}; there are {known}",
            f"‘{name[:80]}’이라는 수신처가 없습니다. 있는 것: {known}",
        ) from None


def sees_work(viewer: Viewer) -> bool:
    """Whether it is somebody of the state under a name, or the operator: who is told what, who has
    taken it, and what is held back, is for them.

    >>> sees_work(Viewer()), sees_work(Viewer("official", None, "kim")), sees_work(Viewer("operator"))
    (False, True, True)
    """
    return viewer.role == "operator" or (viewer.person is not None and viewer.role != "firm")


def check_work(viewer: Viewer) -> None:
    """NotAllowed for whom `sees_work` leaves out."""
    if not sees_work(viewer):
        raise NotAllowed("this is for persons of role official, analyst or operator, who ask with "
                         "a token or session of their own")  # fmt: skip


def check_operator(viewer: Viewer) -> None:
    if viewer.role != "operator":
        raise NotForViewer("addresses, dead letters and the audit are for operators")
