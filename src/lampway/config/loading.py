"""Governance files to one strategy, all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lampway.domain.strategy import Strategy
from lampway.errors import BrokenError, InvalidStrategyError, Mistake, NotFoundError

if TYPE_CHECKING:
    from lampway.config.document import Document
    from lampway.config.environment_file import EnvironmentFile
    from lampway.config.references import Governance
    from lampway.config.section import Section
    from lampway.config.solution_file import SolutionFile
    from lampway.config.strategy_file import PeopleFile, StrategyFile

Model = TypeVar("Model", bound="Section")

STRATEGY = "lampway.yaml"
PEOPLE = "people.yaml"
_ENVIRONMENT = re.compile(r"environments/([^/]+)\.yaml")
_SOLUTION = re.compile(r"solutions/([^/]+)/solution\.yaml")
_MISPLACED = (
    (re.compile(r"(lampway|people|environments/[^/]+|solutions/[^/]+/solution)\.(yml|YML|YAML|json)"), r"\1.yaml"),
    (re.compile(r"environments/.+/([^/]+)\.ya?ml"), r"environments/\1.yaml"),
    (re.compile(r"solutions/([^/]+)\.ya?ml"), r"solutions/\1/solution.yaml"),
)


def load_strategy(files: Mapping[str, bytes]) -> Strategy:
    """Return the strategy that these files, by their path in the governance repository, describe.

    Deterministic, and reads nothing else. Files that are no governance files are passed over. Raises
    InvalidStrategyError with every mistake in every file, in the order of files and lines.
    """
    from lampway.config.environment_file import EnvironmentFile
    from lampway.config.references import check_references
    from lampway.config.solution_file import SolutionFile
    from lampway.config.strategy_file import PeopleFile, StrategyFile

    governance = _read(files)
    top, wrong_top = _valid(StrategyFile, {STRATEGY: governance.strategy})
    people, wrong_people = _valid(PeopleFile, {PEOPLE: governance.people})
    environments, wrong_environments = _valid(EnvironmentFile, governance.environments)
    solutions, wrong_solutions = _valid(SolutionFile, governance.solutions)
    mistakes = [*wrong_top, *wrong_people, *wrong_environments, *wrong_solutions]
    mistakes += [*_misplaced(files), *_misnamed(governance), *check_references(governance)]
    if mistakes:
        raise InvalidStrategyError(in_order(mistakes))
    return _assemble(top[STRATEGY], people[PEOPLE], environments, solutions)


def read_folder(root: Path) -> Mapping[str, bytes]:
    """Return the governance files below `root`, by path with forward slashes, sorted.

    Solutions' sources are left alone. Raises NotFoundError when there is no such folder, BrokenError when a file
    cannot be read.
    """
    if not root.is_dir():
        raise NotFoundError(f"no such folder: {root}", hint="begin one with: lampway init")
    found: dict[str, bytes] = {}
    for path in sorted(_candidates(root)):
        try:
            with path.open("rb") as file:
                found[path.relative_to(root).as_posix()] = file.read(_largest() + 1)
        except OSError as error:
            raise BrokenError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return found


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Return mistakes by file, line and column, each one once."""
    return tuple(sorted(set(mistakes), key=lambda m: (m.file, m.line, m.column, m.message, m.hint)))


def _largest() -> int:
    from lampway.config.document import LARGEST

    return LARGEST


def _candidates(root: Path) -> Iterator[Path]:
    patterns = ("lampway.y*ml", "people.y*ml", "environments/**/*", "solutions/*.y*ml", "solutions/*/solution.*")
    for pattern in patterns:
        yield from (path for path in root.glob(pattern) if path.is_file() and path.suffix.lower() in (".yaml", ".yml"))


def _read(files: Mapping[str, bytes]) -> Governance:
    from lampway.config.references import Governance

    return Governance(
        strategy=_read_one(files, STRATEGY),
        people=_read_one(files, PEOPLE),
        environments={m[1]: _read_one(files, m[0]) for m in _matching(files, _ENVIRONMENT)},
        solutions={m[1]: _read_one(files, m[0]) for m in _matching(files, _SOLUTION)},
    )


def _matching(files: Mapping[str, bytes], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    return (match for path in sorted(files) if (match := pattern.fullmatch(path)))


def _read_one(files: Mapping[str, bytes], path: str) -> Document:
    from lampway.config.document import Document, read_document

    if path not in files:
        return Document(path, mistakes=(Mistake(path, 0, 0, "file missing", "write it with: lampway init"),))
    return read_document(path, files[path])


def _misplaced(files: Mapping[str, bytes]) -> Iterator[Mistake]:
    for path in files:
        for pattern, place in _MISPLACED:
            match = pattern.fullmatch(path)
            if match:
                yield Mistake(path, 0, 0, "not read here", f"move it to: {match.expand(place)}")
                break


def _misnamed(governance: Governance) -> Iterator[Mistake]:
    from lampway.config.section import name_fault

    for kind, documents in (("environment", governance.environments), ("solution", governance.solutions)):
        for name, document in documents.items():
            wrong = name_fault(f"{kind} name", name)
            if wrong:
                yield Mistake(document.file, 0, 0, *wrong)


def _valid(model: type[Model], documents: Mapping[str, Document]) -> tuple[dict[str, Model], list[Mistake]]:
    """Return what is valid, by name, and what is wrong with the rest."""
    from lampway.config.validation import validate

    valid: dict[str, Model] = {}
    mistakes: list[Mistake] = []
    for name, document in documents.items():
        mistakes += document.mistakes
        if document.value is not None:
            found, wrong = validate(model, document)
            mistakes += wrong
            if found is not None:
                valid[name] = found
    return valid, mistakes


def _assemble(
    top: StrategyFile,
    people: PeopleFile,
    environments: Mapping[str, EnvironmentFile],
    solutions: Mapping[str, SolutionFile],
) -> Strategy:
    """Return the strategy; environments go by tier, lowest first, then by name."""
    levels = list(top.tiers)
    places = [model.to_domain(name) for name, model in environments.items()]
    return Strategy(
        team=top.team,
        next_review=top.next_review,
        tiers=tuple(tier.to_domain(name) for name, tier in top.tiers.items()),
        environments=tuple(sorted(places, key=lambda e: (levels.index(e.tier), e.name))),
        pipelines=tuple(pipeline.to_domain(name) for name, pipeline in top.pipelines.items()),
        people=tuple(person.to_domain(name) for name, person in people.people.items()),
        roles=tuple(top.roles),
        solutions=tuple(model.to_domain(name) for name, model in sorted(solutions.items())),
        second_person_applies=top.rules.second_person_applies,
        freezes=tuple(freeze.to_domain() for freeze in top.freezes),
        checkpoints=top.audit.checkpoints or "",
        retention=top.retention or 0.0,
        schedules=top.schedules.to_domain(),
        readiness=top.readiness.to_domain(),
        conflicts=tuple(conflict.to_domain() for conflict in top.conflicts),
        notify=top.notify.to_domain() if top.notify else None,
        claims=tuple(rule.to_domain() for rule in people.claims),
        check_networks=tuple(top.checks.allow),
        recertification=top.recertification.to_domain() if top.recertification else None,
        retirement=top.retirement.to_domain(),
    )
