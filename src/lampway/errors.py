"""The whole error tree.

LampwayError
├── UsageError                 you asked wrongly                      exit 2
│   ├── NotFoundError          a name that nothing has
│   ├── UnauthenticatedError   nobody knows who is asking
│   ├── TooManyError           asked too often for now
│   ├── TooLargeError          more was sent than is taken
│   ├── InvalidPackageError    bytes that are no readable package
│   └── InvalidStrategyError   mistakes in the governance files, all at once
├── RefusedError               a rule said no; nothing was changed    exit 1
│   ├── VoidedError            what was decided upon has changed since
│   ├── ForbiddenError         this person may not ask for this
│   └── UnsignedError          a decision that counts only when it is signed
├── BrokenError                the machinery failed                   exit 3
│   ├── StorageError           the store or the package store
│   │   ├── StoreLostError     the store cannot be reached or written now
│   │   └── TakenOverError     another process holds the environment
│   ├── SourceError            git
│   ├── SecretError            a secret reference that cannot be resolved
│   ├── DeliveryError          a message that a channel did not take
│   └── PlatformError          the platform
│       ├── UnreachableError   no answer at all; nothing was changed
│       ├── AccessError        the platform does not accept who we are
│       ├── ConflictError      somebody else changed the platform meanwhile
│       ├── PlatformRefusedError  the platform refused; nothing was changed
│       └── UnknownOutcomeError   no usable answer: it may or may not have happened
└── InterruptedByUserError     Ctrl-C; what was under way can be resumed  exit 130
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class LampwayError(Exception):
    """Anything Lampway reports to its user: what happened, where, and how to mend it."""

    code: ClassVar[str] = "error"
    """Stable name of the kind of error, for scripts that read `--json`."""
    exit_code: ClassVar[int] = 3
    """What the command line exits with."""
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later with nothing else changed."""

    def __init__(self, message: str, *, where: str = "", hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.details = details
        """One line each, where one message stands for several facts."""

    def __str__(self) -> str:
        """Return the message with its place in front, on one line."""
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(LampwayError):
    """You asked wrongly; asking the same again will not help."""

    code = "usage"
    exit_code = 2


class NotFoundError(UsageError):
    """A name that nothing has."""

    code = "not-found"


class UnauthenticatedError(UsageError):
    """Nobody knows who is asking: no token, or one that is not known, has run out or was revoked."""

    code = "unauthenticated"


class TooManyError(UsageError):
    """Asked too often; the same is answered a little later."""

    code = "too-many"
    retryable = True


class TooLargeError(UsageError):
    """More was sent than is taken at once; nothing of it was kept."""

    code = "too-large"


class InvalidPackageError(UsageError):
    """Bytes that are no readable package of the platform they were taken for."""

    code = "invalid-package"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in one governance file."""

    file: str
    """Path relative to the governance repository."""
    line: int
    """Counted from 1; 0 where the file as a whole is meant."""
    column: int
    """Counted from 1; 0 where the file as a whole is meant."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return `file:line:column: message`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class InvalidStrategyError(UsageError):
    """Mistakes in the governance files, every one that was found."""

    code = "invalid-strategy"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        count = len(mistakes)
        super().__init__(f"{count} mistake{'s' if count != 1 else ''} in the strategy")
        self.mistakes = mistakes


class RefusedError(LampwayError):
    """A rule said no. Nothing was changed."""

    code = "refused"
    exit_code = 1


class VoidedError(RefusedError):
    """What was decided upon has changed since; the decision no longer holds."""

    code = "voided"


class ForbiddenError(RefusedError):
    """This person may not ask for this, whatever it is about."""

    code = "forbidden"


class UnsignedError(RefusedError):
    """A decision that counts only when it is signed, and was not."""

    code = "unsigned"


class BrokenError(LampwayError):
    """The machinery failed: neither you nor a rule is to blame."""

    code = "broken"


class StorageError(BrokenError):
    """The store or the package store cannot be read or written, or is damaged."""

    code = "storage"


class StoreLostError(StorageError):
    """The store cannot be reached or written now: what was under way stays so, and is looked at again later."""

    code = "store-lost"
    retryable = True


class TakenOverError(StorageError):
    """Another process works on this environment: whoever is told so does nothing more there."""

    code = "taken-over"


class SourceError(BrokenError):
    """Git failed."""

    code = "source"


class SecretError(BrokenError):
    """A secret reference that cannot be resolved here."""

    code = "secret"


class DeliveryError(BrokenError):
    """A message that a channel did not take. Never names the channel's address: that may be secret."""

    code = "delivery"
    retryable = True

    def __init__(self, message: str, *, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait
        """For how many seconds the receiver asked to be left alone."""


class PlatformError(BrokenError):
    """The platform failed or answered what we do not understand."""

    code = "platform"


class UnreachableError(PlatformError):
    """No answer at all, and nothing was sent that could change anything."""

    code = "unreachable"
    retryable = True


class AccessError(PlatformError):
    """The platform does not accept who we are, or not for this."""

    code = "access"


class ConflictError(PlatformError):
    """Somebody else changed the platform between our look and our change; nothing was changed by us."""

    code = "conflict"
    retryable = True


class PlatformRefusedError(PlatformError):
    """The platform refused what we asked; nothing was changed."""

    code = "platform-refused"


class UnknownOutcomeError(PlatformError):
    """No usable answer to a change: it may or may not have happened. Never treated as failed or as done."""

    code = "unknown-outcome"


class InterruptedByUserError(LampwayError):
    """The user pressed Ctrl-C; what was under way can be resumed."""

    code = "interrupted"
    exit_code = 130
