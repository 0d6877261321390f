"""Governance files on disk to domain objects, with line and column in every error.

Importing this package is cheap: pydantic and the YAML reader are loaded by the first call that needs them.
"""

from lampway.config.loading import load_strategy, read_folder

__all__ = ["load_strategy", "read_folder"]
