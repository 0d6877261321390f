"""Edits governance files so that one person's duties are another's; every comment and every other byte stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lampway.config.document import read_document
from lampway.config.loading import PEOPLE, STRATEGY
from lampway.config.revision import revise


def hand_over(files: Mapping[str, bytes], person: str, to: str, roles: tuple[str, ...]) -> Mapping[str, str]:
    """Return the files that change, by path: owners, people named in gates, and these roles for the other one.

    Raises InvalidStrategyError, UsageError for files that cannot be changed.
    """
    changed: dict[str, str] = {}
    for path, content in files.items():
        value = read_document(path, content).value
        if not isinstance(value, dict):
            continue
        wanted = value
        if path.startswith("solutions/") and path.endswith("/solution.yaml") and value.get("owner") == person:
            wanted = {**value, "owner": to}
        elif path == STRATEGY:
            wanted = _renamed(value, person, to)
        elif path == PEOPLE and roles:
            wanted = _with_roles(value, to, roles)
        if wanted != value:
            changed[path] = revise(path, content.decode("utf-8", "replace"), wanted)
    return changed


def _renamed(value: Any, person: str, to: str) -> Any:
    """Return the value with the person replaced in every list of people that a gate names."""
    if isinstance(value, list):
        return [_renamed(item, person, to) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _renamed(item, person, to) for key, item in value.items()}
    named = value.get("people")
    if value.get("gate") == "approval" and isinstance(named, list) and person in named:
        found["people"] = list(dict.fromkeys(to if name == person else name for name in named))
    return found


def _with_roles(value: dict[str, Any], to: str, roles: tuple[str, ...]) -> dict[str, Any]:
    people = dict(value.get("people") or {})
    entry = dict(people[to])
    held = list(entry.get("roles") or [])
    kept = [given for given in held if not (isinstance(given, dict) and given.get("role") in roles)]
    entry["roles"] = [*kept, *(role for role in roles if role not in kept)]
    return {**value, "people": {**people, to: entry}}
