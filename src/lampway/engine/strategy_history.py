"""What became of the strategy: what each one that was applied changed, and what the static rules say of the last."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.cautions import cautions
from lampway.domain.events import Actor, StrategyApplied
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.strategy import governance_files
from lampway.errors import InvalidStrategyError, LampwayError


@dataclass(frozen=True, slots=True)
class Applied:
    """A strategy that was put in force, and what that changed."""

    row: int
    """In the ledger."""
    at: str
    by: str
    """Id of whoever applied it."""
    authors: tuple[str, ...]
    """Who wrote it."""
    commit: str
    changes: tuple[str, ...]
    """One line each, in words."""


@dataclass(frozen=True, slots=True)
class ShowStrategyHistory(Request[tuple[Applied, ...]]):
    """Look at what each applied strategy changed."""

    limit: int = 20
    """How many, the newest ones."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What the static rules say of the strategy in force."""

    commit: str
    mistakes: tuple[str, ...]
    """What they would refuse today, each with its place and cure; empty where they hold."""
    unread: str
    """Why that cannot be told; empty where it can."""
    cautions: tuple[str, ...]
    """What they let pass and point out."""


@dataclass(frozen=True, slots=True)
class JudgeStrategy(Request[RuleResult]):
    """Hold the strategy in force against the static rules once more: those of this version, not of the day it came."""


def show_strategy_history(engine: Engine, request: ShowStrategyHistory, actor: Actor) -> tuple[Applied, ...]:
    """Return what was applied, newest first. Records nothing."""
    del actor
    found = [
        Applied(
            row=recorded.seq,
            at=recorded.at,
            by=recorded.actor.person,
            authors=recorded.event.authors,
            commit=recorded.event.commit,
            changes=recorded.event.changes,
        )
        for recorded in engine.store.events(kinds=(StrategyApplied.kind,))
        if isinstance(recorded.event, StrategyApplied)
    ]
    return tuple(found[::-1][: max(1, request.limit)])


def judge_strategy(engine: Engine, request: JudgeStrategy, actor: Actor) -> RuleResult:
    """Return what the static rules say of the files in force. Raises RefusedError where nothing is; records nothing."""
    del request, actor
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
    mistakes: tuple[str, ...] = ()
    unread = ""
    try:
        engine.files.load(governance_files(engine, rules.commit))
    except InvalidStrategyError as error:
        mistakes = tuple(f"{mistake}{f'; {mistake.hint}' if mistake.hint else ''}" for mistake in error.mistakes)
    except LampwayError as error:
        unread = str(error)
    return RuleResult(rules.commit, mistakes, unread, cautions(rules.strategy))
