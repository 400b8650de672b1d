"""The questions a person asks, each answered by one function with three faces: CLI, API, page.

A name is looked up when it is first used, so that a command waits for its own question only: the
outlook's libraries alone take a second. `explain` and `aggregates` are modules of this package; take
their functions from there.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ews.reports.aggregates import TABLES, Aggregates
    from ews.reports.collection import source_lines
    from ews.reports.explain import (
        Explanation,
        alert_list,
        described_event,
        find_alert,
        ruleset_lines,
    )
    from ews.reports.exposure import KINDS, ExposureReport, exposure_report
    from ews.reports.names import Names, UnknownName, find, label, labels, node_label
    from ews.reports.rows import alert_line, event_line, exposure_line, hops_of, rule_changes
    from ews.reports.source_views import SourceLine
    from ews.reports.standing import link_lines
    from ews.reports.viewer import (
        OPEN,
        OPERATOR,
        ROLES,
        NotForViewer,
        NotFound,
        Viewer,
        WrongToken,
        add_viewer,
        check_owner,
        viewer_of,
    )
    from ews.reports.views import (
        AlertLine,
        EventLine,
        ExposureLine,
        HopLine,
        Label,
        LinkLine,
        RuleSetLine,
        days,
        percent,
        plain,
        safe_url,
    )

_NAMES = {  # module -> what of it is offered here
    "aggregates": "TABLES Aggregates",
    "collection": "source_lines",
    "explain": "Explanation alert_list described_event find_alert ruleset_lines",
    "exposure": "KINDS ExposureReport exposure_report",
    "names": "Names UnknownName find label labels node_label",
    "rows": "alert_line event_line exposure_line hops_of rule_changes",
    "standing": "link_lines",
    "viewer": "OPEN OPERATOR ROLES NotForViewer NotFound Viewer WrongToken add_viewer check_owner "
    "viewer_of",
    "source_views": "SourceLine",
    "views": "AlertLine EventLine ExposureLine HopLine Label LinkLine RuleSetLine days "
    "percent plain safe_url",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """The object of that name, from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


__all__ = [
    "KINDS",
    "OPEN",
    "OPERATOR",
    "ROLES",
    "TABLES",
    "Aggregates",
    "AlertLine",
    "EventLine",
    "Explanation",
    "ExposureLine",
    "ExposureReport",
    "HopLine",
    "Label",
    "LinkLine",
    "Names",
    "NotForViewer",
    "NotFound",
    "RuleSetLine",
    "SourceLine",
    "UnknownName",
    "Viewer",
    "WrongToken",
    "add_viewer",
    "alert_line",
    "alert_list",
    "check_owner",
    "days",
    "described_event",
    "event_line",
    "exposure_line",
    "exposure_report",
    "find",
    "find_alert",
    "hops_of",
    "label",
    "labels",
    "link_lines",
    "node_label",
    "percent",
    "plain",
    "rule_changes",
    "ruleset_lines",
    "safe_url",
    "source_lines",
    "viewer_of",
]
