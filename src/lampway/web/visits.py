"""Who is signed in with a browser: a random secret in a cookie, its digest in the store, so that any web process knows.

Signing in happens with a code that works once (`lampway console` prints a link with one), with an API token, or with a
passkey that answers a challenge, which is good for one answer as well.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from lampway.app import Engine
from lampway.domain.accounts import as_it_stands
from lampway.domain.digest import digest_bytes
from lampway.domain.events import Actor
from lampway.domain.invitations import invitation_behind, via_invitation
from lampway.domain.moments import write_moment
from lampway.domain.strategy import RulesInForce
from lampway.engine.invitations import accept_invitation
from lampway.engine.sessions import goes_on
from lampway.engine.store import Visit
from lampway.engine.tokens import authenticate
from lampway.errors import UnauthenticatedError

SESSION = timedelta(hours=12)
"""For how long a session lasts."""
_CODE_LASTS = timedelta(minutes=5)
NEVER_PROVED = "1970-01-01T00:00:00.000+00:00"
"""When somebody proved who they are who did not: a link that others made proves nothing."""
_PROOF_LASTS = timedelta(minutes=15)
"""For how long somebody who proved who they are may decide about production without doing it again."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    actor: Actor
    secret: str
    proved_at: str
    opened_at: str = ""

    @property
    def form_key(self) -> str:
        """What every form of theirs carries: nobody else's page can know it."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    def once(self) -> str:
        """Return what one form carries, so that sending it twice does it once."""
        return secrets.token_urlsafe(16)

    def has_proved_lately(self, now: datetime) -> bool:
        """Return whether they proved who they are so lately that they may decide about production."""
        return now - datetime.fromisoformat(self.proved_at) < _PROOF_LASTS

    @property
    def is_invited(self) -> bool:
        """Whether all that lets them in is an invitation in the end."""
        return bool(invitation_behind(self.actor.via))

    def may_register(self, now: datetime) -> bool:
        """Return whether they may register a passkey: just proved, or just let in by an invitation, which it keeps.

        A passkey that was registered by an invitation lets its person in, and no further passkeys.
        """
        followed = self.actor.via == via_invitation(invitation_behind(self.actor.via))
        opened = followed and bool(self.opened_at)
        just_came = opened and now - datetime.fromisoformat(self.opened_at) < _PROOF_LASTS
        return just_came or self.has_proved_lately(now)


def make_code(engine: Engine, person: str, via: str) -> str:
    """Return a code with which this person may sign in, once and soon."""
    return _keep(engine, "code", person, via)


def sign_in_with_code(engine: Engine, code: str) -> str:
    """Return the secret of a new session. Raises UnauthenticatedError for a code that was used or is too old."""
    with engine.store.transaction() as transaction:
        found = transaction.visit(digest_bytes(code.encode()))
        if found is None or found.kind != "code" or found.until < engine.now():
            raise UnauthenticatedError("this link was used already, or is too old", hint="lampway console")
        transaction.end_visit(found.key)
    return _keep(engine, "session", found.person, found.via)


def sign_in_with_invitation(engine: Engine, presented: str) -> str:
    """Return the secret of a new session of whoever an invitation is for. Raises UnauthenticatedError."""
    found = accept_invitation(engine, presented)
    return _keep(engine, "session", found.person, via_invitation(found.id), proved_at=NEVER_PROVED)


def sign_in_with_token(engine: Engine, token: str) -> str:
    """Return the secret of a new session. Raises UnauthenticatedError."""
    actor, scopes = authenticate(engine, token.strip())
    if not {"act", "decide"} <= set(scopes):
        raise UnauthenticatedError(
            "this token is for programs: it is not for everything",
            hint="lampway token create NAME --scope read --scope act --scope decide",
        )
    return _keep(engine, "session", actor.person, actor.via)


def open_session(engine: Engine, person: str, via: str, *, proved_at: str = "") -> str:
    """Return the secret of a new session of somebody who was proved, in what way and when; empty: just now."""
    return _keep(engine, "session", person, via, proved_at=proved_at)


def make_challenge(engine: Engine, purpose: str, person: str) -> str:
    """Return 32 random bytes in base64url that a device may answer once and soon, for this and for nothing else."""
    return _keep(engine, purpose, person, "")


def take_challenge(engine: Engine, challenge: str, purpose: str, person: str) -> None:
    """Use a challenge up. Raises UnauthenticatedError for one that was used, is too old, or was for something else."""
    with engine.store.transaction() as transaction:
        found = transaction.visit(digest_bytes(challenge.encode()))
        fits = found is not None and (found.kind, found.person) == (purpose, person) and found.until >= engine.now()
        if not fits or not transaction.end_visit(digest_bytes(challenge.encode())):
            raise UnauthenticatedError("this page is too old, or was used already", hint="load the page again")


def visitor(engine: Engine, secret: str) -> Visitor | None:
    """Return who is signed in with this secret; None for nobody, nobody any more, or somebody who left."""
    if not secret:
        return None
    with engine.store.reading() as reading:
        found = reading.visit(digest_bytes(secret.encode()))
        rules = reading.get(RulesInForce, "current")
        strategy = as_it_stands(rules) if rules else None
        ended = found is None or (strategy is not None and not goes_on(reading, strategy, found.via, engine.now()))
    if found is None or ended or found.kind != "session" or found.until < engine.now():
        return None
    person = strategy.person(found.person) if strategy else None
    if person is None:
        actor = Actor(found.person, found.via, authenticated=True, name=found.person) if rules is None else None
    elif not person.is_here(engine.now()):
        actor = None
    else:
        email = person.emails[0] if person.emails else ""
        actor = Actor(person.id, found.via, authenticated=True, name=person.name, email=email)
    return Visitor(actor, secret, found.proved_at, opened_at=found.at) if actor else None


def sign_out(engine: Engine, secret: str) -> None:
    """End a session, everywhere."""
    with engine.store.transaction() as transaction:
        transaction.end_visit(digest_bytes(secret.encode()))


def _keep(engine: Engine, kind: str, person: str, via: str, *, proved_at: str = "") -> str:
    secret = secrets.token_urlsafe(32)
    now = engine.clock.now()
    until = now + (SESSION if kind == "session" else _CODE_LASTS)
    visit = Visit(
        key=digest_bytes(secret.encode()),
        kind=kind,
        person=person,
        via=via,
        at=engine.now(),
        proved_at=proved_at or engine.now(),
        until=write_moment(until),
    )
    with engine.store.transaction() as transaction:
        transaction.keep_visit(visit, forget=engine.now())
    return secret
