"""API tokens: issued to people in people.yaml, shown by whoever acts for them, revoked at once."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.accounts import as_it_stands
from lampway.domain.digest import is_digest
from lampway.domain.events import Actor, TokenIssued, TokenRevoked
from lampway.domain.invitations import refuse_by_invitation
from lampway.domain.moments import is_before, parse_deadline
from lampway.domain.strategy import RulesInForce
from lampway.domain.tokens import SCOPES, ApiToken, parse_token
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UsageError

_MANAGERS = ("platform-admin",)
_LONGEST = 400
"""Days that a token may last."""


@dataclass(frozen=True, slots=True)
class IssueToken(Request[ApiToken]):
    """Let whoever knows a secret act as somebody over the network."""

    name: str
    digest: str
    """Of the secret: whoever asks made it up and keeps it; it is not sent."""
    until: str
    """A day, to its end, or a time with its zone."""
    scopes: tuple[str, ...] = ("read",)
    person: str = ""
    """Empty: whoever asks."""


@dataclass(frozen=True, slots=True)
class RevokeToken(Request[ApiToken]):
    """Let a token count no more."""

    token: str
    """Its id."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShowTokens(Request[tuple[ApiToken, ...]]):
    """Look at one's own tokens; whoever manages the platform sees everybody's."""

    everything: bool = False
    """Also those that count no more."""


def issue_token(engine: Engine, request: IssueToken, actor: Actor) -> ApiToken:
    """Record a token. Raises ForbiddenError, NotFoundError, UsageError."""
    now = engine.now()
    until = parse_deadline(request.until)
    if not request.name.strip():
        raise UsageError("a token needs a name", hint="say what it is for: --name 'nightly build'")
    if not is_before(now, until):
        raise UsageError("the token would have run out already", hint="give a later day with --until")
    unknown = [scope for scope in request.scopes if scope not in SCOPES]
    if unknown or not request.scopes:
        raise UsageError(f"no such scope: {', '.join(unknown) or 'none given'}", hint=f"there is: {', '.join(SCOPES)}")
    if not is_digest(request.digest):
        raise UsageError("not the digest of a secret", hint="lampway token create")
    require_own_way(actor)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        mine = strategy.person(actor.person)
        whose = strategy.person(request.person) if request.person else mine
        if mine is None or whose is None:
            hint = "add them to people.yaml and apply the strategy"
            raise NotFoundError(f"{request.person or actor.person} is nobody in people.yaml", hint=hint)
        if whose != mine and not set(_MANAGERS) & set(mine.roles_at(now)):
            raise ForbiddenError(
                f"a token for somebody else takes the role {_MANAGERS[0]}", hint="let them make one of their own"
            )
        scopes = tuple(scope for scope in SCOPES if scope in request.scopes)
        name = request.name.strip()
        token = ApiToken(engine.new_id(), whose.id, name, scopes, request.digest, until, mine.id, now)
        told = [transaction.append(TokenIssued(token), actor)]
    engine.tell(told)
    return token


def require_own_way(actor: Actor) -> None:
    """Go on only with somebody who came in a way of their own. Raises ForbiddenError."""
    refuse_by_invitation(actor.via, "makes no tokens")


def revoke_token(engine: Engine, request: RevokeToken, actor: Actor) -> ApiToken:
    """Record that a token counts no more. Raises NotFoundError, ForbiddenError."""
    with engine.store.transaction() as transaction:
        found = require_revoker(transaction, request.token, actor, engine.now())
        told = [] if found.revoked_at else [transaction.append(TokenRevoked(found.id, request.reason), actor)]
        revoked = transaction.get(ApiToken, request.token) or found
    engine.tell(told)
    return revoked


def require_revoker(reading: Reading, token: str, actor: Actor, now: str) -> ApiToken:
    """Return a token that this person may revoke. Raises NotFoundError, ForbiddenError."""
    found = reading.get(ApiToken, token)
    if found is None:
        raise NotFoundError(f"no token {token}", hint="lampway token list")
    if not _may_see(rules_in_force(reading), found, actor, now):
        raise ForbiddenError("that is somebody else's token", hint=f"ask {found.person}, or a {_MANAGERS[0]}")
    return found


def show_tokens(engine: Engine, request: ShowTokens, actor: Actor) -> tuple[ApiToken, ...]:
    """Return tokens in the order in which they were issued."""
    now = engine.now()
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
        found = [token for token in reading.find(ApiToken) if _may_see(rules, token, actor, now)]
    return tuple(t for t in found if request.everything or (not t.revoked_at and now < t.until))


def _may_see(rules: RulesInForce, token: ApiToken, actor: Actor, now: str) -> bool:
    person = rules.strategy.person(actor.person)
    if person is None:
        return False
    return token.person == person.id or bool(set(_MANAGERS) & set(person.roles_at(now)))


def authenticate(engine: Engine, presented: str) -> tuple[Actor, tuple[str, ...]]:
    """Return who acts with this token, and what for. Raises UnauthenticatedError; a wrong one is just not known."""
    key, secret = parse_token(presented)
    now = engine.now()
    with engine.store.reading() as reading:
        token = reading.get(ApiToken, key) if key else None
        rules = reading.get(RulesInForce, "current")
    hint = "lampway login URL"
    if token is None or rules is None:
        raise UnauthenticatedError("the token is not known", hint=hint)
    why = token.fault(secret, now)
    person = as_it_stands(rules).person(token.person)
    if not why and person is None:
        why = "whose token this is has left"
    if not why and person is not None and not person.is_here(now):
        why = person.absence(now)
    if why or person is None:
        raise UnauthenticatedError(why, hint=hint)
    email = person.emails[0] if person.emails else ""
    return Actor(person.id, f"token {token.id}", authenticated=True, name=person.name, email=email), token.scopes
