"""Edits of a package between its export and its sealing: what was done, to which bytes, and never which values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TransformationKind(StrEnum):
    """What may be done to a package before it is sealed."""

    BLANK_DEFAULTS = "blank-defaults"
    """Values of the environment where it was built were taken out of it."""


class Form(StrEnum):
    """Which form of a build was edited, where the platform gives it in two."""

    PACKAGE = "package"
    """What is sealed and deployed."""
    SOURCE = "source"
    """What makers edit: it is unpacked and committed."""


@dataclass(frozen=True, slots=True)
class Blank:
    """A value that was taken out: where it was and what it is called. What it was is told to nobody."""

    place: str
    """As a finding names it."""
    name: str
    """Of the variable that gives the value in each environment."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """One edit of a package before it was sealed. The same edit of the bytes before gives the bytes after, always."""

    kind: TransformationKind
    before: str
    """`sha256:<hex>` of the package as it would have been sealed without it."""
    after: str
    """`sha256:<hex>` of what came of it: of the package that is sealed, where that was edited."""
    blanked: tuple[Blank, ...]
    form: Form = Form.PACKAGE

    @property
    def words(self) -> str:
        """What was done, in a sentence."""
        count = len(self.blanked)
        what = f"{count} default value{'s' if count > 1 else ''} that dev had left in"
        return f"{what} {'were' if count > 1 else 'was'} taken out of the {self.form} before it was sealed"
