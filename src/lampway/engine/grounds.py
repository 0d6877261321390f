"""Grounds: where on this machine sandboxes are started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Grounds:
    """A place for sandboxes."""

    folder: Path
    """Each sandbox has a folder of its own below."""
    cache: Path
    """Where products are installed, once for all."""
    host: str
    """The name of this machine."""
