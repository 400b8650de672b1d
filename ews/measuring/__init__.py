"""Measuring: what do new numbers say? Stored series as known now -> detections, within a budget."""

from ews.measuring.codes import chosen, codes_under, items_by_code, watched_codes
from ews.measuring.turns import Measured, Measurer

__all__ = [
    "Measured", "Measurer", "chosen", "codes_under", "items_by_code", "watched_codes",
]  # fmt: skip
