"""Patterns of tickets: whatever is let in can be tried on anything at once."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampway.domain.ticket import LONGEST, matches, pattern_fault, ticket_fault


@pytest.mark.parametrize(
    "pattern",
    [
        "CHG-[0-9]{4,8}", "(CHG|INC|REQ)[0-9]{7}", "[A-Z]{2,10}-\\d+", "(?:OPS|DEV)-\\d{1,6}(\\.\\d{1,2})?", "[^]a]+",
        "[]]", "a{,3}", "a{2}", "x{}", "\\[x\\]", "é+", "[A-Z][A-Z0-9]*-[0-9]+?",
    ],
)  # fmt: skip
def test_patterns_as_people_write_them_are_let_in(pattern: str) -> None:
    assert pattern_fault(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+", "too many ways"),
        ("(a|a)*b", "too many ways"),
        ("(a|b|ab)*", "too many ways"),
        ("([a-z]+)*x", "too many ways"),
        ("a*a*a*a*a*a*b", "too many ways"),
        ("(a?){100}a{100}", "too many ways"),
        ("(x+x+){2}y", "too many ways"),
        ("((a{,90}){,90}){,90}", "too many ways"),
        ("(a)\\1", "\\1"),
        ("(?=a)a", "(?...)"),
        ("(?i)chg", "(?...)"),
        ("(?P<n>a)", "(?...)"),
        ("\\bCHG", "\\b"),
        ("CHG-[", "no regular expression"),
        ("(", "no regular expression"),
        ("a)", "no regular expression"),
        ("*", "no regular expression"),
        ("[[a]]", "no regular expression"),
        ("a" * 201, "longer than 200"),
    ],
)
def test_patterns_that_could_keep_the_machine_busy_are_refused(pattern: str, why: str) -> None:
    assert why in pattern_fault(pattern)


PIECES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "\\w", "."]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2,9}", "{,40}", "{3}", "*?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(PIECES, st.sampled_from(["a" * 99 + "!", "ab" * 49 + "!", "a" * 100, "!" + "a" * 99]))
def test_whatever_is_let_in_is_tried_in_no_time(pattern: str, ticket: str) -> None:
    if pattern_fault(pattern):
        return
    began = time.process_time()
    told = matches(pattern, ticket)
    assert time.process_time() - began < 1.0
    assert told is (re.fullmatch(pattern, ticket) is not None)


@given(st.text(st.sampled_from("ab()[]{}|*+?\\.^$,-0123456789:=!<>P"), max_size=30))
def test_no_pattern_is_too_strange_to_be_judged(pattern: str) -> None:
    fault = pattern_fault(pattern)
    if not fault:
        matches(pattern, "a" * LONGEST)


@pytest.mark.parametrize("text", ["", " ", "CHG 1 ", "a\nb", "a\x1b[31m", "x" * 101])
def test_what_is_no_ticket_is_told(text: str) -> None:
    assert ticket_fault(text)


@given(st.text(min_size=1, max_size=LONGEST))
def test_a_ticket_without_fault_is_one_line(text: str) -> None:
    if not ticket_fault(text):
        assert text.isprintable()
        assert text == text.strip()
