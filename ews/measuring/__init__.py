"""Measuring: what do new numbers say? Stored series as known now -> detections, within a budget."""

from ews.measuring.codes import items_by_code
from ews.measuring.turns import Measured, Measurer

__all__ = ["Measured", "Measurer", "items_by_code"]
