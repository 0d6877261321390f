"""Reading a `people.yaml` that an auditor brings along: who has which keys, and nothing else.

Light on purpose: no model of the whole file is loaded, because somebody waits for an answer. Everything about keys is
judged as strictly as where rules are applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lampway.config.dates import read_day
from lampway.config.document import Document, Path, read_document
from lampway.domain.keys import PersonKey, read_key
from lampway.domain.strategy import Person
from lampway.errors import InvalidStrategyError, Mistake, UsageError


def read_trusted_people(name: str, content: bytes) -> tuple[Person, ...]:
    """Return the people with their roles and keys. Raises InvalidStrategyError with every mistake about keys."""
    document = read_document(name, content)
    mistakes = list(document.mistakes)
    names = document.names("people")
    if names is None and not mistakes:
        mistakes.append(document.mistake(("people",), "this names no people", "write them below `people:`"))
    found = [_person(document, person, mistakes) for person in names or ()]
    mistakes += check_keys(document)
    if mistakes:
        raise InvalidStrategyError(tuple(mistakes))
    return tuple(found)


def check_keys(people: Document) -> Iterator[Mistake]:
    """Yield every key that stands there more than once: it must lead to one person, in one stretch of time."""
    owners: dict[str, str] = {}
    for person in people.names("people") or ():
        for path, _ in people.items("people", person, "keys"):
            key = people.at(*path, "key")
            if not isinstance(key, str):
                continue
            if key in owners:
                whose = "key given twice" if owners[key] == person else f"key of two people: also of {owners[key]}"
                yield people.mistake((*path, "key"), whose, "every person needs a key of their own, listed once")
            owners.setdefault(key, person)


def _person(document: Document, person: str, mistakes: list[Mistake]) -> Person:
    keys = []
    given = document.at("people", person, "keys")
    if given is not None and not isinstance(given, list):
        mistakes.append(document.mistake(("people", person, "keys"), "keys must be a list"))
    for path, entry in document.items("people", person, "keys"):
        try:
            keys.append(_key(entry))
        except UsageError as error:
            mistakes.append(document.mistake(_place(path, entry), error.message, error.hint))
    name = document.at("people", person, "name")
    roles = document.words("people", person, "roles") or ()
    return Person(person, str(name or person), (), roles, tuple(keys))


def _key(entry: Any) -> PersonKey:
    if not isinstance(entry, dict) or not entry.keys() <= {"key", "from", "until", "revoked"}:
        raise UsageError("a key has `key`, `from`, `until` and `revoked`, and nothing else")
    if not isinstance(entry.get("key"), str) or "from" not in entry:
        raise UsageError("a key needs `key` and `from`", hint="copy the line that `lampway key show` prints")
    read_key(entry["key"])
    days = {name: read_day(entry[name]) for name in ("from", "until", "revoked") if entry.get(name) is not None}
    if "from" not in days or days.get("until", days["from"]) < days["from"]:
        raise UsageError("the last day of a key is before its first, or there is no first")
    return PersonKey(entry["key"], days["from"], days.get("until", ""), days.get("revoked", ""))


def _place(path: Path, entry: Any) -> Path:
    return (*path, "key") if isinstance(entry, dict) and "key" in entry else path
