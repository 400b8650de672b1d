"""Liveness: is a source dead, and would anybody notice if ews itself were?

`usual`: what each source brings against what it used to. `pulse`: does the scheduler work, seen
from any process. `beats`: the daily word to every receiver, and which of them did not come.
"""

from ews.liveness.usual import PAST, Usual, Window, usual

__all__ = ["PAST", "Usual", "Window", "usual"]
