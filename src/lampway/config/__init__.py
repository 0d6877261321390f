"""Governance files on disk to domain objects, with line and column in every error.

Importing this package is cheap: pydantic and the YAML reader are loaded by the first call that needs them.
"""

from lampway.config.editing import new_solution, with_environment, with_values
from lampway.config.files import GovernanceFiles
from lampway.config.loading import load_strategy, read_folder
from lampway.config.schemas import schemas
from lampway.config.templates import initial_files

__all__ = [
    "GovernanceFiles",
    "initial_files",
    "load_strategy",
    "new_solution",
    "read_folder",
    "schemas",
    "with_environment",
    "with_values",
]
