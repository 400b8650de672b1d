"""Reparsing: what would today's parser make of the bodies that are kept?

Turns of a source are read in their order, as they were read when they came, and compared with the
store. What is new takes the time of its fetch: we could have known it then. Each turn is one
transaction with its row of the audit, so a run that was killed goes on where it stopped.
"""

from ews.reparsing.told import Difference, Reparsed
from ews.reparsing.turns import reparse

__all__ = ["Difference", "Reparsed", "reparse"]
