"""Take back values that an environment no longer gives: the variable falls back to its default, as makers expect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from lampway.domain.digest import digest
from lampway.engine.platform import Found, Outcome
from lampway.errors import ConflictError, NotFoundError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.contents import VALUE, Contents
from lampway.platforms.powerplatform.halfway import make_changes
from lampway.platforms.powerplatform.inventory import definitions_of
from lampway.platforms.powerplatform.situation import Situation
from lampway.platforms.powerplatform.values import Given, read_values


def ungiven(client: Client, now: Situation) -> dict[str, Given]:
    """Return the variables of the package that have a value there which nobody gives, by schema name."""
    inventory = now.inventory()
    if now.new is None or inventory is None or not inventory.variables:
        return {}
    given = {name.casefold() for name, value in now.wanted.configuration.variables.items() if value != ""}
    given |= {part.id.casefold() for part in now.new.parts if part.type == VALUE}
    there = read_values(client)
    left = (one.name for one in inventory.variables if one.name.casefold() not in given)
    return {name: held for name in left if (held := there.get(name.casefold())) is not None and held.value is not None}


def ours_among(now: Situation, left: Mapping[str, Given]) -> dict[str, Given]:
    """Return those of them that are ours to take: of variables that were deployed here before, and are no one else's.

    A value that stood there before the first deployment is somebody's, and what another solution has as well may be
    given for that one.
    """
    before = _names(now.old) if now.old is not None else frozenset()
    others = names_of_others(now)
    return {name: held for name, held in left.items() if name.casefold() in before and name.casefold() not in others}


def names_of_others(now: Situation) -> frozenset[str]:
    """Return the variables that other solutions there have, in lower case."""
    return frozenset(one.name.casefold() for other in now.wanted.others.values() for one in other.variables)


def _names(contents: Contents) -> frozenset[str]:
    return frozenset(definition.name.casefold() for definition in definitions_of(contents).values())


def _to_take(client: Client, now: Situation) -> dict[str, Given]:
    return ours_among(now, ungiven(client, now))


def intend_taking(client: Client, now: Situation) -> dict[str, Any]:
    """Return what is to be taken back, with a digest of each value."""
    return {"before": {name: digest(held.value) for name, held in _to_take(client, now).items()}}


def take_back(client: Client, now: Situation, intent: Mapping[str, Any]) -> Outcome:
    """Take these values back. Raises ConflictError where somebody gave another one since."""
    there = _to_take(client, now)
    if _moved(there, intent):
        hint = "somebody changed a value there; try again"
        raise ConflictError("the values there are no longer those that were looked at", where=client.where, hint=hint)
    changes = [(name, _removal(client, held)) for name, held in sorted(there.items())]
    return make_changes(changes, "taken back", where=client.where)


def look_for_values_taken(client: Client, now: Situation, intent: Mapping[str, Any]) -> Found:
    """Return whether these values are gone; where only some are, it is gone on from there, which does no harm."""
    there = _to_take(client, now)
    if not there:
        return Found.REACHED if intent["before"] else Found.UNTOUCHED
    return Found.UNCLEAR if _moved(there, intent) else Found.UNTOUCHED


def _moved(there: Mapping[str, Given], intent: Mapping[str, Any]) -> bool:
    return any(intent["before"].get(name) != digest(held.value) for name, held in there.items())


def _removal(client: Client, held: Given) -> Callable[[], object]:
    def remove() -> None:
        with contextlib.suppress(NotFoundError):  # gone already: that is what was wanted
            client.delete("environmentvariablevalues", held.value_id)

    return remove
