"""Several changes one after the other: what became of them is told truly, wherever it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lampway.engine.platform import Outcome, Progress
from lampway.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)

Change = tuple[str, Callable[[], object]]
"""What is changed, in words without any value, and how."""


def make_changes(changes: Sequence[Change], told: str, *, where: str) -> Outcome:
    """Make changes in their order, and tell what was made under the name `told`.

    A no to the first one is raised as it is: nothing was changed. A no to a later one is a failure that tells what was
    applied. Raises UnknownOutcomeError where nobody answered half way: looking tells, and doing it again goes on there.
    """
    made: list[str] = []
    for name, change in changes:
        try:
            change()
        except (ConflictError, UnreachableError) as error:
            if not made:
                raise
            stopped = f"stopped after {len(made)} of {len(changes)} changes: {error.message}"
            raise UnknownOutcomeError(stopped, where=where, hint=error.hint) from error
        except (AccessError, NotFoundError, PlatformRefusedError) as error:
            if not made:
                raise
            return Outcome(Progress.FAILED, {"message": f"{name}: {error.message}", "applied": made})
        made.append(name)
    return Outcome(Progress.DONE, {told: sorted(made)})
