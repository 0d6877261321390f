"""What a judgement was made from, in digests that stay the same for ever: one for each part of the facts."""

from __future__ import annotations

from dataclasses import fields, replace

from lampway.domain.digest import is_default, lasting_digest
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
    return {f.name: lasting_digest(v) for f in named if not is_default(f, v := getattr(told, f.name))}


def gates_of(judged: Eligibility) -> list[dict[str, str]]:
    """Return which gates were judged and what each came to."""
    return [{"gate": gate.gate, "state": str(gate.state)} for gate in judged.gates]
