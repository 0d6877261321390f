"""What a deployment would change for others, beside what the platform itself says: part of every plan."""

from __future__ import annotations

from dataclasses import replace

from lampway.domain.package import Inventory
from lampway.domain.sharing import notes_of, shared_values
from lampway.domain.strategy import Environment
from lampway.engine.platform import Access, AdapterPlan, Platform, Problem, Wanted


def plan_among_others(
    platform: Platform,
    access: Access,
    wanted: Wanted,
    *,
    place: Environment,
    inventory: Inventory | None,
    goes_back: bool = False,
) -> AdapterPlan:
    """Return the platform's plan, with the values that other solutions in the environment share. Changes nothing.

    That others are given something else keeps a deployment from starting; of what `goes_back` it is told only, for
    going back must be possible when it is needed. `inventory` is that of the release; None where it is removed.
    """
    plan = platform.plan(access, wanted)
    if inventory is None:
        return plan
    found = tuple(shared_values(place, wanted.solution, inventory, wanted.configuration, wanted.others))
    clashes = () if goes_back else tuple(one for one in found if not one.is_same)
    notes = notes_of([one for one in found if one not in clashes])
    problems = tuple(Problem(one.words, one.cure) for one in clashes)
    return replace(plan, problems=(*plan.problems, *problems), notes=(*plan.notes, *notes))
