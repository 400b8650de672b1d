"""What was each receiver told in a period, as the notifications of a store say?"""

from __future__ import annotations

from dataclasses import replace

from alerts.routing import Routes
from ews.model import Receiver
from ews.storage import Store
from ews.tuning.loads import ReceiverLoad, Telling, loads_of
from ews.tuning.scored import Window


def stored_loads(store: Store, window: Window, routes: Routes) -> dict[str, ReceiverLoad]:
    """The load of each receiver of the routes, and of each that earlier routes told."""
    told = [one for one in store.notifications(since=window.since) if one.bulletin is None]
    known = {one.name for one in routes.receivers}
    gone = dict.fromkeys(one.receiver for one in told if one.receiver not in known)
    everybody = (*routes.receivers, *(Receiver(name, "", "") for name in gone))
    telling = Telling(tuple(told), (), ())
    return loads_of(telling, replace(routes, receivers=everybody), window.since, window.until)
