"""Flows and apps that are in no solution: with their owners, and put into one."""

from __future__ import annotations

from collections.abc import Sequence

from lampway.engine.bringing import Loose
from lampway.errors import ConflictError, NotFoundError, PlatformRefusedError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.layers import FLOW
from lampway.platforms.powerplatform.present import look_around, loose

_TYPES = {FLOW: 29}
_APP = 300
_AT_ONCE = 25


def list_loose(client: Client) -> tuple[Loose, ...]:
    """Return flows and apps that are in no solution. Changes nothing."""
    found = list(loose(look_around(client)))
    owners = _names(client, sorted({one.owner for one in found if one.owner}))
    return tuple(
        Loose(
            type=one.component.type,
            name=one.component.name,
            id=one.component.id,
            owner=owners.get(one.owner, ""),
            changed=one.changed,
        )
        for one in found
    )


def _names(client: Client, ids: Sequence[str]) -> dict[str, str]:
    """Return what people and teams are called, by id."""
    people = _named(client, "systemusers", ("systemuserid", "fullname"), ids)
    return people | _named(client, "teams", ("teamid", "name"), [id_ for id_ in ids if id_ not in people])


def _named(client: Client, table: str, columns: tuple[str, str], ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    key, name = columns
    for start in range(0, len(ids), _AT_ONCE):
        wanted = " or ".join(f"{key} eq {id_}" for id_ in ids[start : start + _AT_ONCE])
        for row in client.rows(table, select=f"{key},{name}", filter=f"({wanted})"):
            found[str(row.get(key)).lower()] = str(row.get(name) or "")
    return found


def gather(client: Client, solution: str, one: Loose) -> None:
    """Put a flow or an app into a solution of makers.

    Raises NotFoundError, ConflictError, PlatformRefusedError, AccessError, UnreachableError, UnknownOutcomeError.
    """
    there = look_around(client)
    into = there.solutions.get(solution.lower())
    if into is None or into.is_own:
        known = ", ".join(s.name for s in there.solutions.values() if not s.is_own and not s.is_managed) or "none"
        hint = f"makers build there in: {known}; make one in the maker portal with your team's publisher"
        raise NotFoundError(f"no solution named {solution}", where=client.where, hint=hint)
    if into.is_managed:
        hint = "put it into a solution in which makers build, where they build"
        raise PlatformRefusedError(f"{into.name} is managed: nothing can be put into it", where=client.where, hint=hint)
    if one.id not in there.flows and one.id not in there.apps:
        raise ConflictError(f"{one.type} {one.name} is no longer there", where=client.where, hint="look again")
    if into.id in there.held.get(one.id, set()):
        return
    body = {
        "ComponentId": one.id,
        "ComponentType": _TYPES.get(one.type, _APP),
        "SolutionUniqueName": into.name,
        "AddRequiredComponents": False,
    }
    client.action("AddSolutionComponent", body)
