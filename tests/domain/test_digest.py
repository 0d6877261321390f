"""Digests: one canonical form, whatever order things were put together in, and no form for what has no obvious one."""

from __future__ import annotations

import json
from dataclasses import dataclass, make_dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.digest import canonical, digest, digest_bytes, lasting_digest, short, to_plain

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(), v, max_size=4))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    parts: tuple[object, ...] = ()


def shuffled(value: object) -> object:
    """Return an equal value with every object's keys in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_the_order_of_keys_is_of_no_account(value: object) -> None:
    assert canonical(value) == canonical(shuffled(value))


@given(values)
def test_canonical_json_is_json_with_nothing_lost(value: object) -> None:
    text = canonical(value).decode("utf-8", errors="surrogatepass")
    assert json.loads(text) == value
    assert "\n" not in text, "the chain joins texts with line feeds"


@given(values, values)
def test_different_values_have_different_forms(one: object, two: object) -> None:
    if json.dumps(one, sort_keys=True) != json.dumps(two, sort_keys=True):
        assert digest(one) != digest(two)


def test_the_form_is_fixed_for_ever() -> None:
    """Everything that was ever sealed hangs on this."""
    value = {"b": [1, 2.5, True, None], "a": "ä\n\u2028", "c": Thing("x", (Colour.RED,))}
    assert canonical(value) == ('{"a":"ä\\n\u2028","b":[1,2.5,true,null],"c":{"name":"x","parts":["red"]}}'.encode())
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest_bytes(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_tuples_times_and_enumerations_have_one_obvious_form() -> None:
    assert to_plain((1, (2,))) == [1, [2]]
    assert to_plain(datetime(2026, 1, 5, 9, tzinfo=UTC)) == "2026-01-05T09:00:00+00:00"
    assert to_plain(Colour.RED) == "red"
    assert type(to_plain(Colour.RED)) is str


class Plain(Enum):
    ONE = 1


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), Thing, Plain.ONE, 1 + 2j], ids=repr)
def test_what_has_no_obvious_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_know_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest(value)


def test_people_are_shown_twelve_digits() -> None:
    assert short("sha256:0123456789abcdef") == "0123456789ab"


@given(st.integers(), st.booleans())
def test_a_field_added_later_changes_no_lasting_digest_until_it_is_given(size: int, given: bool) -> None:
    before = make_dataclass("Rule", [("size", int)])
    after = make_dataclass("Rule", [("size", int), ("signed", bool, False)])
    same = lasting_digest([before(size)]) == lasting_digest([after(size, given)])
    assert same is not given
