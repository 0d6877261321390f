"""What a judgement was made from, in digests that stay the same for ever: one for each part of the facts."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any

from lampway.domain.digest import digest
from lampway.domain.judgement import Eligibility, Facts
from lampway.domain.stops import standing

_SAID_ELSEWHERE = frozenset({"strategy", "stage", "release", "now", "promotion", "digest"})
"""Named by the summary itself: rules by their digest, the release as what it speaks of, the promotion by its id."""


def parts_of(facts: Facts) -> dict[str, str]:
    """Return the digest of every part of the facts that is not as it would be if nothing had ever been recorded.

    Fields at their default are left out at every depth, so that a field added later changes no digest made before.
    Holds of other solutions and places are left out: they have no say.
    """
    holds = standing(facts.holds, facts.solution, facts.stage.environment, facts.now)
    told = replace(facts, holds=holds)
    named = [f for f in fields(told) if f.name not in _SAID_ELSEWHERE]
    return {f.name: digest(sparse(v)) for f in named if not _is_default(f, v := getattr(told, f.name))}


def gates_of(judged: Eligibility) -> list[dict[str, str]]:
    """Return which gates were judged and what each came to."""
    return [{"gate": gate.gate, "state": str(gate.state)} for gate in judged.gates]


def sparse(value: Any) -> Any:
    """Return a value as plain data, without the fields of data classes that are at their defaults."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: sparse(v) for f in fields(value) if not _is_default(f, v := getattr(value, f.name))}
    if isinstance(value, dict):
        return {key: sparse(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sparse(item) for item in value]
    return value


def _is_default(field: Any, value: Any) -> bool:
    if field.default is not MISSING:
        return bool(field.default == value)
    return field.default_factory is not MISSING and bool(field.default_factory() == value)
