"""Editing keeps what people wrote: comments, order, quotes, white space; and no secret can be written."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampway.config import load_strategy, new_solution, with_environment, with_values
from lampway.config.document import read_document
from lampway.config.revision import block, inline, revise
from lampway.domain.strategy import Check, Environment, Solution, Values
from lampway.errors import InvalidStrategyError, UsageError

WRITTEN = """\
# yaml-language-server: $schema=../schema/environment.schema.json

tier: prod   # the last one
platform: 'node-red'

# Where it is.
url: https://old.example.com   # set by lampway connect
access: {token: env:OLD}  # rotated in May
variables:   # the same for all
  # LIMIT: 1

# Nobody touches this.
connections: {}  # none yet
solutions:
    orders:
        # raised by Ada
        variables: {LIMIT: 0x32, RATE: 1.10, DAY: 2027-05-01, NOTHING: ""}
    # stock comes next year
"""
PROD = Environment("prod", "prod", "node-red", "https://new.example.com:1880")


def test_connecting_again_changes_the_address_and_nothing_else():
    expected = WRITTEN.replace("https://old.example.com ", "https://new.example.com:1880 ")
    assert with_environment(WRITTEN, PROD) == expected


def test_access_is_replaced_as_a_whole_and_new_settings_go_to_the_end():
    environment = Environment(
        "prod", "", "", "https://old.example.com", "https://shop.example.com",
        access={"user": "Lamp Way", "password": "file:/run/secrets/p w"}, maker_access={"token": "env:M"},
    )  # fmt: skip
    old, new = "access: {token: env:OLD}", "access: {user: Lamp Way, password: file:/run/secrets/p w}"
    tail = "public_url: https://shop.example.com\nmaker_access:\n  token: env:M\n"
    assert with_environment(WRITTEN, environment) == WRITTEN.replace(old, new) + tail


def test_access_in_lines_of_its_own_loses_the_lines_that_are_gone():
    text = (
        "tier: prod\nplatform: x\nurl: http://x\naccess:\n  # who\n  user: a\n  password: env:P # why\nvariables: {}\n"
    )
    edited = with_environment(text, Environment("prod", "prod", "x", "http://x", access={"user": "b", "key": "env:K"}))
    assert edited == text.replace("user: a", "user: b").replace("  password: env:P # why\n", "  key: env:K\n")


def test_the_same_settings_again_change_not_one_byte():
    environment = Environment("prod", "prod", "node-red", "https://old.example.com", access={"token": "env:OLD"})
    assert with_environment(WRITTEN, environment) == WRITTEN


def test_a_new_environment_is_explained_key_by_key(files):
    environment = Environment(
        "prod", "prod", "node-red", "https://new.example.com", access={"token": "env:T"},
        values=Values({"LIMIT": 5, "NAME": "a: b"}, {"ERP": {"user": "env:U"}}),
        solutions={"orders": Values({"A": True})},
    )  # fmt: skip
    text = with_environment(None, environment)
    assert "# The address of the platform's admin API.\nurl: https://new.example.com\n" in text
    assert load_strategy({**files, "environments/prod.yaml": text.encode()}).environment("prod") == environment
    assert with_environment("", environment) == text


@pytest.mark.parametrize("place", ["access", "maker_access"])
def test_a_secret_is_not_written_and_not_repeated(place):
    with pytest.raises(InvalidStrategyError) as caught:
        with_environment(None, Environment("prod", "prod", "x", "http://x", **{place: {"token": "hunter2"}}))
    assert "hunter2" not in "".join(str(m) + m.hint for m in caught.value.mistakes)
    assert "by reference" in caught.value.mistakes[0].message


def test_a_file_with_a_mistake_is_not_edited():
    with pytest.raises(InvalidStrategyError) as caught:
        with_environment(WRITTEN.replace("platform:", "plat_form:"), PROD)
    assert [str(m) for m in caught.value.mistakes] == [
        "environments/prod.yaml: key missing: platform",
        "environments/prod.yaml:4:1: unknown key: plat_form",
    ]


def test_adopted_values_are_added_below_the_solution():
    values = Values({"QUEUE": {"external": True}, "TEXT": "yes, 1"}, {"ERP": {"user": "env:U", "password": "env:P"}})
    old = ', NOTHING: ""}\n'
    new = ', NOTHING: "", QUEUE: {external: true}, TEXT: "yes, 1"}\n        connections:\n'
    new += "          ERP:\n            user: env:U\n            password: env:P\n"
    assert with_values(WRITTEN, "orders", values) == WRITTEN.replace(old, new)


def test_a_solution_that_had_no_values_gets_a_place_of_its_own():
    edited = with_values(WRITTEN, "stock", Values({"A": "x"}))
    expected = "    stock:\n      variables:\n        A: x\n"
    assert edited == WRITTEN + expected


@pytest.mark.parametrize("nothing", ["solutions: {}  # none\n", "solutions:  # none\n", "solutions: ~  # none\n", ""])
def test_the_first_solution_opens_the_section(nothing):
    text = f"tier: prod\nplatform: x\nurl: http://x\n{nothing}# the end"
    edited = with_values(text, "orders", Values({"A": 1}))
    assert read_document("f", edited.encode()).at("solutions") == {"orders": {"variables": {"A": 1}}}
    assert "# the end" in edited
    assert ("# none" in edited) == bool(nothing)


def test_values_that_exist_are_never_overwritten_neither_the_solutions_nor_everybodys():
    text = with_environment(
        None, Environment("p", "prod", "x", "http://x", values=Values({"ALL": 1}, {"C": {"u": "env:U"}}))
    )
    text = with_values(text, "orders", Values({"OWN": 1}))
    again = with_values(text, "orders", Values({"OWN": 2, "ALL": 2}, {"C": {"u": "env:OTHER"}}))
    assert again == text
    more = with_values(text, "orders", Values({"OWN": 2}, {"C": {"u": "env:OTHER", "p": "env:P"}}))
    assert read_document("f", more.encode()).at("solutions", "orders", "connections") == {"C": {"p": "env:P"}}


def test_nothing_to_add_leaves_the_file_alone():
    assert with_values(WRITTEN, "stock", Values()) == WRITTEN


def test_windows_line_ends_stay():
    edited = with_values(WRITTEN.replace("\n", "\r\n"), "stock", Values({"A": 1, "B": 2}))
    assert edited.count("\n") == edited.count("\r\n") == WRITTEN.count("\n") + 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{a: 1, b: {c: 2}}  # all in one line\n", {"a": 2, "b": {"c": 2, "d": [1, "x: y"]}, "e": "f"}),
        ("a: &x {q: 1}  # first\nb: *x  # second\n", {"a": {"q": 1}, "b": {"q": 2}}),
        ("a: &x\n  q: 1  # first\nb: *x\n", {"a": {"q": 2}, "b": {"q": 1}}),
        ("a:\n- x  # one\n- y: 1\n", {"a": ["x", {"y": 2}]}),
        ("a: |\n  text\n  # no comment\nb: 1\n", {"a": "text\n# no comment\n", "b": 2, "c": 3}),
        ("a: |\n  text\n", {"a": "other", "c": {"d": 1}}),
        ("? a\n: 1\n", {"a": 2}),
        ("'a b': 1\n\"c\": {d: 1,}\n", {"a b": "2", "c": {"d": 1, "e": 1}}),
        ("a: {}", {"a": {"b": 1}}),
        ("a:", {"a": {"b": 1}, "c": 1}),
        ("a: {b: {c: }}", {"a": {"b": {"c": {"d": None}}}}),
        ("---\na: 1\n...\n", {"a": 1, "b": 2}),
        ("a:\n  b:\n    c: 1\n# end\n", {"a": {"b": {"c": 1, "d": 1}, "e": 1}, "f": 1}),
        ("a: 'it''s'\n", {"a": "it's", "b": "it's"}),
    ],
)
def test_unusual_layouts_come_to_say_what_they_should(text, wanted):
    assert read_document("f", revise("f", text, wanted).encode()).value == wanted


def test_what_yaml_cannot_say_is_refused():
    with pytest.raises(UsageError, match="cannot be changed"):
        revise("f", "a: 1\n", {"a": float("inf")})


words = st.text(max_size=10) | st.sampled_from(
    ["yes", "1", "~", "null", "- a", "a: b", "#x", "x #y", "1e3", " a ", "é😀"]
)
scalars = words.filter(lambda t: "\x00" not in t) | st.integers(-9999, 9999) | st.booleans() | st.just(1.5)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(words, v, max_size=3), max_leaves=5)
mappings = st.dictionaries(words.filter(str.strip), st.dictionaries(words, values, max_size=3) | values, min_size=1)


@settings(deadline=None)
@given(value=mappings)
def test_whatever_is_written_reads_as_it_was_meant(value):
    for text in ("".join(block(key, item) for key, item in value.items()), inline(value)):
        document = read_document("f", text.encode("utf-8", "surrogatepass"))
        assert document.value == value or document.mistakes  # a NUL cannot be held at all


@settings(deadline=None)
@given(before=mappings, after=mappings, data=st.data())
def test_a_revision_says_what_is_wanted_and_keeps_every_comment(before, after, data):
    lines = "".join(block(key, item) for key, item in before.items()).splitlines()
    text = "".join(f"# comment {n}\n{line}\n" for n, line in enumerate(lines)) + "# the end\n"
    if read_document("f", text.encode("utf-8", "surrogatepass")).value != before:
        return  # characters YAML cannot hold at all
    wanted = {**copy.deepcopy(before), **after}
    try:
        revised = revise("f", text, wanted)
    except UsageError:
        return
    assert read_document("f", revised.encode()).value == wanted
    if not set(before) & set(after):
        assert [line for line in text.splitlines() if line.startswith("# ")] == [
            line for line in revised.splitlines() if line.startswith("# ")
        ]


def test_a_new_solution_is_explained_and_reads_as_it_was_meant(files):
    solution = Solution(
        "orders", "standard", "ada", ("Orders", "a: b"), rollback_plan="Tell: the desk.\nAnd the ERP.",
        constants=("C",), connections={"ERP": ("user",)},
        checks=(
            Check("health", "functional", 5.0, {"method": "GET", "path": "/h", "expect": {"status": 200}}),
            Check("smoke", "uat", command=("python", "-c", "print('#')")),
        ),
    )  # fmt: skip
    text = new_solution(solution)
    assert "# Who answers for it; an id in people.yaml.\nowner: ada\n" in text
    assert load_strategy({**files, "solutions/orders/solution.yaml": text.encode()}).solution("orders") == solution


def test_a_solution_without_anything_cannot_be_written():
    with pytest.raises(InvalidStrategyError, match="1 mistake"):
        new_solution(Solution("orders", "standard", "ada", ()))


def test_a_platform_that_asks_nobody_who_they_are_needs_no_credential():
    text = with_environment(WRITTEN, PROD, anonymous=True)
    assert "env:OLD" not in text
    assert "# the last one" in text
    assert read_document("environments/prod.yaml", text.encode()).value["access"] == {}
