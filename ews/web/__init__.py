"""The pages and the read-only API over one Store. No globals: create_app() wires all."""

from ews.web.app import create_app

__all__ = ["create_app"]
