"""Whether a release contains what was edited past the path: told by what its components do, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.backport import Backport, Cause, Edited, standing_words, what_was_edited
from lampway.domain.package import Component, Diff, Inventory, Variable, fingerprint_of

CONTENT = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"]))


def inventory(content: dict[str, str], *names: str) -> Inventory:
    parts = tuple(Component("node", key.upper(), key, mark) for key, mark in sorted(content.items()))
    variables = tuple(Variable(name, "string", required=True, has_default=False) for name in names)
    return Inventory("memory", "orders", "1.0.0", None, fingerprint_of(parts), parts, variables)


def edited(old: dict[str, str], new: dict[str, str]) -> Edited:
    return what_was_edited(inventory(old), inventory(new), Diff())


@given(CONTENT, CONTENT, CONTENT)
def test_it_contains_an_edit_if_all_of_it_is_there_whatever_else_there_is(
    old: dict[str, str], new: dict[str, str], later: dict[str, str]
) -> None:
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    kept = {k: v for k, v in later.items() if k not in changed}
    release = kept | {key: new[key] for key in changed if key in new}
    if changed:
        assert edited(old, new).lacks(inventory(release)) == ()


@given(CONTENT, CONTENT, CONTENT)
def test_it_lacks_an_edit_exactly_where_one_part_of_it_is_not_there(
    old: dict[str, str], new: dict[str, str], release: dict[str, str]
) -> None:
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    missing = {key for key in changed if release.get(key) != new.get(key)}
    lacks = edited(old, new).lacks(inventory(release))
    gone = {key for key in missing if key not in new and key in release}
    wanted = {key for key in missing if key in new}
    assert len(lacks) == (len(gone | wanted) if changed else int(release != new))


def test_a_value_that_is_asked_for_since_belongs_to_it() -> None:
    found = what_was_edited(inventory({"a": "1"}), inventory({"a": "2"}, "LIMIT"), Diff())
    assert found.lacks(inventory({"a": "2", "b": "1"})) == ("variable LIMIT",)
    assert found.lacks(inventory({"a": "2", "b": "1"}, "LIMIT")) == ()


def test_where_no_component_differs_only_the_same_content_will_do() -> None:
    found = replace(edited({"a": "1"}, {"a": "1"}), fingerprint="of something else")
    assert "as a whole" in found.lacks(inventory({"a": "1"}))[0]


def test_a_component_that_moved_into_another_one_is_another_one() -> None:
    found = edited({"a": "1"}, {"a": "2"})
    moved = inventory({"a": "2", "b": "1"})
    parts = tuple(replace(c, parent="b") if c.id == "a" else c for c in moved.components)
    assert found.lacks(replace(moved, components=parts)) == ("node *A*",)


def test_the_words_name_the_place_the_edit_and_what_lacks() -> None:
    task = Backport(
        id="t1",
        solution="orders",
        environment="prod",
        cause=Cause.DRIFT,
        version="1.0.0",
        branch="b",
        commit="c",
        changes=("node *A*: changed", "node *B* added"),
        edited=edited({"a": "1"}, {"a": "2", "b": "1"}),
        by="rita",
        at="2026-01-05T09:00:00.000+00:00",
    )
    (words,) = standing_words([task], inventory({"a": "1"}))
    assert words == (
        "back-port t1 of orders, live edit in prod: node *A*: changed and 1 more; "
        "it does not contain node *A*, node *B*"
    )
