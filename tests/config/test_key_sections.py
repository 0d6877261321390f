"""Keys in people.yaml: one person each, one way to be written, with days; every mistake with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people_text import PEOPLE

from lampway.config import load_strategy
from lampway.config.trusted_people import read_trusted_people
from lampway.domain.keys import PersonKey
from lampway.errors import InvalidStrategyError

KEY = "ed25519:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
OTHER = "ed25519:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="


def with_keys(*lines: str) -> bytes:
    """Return people of whom ada has these keys."""
    listed = "".join(f"      - {line}\n" for line in lines)
    return PEOPLE.replace(b"    roles: [maker]\n", f"    roles: [maker]\n    keys:\n{listed}".encode())


def read_both(files: dict[str, bytes], people: bytes) -> tuple[list[str], list[str]]:
    """Return what the team's reading and the auditor's reading complain about."""
    said: tuple[list[str], list[str]] = ([], [])
    readings: tuple[Callable[[], object], ...] = (
        lambda: load_strategy({**files, "people.yaml": people}),
        lambda: read_trusted_people("people.yaml", people),
    )
    for reading, complaints in zip(readings, said, strict=True):
        try:
            reading()
        except InvalidStrategyError as error:
            complaints += [str(m) for m in error.mistakes]
    return said


def test_keys_are_read_with_their_days(files: dict[str, bytes]) -> None:
    people = with_keys(f"{{key: '{KEY}', from: 2026-01-01, until: 2026-12-31, revoked: 2026-06-01}}")
    expected = (PersonKey(KEY, "2026-01-01", "2026-12-31", "2026-06-01"),)
    assert load_strategy({**files, "people.yaml": people}).person("ada").keys == expected
    assert next(p for p in read_trusted_people("people.yaml", people) if p.id == "ada").keys == expected


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{key: ed25519:AAAA, from: 2026-01-01}", "not 32 bytes"),
        (f"{{key: '{KEY[:-2]}J=', from: 2026-01-01}}", "not 32 bytes"),
        ("{key: 'rsa:AAAA', from: 2026-01-01}", "begins with ed25519:"),
        (f"{{key: '{KEY}', from: 1.1.2026}}", "not a date"),
        (f"{{key: '{KEY}', from: 2026-02-30}}", "not a date"),
        (f"{{key: '{KEY}', from: 2026-02-01, until: 2026-01-01}}", "before its first"),
        (f"{{key: '{KEY}'}}", "from"),
        (f"{{key: '{KEY}', from: 2026-01-01, colour: red}}", ""),
    ],
)
def test_a_mistake_in_a_key_is_told_with_its_place(files: dict[str, bytes], entry: str, said: str) -> None:
    for complaints in read_both(files, with_keys(entry)):
        assert len(complaints) == 1
        assert said in complaints[0]
        assert complaints[0].startswith("people.yaml:7:")


def test_no_key_leads_to_two_people_nor_stands_twice(files: dict[str, bytes]) -> None:
    entry = f"{{key: '{KEY}', from: 2026-01-01}}"
    twice = with_keys(entry, entry)
    shared = with_keys(entry).replace(b"bob: {", f"bob: {{keys: [{entry}], ".encode())
    for complaints in read_both(files, twice):
        assert ["key given twice" in c for c in complaints] == [True]
    for complaints in read_both(files, shared):
        assert ["key of two people: also of ada" in c for c in complaints] == [True]
