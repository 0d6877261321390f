"""The keys in `people.yaml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from lampway.config.dates import read_day
from lampway.config.section import Section, fault
from lampway.domain.keys import PersonKey, read_key
from lampway.errors import UsageError


def _key(text: str) -> str:
    try:
        read_key(text)
    except UsageError as error:
        raise fault(error.message, error.hint) from None
    return text


def _day(text: str) -> str:
    try:
        return read_day(text)
    except UsageError as error:
        raise fault(error.message, error.hint) from None


_PATTERN = "^(ed25519:[A-Za-z0-9+/]{43}=|passkey:https?://[a-z0-9.:-]+:[A-Za-z0-9+/]+=*)$"
Key = Annotated[str, AfterValidator(_key), Field(json_schema_extra={"pattern": _PATTERN})]
"""A public key, or a passkey's."""
Day = Annotated[str, AfterValidator(_day), Field(json_schema_extra={"format": "date"})]
"""A day, as in 2027-05-01."""


class KeySection(Section):
    """A public key that a person signs decisions with."""

    key: Key
    """The public half, as `lampway key show` prints it, or `lampway passkey show`."""
    since: Day = Field(alias="from")
    """The first day on which it counts."""
    until: Day | None = None
    """The last day on which it counts. Without this key: no end."""
    revoked: Day | None = None
    """The day from which on it no longer counts, as when it was lost. What was signed before stays."""

    @model_validator(mode="after")
    def _in_order(self) -> KeySection:
        if self.until is not None and self.until < self.since:
            raise fault("the last day of a key is before its first", "mend `from` or `until`")
        return self

    def to_domain(self) -> PersonKey:
        """Return the key."""
        return PersonKey(self.key, self.since, self.until or "", self.revoked or "")
