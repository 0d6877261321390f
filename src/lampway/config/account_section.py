"""Accounts and claims in people.yaml: who somebody is at the team's provider, and which roles it gives."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.config.document import Document
from lampway.config.section import Name, Section, Text, Url, closest
from lampway.domain.accounts import Account, ClaimRule
from lampway.errors import Mistake


class AccountSection(Section):
    """Somebody's account at a provider."""

    issuer: Url
    """The provider, exactly as it writes itself."""
    subject: Text
    """What it calls them: the claim `sub` of an ID token."""

    def to_domain(self) -> Account:
        """Return the account."""
        return Account(self.issuer, self.subject)


class ClaimSection(Section):
    """A role for everybody here of whom the provider says this."""

    claim: Text
    """Name of a claim of the ID token, such as groups; a dot leads into an object, as in realm_access.roles."""
    value: Text
    """What it must be, or hold where it is a list; compared exactly."""
    role: Name
    """The role; declared in lampway.yaml."""

    def to_domain(self) -> ClaimRule:
        """Return the rule."""
        return ClaimRule(self.claim, self.value, self.role)


def check_claims(strategy: Document, people: Document) -> Iterator[Mistake]:
    """Yield every role that a claim gives and nothing declares, and every account that stands with two people."""
    known = strategy.words("roles")
    for number, (path, _) in enumerate(people.items("claims")):
        role = people.at("claims", number, "role")
        if known is not None and isinstance(role, str) and role not in known:
            hint = closest(role, known) or "add it to roles in lampway.yaml"
            yield people.mistake((*path, "role"), f"unknown role: {role[:80]}", hint)
    owners: dict[tuple[str, str], str] = {}
    for person in people.names("people") or ():
        for number, (path, _) in enumerate(people.items("people", person, "accounts")):
            base = ("people", person, "accounts", number)
            issuer, subject = people.at(*base, "issuer"), people.at(*base, "subject")
            if not isinstance(issuer, str) or not isinstance(subject, str):
                continue
            owner = owners.setdefault((issuer.rstrip("/"), subject), person)
            if owner != person:
                yield people.mistake(path, f"this account is {owner}'s already", "an account is one person's")
