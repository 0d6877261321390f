"""Lampway: the well-lit path to production for low-code."""

__version__ = "0.1.0"
