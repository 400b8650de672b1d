"""The questions a person asks, each answered by one function with three faces: CLI, API, page."""

from ews.reports.collection import source_lines
from ews.reports.explain import (
    Explanation,
    alert_list,
    described_event,
    explain,
    find_alert,
    ruleset_lines,
)
from ews.reports.exposure import KINDS, ExposureReport, exposure_report
from ews.reports.names import Names, UnknownName, find, label, labels, node_label
from ews.reports.rows import alert_line, event_line, exposure_line, hops_of, rule_changes
from ews.reports.standing import link_line
from ews.reports.viewer import OPEN, OPERATOR, NotForViewer, NotFound, Viewer
from ews.reports.views import (
    AlertLine,
    EventLine,
    ExposureLine,
    HopLine,
    Label,
    LinkLine,
    RuleSetLine,
    SourceLine,
    days,
    percent,
    plain,
    safe_url,
)

__all__ = [
    "KINDS",
    "OPEN",
    "OPERATOR",
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
    "alert_line",
    "alert_list",
    "days",
    "described_event",
    "event_line",
    "explain",
    "exposure_line",
    "exposure_report",
    "find",
    "find_alert",
    "hops_of",
    "label",
    "labels",
    "link_line",
    "node_label",
    "percent",
    "plain",
    "rule_changes",
    "ruleset_lines",
    "safe_url",
    "source_lines",
]
