"""What a short path for hotfixes may not leave out: it ends where the path ends, is tested on the way, and approved."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.config.document import Document, Path
from lampway.config.static_rules import certain_gates, check_protection, never_soaks
from lampway.errors import Mistake


def check_hotfix(strategy: Document, people: Document, path: Path) -> Iterator[Mistake]:
    """Yield what is wrong with the short path of a pipeline, where it declares one."""
    stages = [stage for stage, _ in strategy.items(*path, "hotfix")]
    if not stages:
        return
    known = [_environment(strategy, stage) for stage, _ in strategy.items(*path, "stages")]
    labels = {strategy.at(*stage, "name") for stage, _ in strategy.items(*path, "stages")} | set(known)
    yield from _places(strategy, stages, known)
    for stage in stages:
        name = strategy.at(*stage, "name")
        if name in labels:
            hint = "commands name a stage by it: call it hotfix-test, or the like"
            yield strategy.mistake((*stage, "name"), f"{name} is taken already by a stage of the path", hint)
        labels.add(name)
        if strategy.at(*stage, "watch") is not None:
            message = "a stage of the short path has no watch of its own"
            yield strategy.mistake((*stage, "watch"), message, "the one of its environment holds here too", at_key=True)
    if len(stages) < 2:
        hint = "put the stage in which hotfixes are tested before it"
        yield strategy.mistake((*stages[0], "name"), "a hotfix is tested before it goes in", hint)
    yield from never_soaks(strategy, stages[0])
    yield from check_protection(strategy, people, stages[-1])
    if strategy.items(*stages[-1], "gates") and "checks" not in certain_gates(strategy, stages[-1]):
        message = "the last stage for hotfixes needs the gate checks"
        yield strategy.mistake((*stages[-1], "gates"), message, "add `- gate: checks`", at_key=True)


def _places(strategy: Document, stages: list[Path], known: list[object]) -> Iterator[Mistake]:
    """Refuse places that are not on the path, not in its order, and an end that is not its end."""
    before = -1
    for stage in stages:
        environment = _environment(strategy, stage)
        place = (*stage, "environment") if strategy.at(*stage, "environment") is not None else (*stage, "name")
        if environment not in known:
            names = ", ".join(str(name) for name in known)
            yield strategy.mistake(place, f"the path does not lead through {environment}", f"one of: {names}")
            continue
        if known.index(environment) <= before:
            yield strategy.mistake(place, "the short path goes another way than the path", "keep the order of the path")
        before = max(before, known.index(environment))
    if before != len(known) - 1:
        message = f"the short path ends elsewhere than the path, which ends in {known[-1]}" if known else "no path"
        yield strategy.mistake((*stages[-1], "name"), message, f"let its last stage have environment: {known[-1]}")


def _environment(strategy: Document, stage: Path) -> object:
    given = strategy.at(*stage, "environment")
    return strategy.at(*stage, "name") if given is None else given
