"""Runs `python -m lampway`."""

from lampway.cli.main import entry

entry()
