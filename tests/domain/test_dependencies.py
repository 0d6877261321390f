"""Versions are compared as people read them, and circles are found wherever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.dependencies import circles, is_at_least, parse_numbers

NUMBERS = st.lists(st.integers(0, 99), min_size=1, max_size=4)
NAMES = st.sampled_from("abcdef")


def text(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


@pytest.mark.parametrize(
    ("version", "lowest", "will_do"),
    [
        ("1.10.0", "1.9.9", True),
        ("1.2.0", "1.2", True),
        ("1.2", "1.2.0.0", True),
        ("1.2.0", "1.2.0.1", False),
        ("0.9.9", "1", False),
        ("2.0.0", "", True),
        ("2.0.0-rc1", "1", None),
        ("2.0.0", "newest", None),
        ("1.2.3.4.5", "1", None),
        ("١.٢", "1", None),
    ],
)
def test_versions_are_compared_number_by_number(version: str, lowest: str, will_do: bool | None) -> None:
    assert is_at_least(version, lowest) is will_do


@given(NUMBERS, NUMBERS)
def test_of_two_versions_one_will_do_where_the_other_is_asked_for(one: list[int], other: list[int]) -> None:
    pad = [n + [0] * (4 - len(n)) for n in (one, other)]
    assert is_at_least(text(one), text(other)) is (pad[0] >= pad[1])
    assert parse_numbers(text(one)) == tuple(one)


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4), max_size=6))
def test_what_is_told_is_a_circle_and_none_goes_untold(graph: dict[str, list[str]]) -> None:
    found = list(circles(graph))
    for way in found:
        assert all(after in graph[name] for name, after in zip(way, (*way[1:], way[0]), strict=True))
    left = {name: [n for n in needs if n in graph] for name, needs in graph.items()}
    while free := [name for name, needs in left.items() if not needs]:
        left = {name: [n for n in needs if n not in free] for name, needs in left.items() if name not in free}
    assert bool(found) is bool(left)
    assert len({frozenset(way) for way in found}) == len(found)
