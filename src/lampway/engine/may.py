"""May: whether somebody may ask for something here, told by the rules that refuse it, and by no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from lampway.domain.accounts import as_it_stands
from lampway.domain.events import Actor
from lampway.domain.roles import permission
from lampway.domain.strategy import RulesInForce, Strategy
from lampway.engine.attest import require_tester
from lampway.engine.certify import require_answerer, require_reviewer
from lampway.engine.context import Engine
from lampway.engine.delegate import require_giver, require_voice
from lampway.engine.invitations import require_own_way as require_inviter
from lampway.engine.invitations import require_taker
from lampway.engine.passkeys import require_remover
from lampway.engine.permissions import able_people, refuse_unable
from lampway.engine.readiness import require_item_answerer
from lampway.engine.store import Reading
from lampway.engine.tokens import require_own_way as require_issuer
from lampway.engine.tokens import require_revoker
from lampway.errors import LampwayError

_Rule: TypeAlias = Callable[[Reading, Strategy, Actor, str, Mapping[str, str]], object]
"""Raises LampwayError for whoever may not; what it is about is given by name."""


class May:
    """What one person may ask for, while one page is made: the rules in force are read once, and nothing is recorded.

    A request is named by its class. What the table of permissions says of it is asked first, then what its use case
    would say of this person: whose solution, token or delegation it is, and who made what is to be tested.
    """

    def __init__(self, engine: Engine, actor: Actor) -> None:
        self._engine = engine
        self._actor = actor
        self._read: tuple[Strategy | None, str] | None = None
        self._told: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}

    def __call__(self, request: str, /, **about: str) -> bool:
        """Return whether they may ask for this; `about` says for which solution, environment, token and so on."""
        return not self.why(request, **about)

    def why(self, request: str, /, **about: str) -> str:
        """Return why they may not, in words; empty when they may. Raises KeyError for what no rule is about."""
        key = (request, tuple(sorted(about.items())))
        if key not in self._told:
            self._told[key] = self._refusal(request, about)
        return self._told[key]

    def who(self, request: str, /) -> tuple[str, ...]:
        """Return the ids of everybody whose role lets them ask for it; empty where it takes no role."""
        needed, (strategy, now) = permission(request), self._rules()
        if needed is None or not needed.roles or strategy is None:
            return ()
        return able_people(strategy, needed.roles, now)

    def _refusal(self, request: str, about: Mapping[str, str]) -> str:
        needed, judged, (strategy, now) = permission(request), _INSIDE.get(request), self._rules()
        if needed is None and judged is None:
            raise KeyError(request)
        if strategy is None:
            return ""
        try:
            if needed is not None:
                refuse_unable(needed, strategy, self._actor, now)
            if judged is not None:
                with self._engine.store.reading() as reading:
                    judged(reading, strategy, self._actor, now, about)
        except LampwayError as error:
            return error.message
        return ""

    def _rules(self) -> tuple[Strategy | None, str]:
        if self._read is None:
            with self._engine.store.reading() as reading:
                rules = reading.get(RulesInForce, "current")
            self._read = (as_it_stands(rules) if rules else None, self._engine.now())
        return self._read


_INSIDE: Mapping[str, _Rule] = {
    "Recertify": lambda reading, strategy, actor, _, about: require_answerer(
        reading, strategy, about["solution"], actor
    ),
    "ReviewAnswer": lambda reading, strategy, actor, now, about: require_reviewer(
        reading, strategy, about["solution"], actor, now
    ),
    "AttestCheck": lambda reading, strategy, actor, now, about: require_tester(
        reading, strategy, (about["release"], about["environment"], about["check"]), actor, now
    ),
    "AnswerReadiness": lambda _, strategy, actor, now, about: require_item_answerer(
        strategy, about["item"], actor, now
    ),
    "Delegate": lambda _, strategy, actor, __, ___: require_voice(strategy, actor),
    "EndDelegation": lambda reading, strategy, actor, _, about: require_giver(
        reading, strategy, about["delegation"], actor
    ),
    "IssueToken": lambda _, __, actor, ___, ____: require_issuer(actor),
    "Invite": lambda _, __, actor, ___, ____: require_inviter(actor),
    "RevokeInvitation": lambda reading, _, actor, now, about: require_taker(reading, about["invitation"], actor, now),
    "RevokeToken": lambda reading, _, actor, now, about: require_revoker(reading, about["token"], actor, now),
    "RemovePasskey": lambda reading, strategy, actor, now, about: require_remover(
        reading, strategy, about["passkey"], actor, now
    ),
}
"""What use cases judge themselves beside the table, by the name of the request."""
