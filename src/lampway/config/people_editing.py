"""Writes public keys into people.yaml and leaves every other byte as its writers left it."""

from __future__ import annotations

from typing import Any

from lampway.config.document import read_document
from lampway.config.loading import in_order
from lampway.config.revision import revise
from lampway.config.strategy_file import PeopleFile
from lampway.config.validation import validate
from lampway.errors import InvalidStrategyError, NotFoundError, RefusedError

PEOPLE = "people.yaml"
"""Where people stand."""


def with_key(text: str, person: str, public: str, since: str) -> str:
    """Return people.yaml with one more public key for somebody, which counts from that day on.

    Raises InvalidStrategyError, NotFoundError where nobody has this id, RefusedError where somebody has the key.
    """
    wanted = _read(text)
    people = wanted["people"] or {}
    if person not in people:
        raise NotFoundError(f"{person} is nobody there", where=PEOPLE, hint="add them, with a name and an e-mail")
    owner = next((who for who, about in people.items() if public in _keys(about)), "")
    if owner:
        raise RefusedError(f"this key stands there already, as {owner}'s", where=PEOPLE)
    about = people[person]
    keys = [*(about.get("keys") or []), {"key": public, "from": since}]
    changed = revise(PEOPLE, text, {**wanted, "people": {**people, person: {**about, "keys": keys}}})
    _read(changed)
    return changed


def _keys(about: dict[str, Any]) -> list[str]:
    return [key["key"] for key in about.get("keys") or []]


def _read(text: str) -> dict[str, Any]:
    document = read_document(PEOPLE, text.encode("utf-8", "replace"))
    mistakes = document.mistakes or validate(PeopleFile, document)[1]
    if mistakes:
        raise InvalidStrategyError(in_order(mistakes))
    return dict(document.value)
