"""What an environment gives, by names as a platform compares them: one value for one variable, or none and a reason."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.configuration import EXTERNAL, ConfigurationSet, resolve
from lampway.domain.package import Connection, Inventory, Variable
from lampway.domain.sharing import Shared, notes_of, shared_values
from lampway.domain.strategy import Environment, Values

API, MAIL = "contoso_ApiUrl", "contoso_mail"


def inventory(*, required: bool = True, caseless: bool = True, shared: bool = True, mail: bool = True) -> Inventory:
    return Inventory(
        platform="memory",
        solution="orders",
        version="1.0.0",
        managed=None,
        fingerprint="f",
        components=(),
        variables=(Variable(API, "string", required, not required),),
        connections=(Connection(MAIL, "smtp", ("connection",)),) if mail else (),
        caseless=caseless,
        shared=shared,
    )


def prod(variables: dict[str, Any] | None = None, connections: Any = None, **solutions: Values) -> Environment:
    given_ = Values(variables or {}, connections or {MAIL: {"connection": "c1"}})
    return Environment("prod", "prod", "memory", "memory://prod", values=given_, solutions=solutions)


@pytest.mark.parametrize("name", ["contoso_apiurl", "CONTOSO_APIURL", API])
def test_where_names_are_caseless_a_value_counts_however_it_is_spelled(name: str) -> None:
    place = prod({name: "https://x"}, {MAIL.upper(): {"connection": "c1"}})
    configuration, missing = resolve(place, "orders", inventory())
    assert missing == ()
    assert configuration == ConfigurationSet({API: "https://x"}, {MAIL: {"connection": "c1"}})


def test_the_spelling_changes_nothing_that_a_promotion_is_bound_to() -> None:
    one, other = (resolve(prod({name: "x"}), "orders", inventory())[0].digest for name in (API, API.lower()))
    assert one == other


def test_what_a_solution_is_given_wins_in_any_spelling() -> None:
    place = prod({API: "common"}, orders=Values({API.upper(): "own"}))
    assert resolve(place, "orders", inventory())[0].variables == {API: "own"}


@pytest.mark.parametrize("required", [True, False])
def test_two_spellings_in_one_place_are_no_value_and_both_are_named(required: bool) -> None:
    place = prod({API: "one", API.lower(): "two"}, {MAIL: {"connection": "1"}, MAIL.upper(): {"connection": "2"}})
    configuration, missing = resolve(place, "orders", inventory(required=required))
    assert configuration == ConfigurationSet()
    assert [one.words for one in missing] == [
        f"variable {API} (given more than once: {API} and {API.lower()} are the same name there)",
        f"connection {MAIL} / connection (given more than once: {MAIL} and {MAIL.upper()} are the same name there)",
    ]


def test_where_the_case_counts_a_near_miss_is_named() -> None:
    place = prod({API.lower(): "x"}, {MAIL.upper(): {"connection": "1"}})
    configuration, missing = resolve(place, "orders", inventory(caseless=False))
    assert configuration == ConfigurationSet()
    assert [one.why for one in missing] == [
        f"{API.lower()} is given: write it as {API}",
        f"{MAIL.upper()} is given: write it as {MAIL}",
    ]


def test_where_the_case_counts_two_names_are_two_values() -> None:
    place = prod({API: "one", API.lower(): "two"})
    assert resolve(place, "orders", inventory(caseless=False))[0].variables == {API: "one"}
    assert resolve(place, "orders", inventory(caseless=False, required=False))[1] == ()


@given(
    st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=3), st.integers(), max_size=6),
    st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=3), st.integers(), max_size=6),
    st.text(string.ascii_letters, min_size=1, max_size=3),
)
def test_a_variable_gets_one_value_that_was_given_or_none_and_a_reason(
    common: dict[str, Any], own: dict[str, Any], name: str
) -> None:
    wanted = replace(inventory(mail=False), variables=(Variable(name, "number", True, False),))
    configuration, missing = resolve(prod(common, orders=Values(own)), "orders", wanted)
    spelled = [[value for key, value in layer.items() if key.casefold() == name.casefold()] for layer in (own, common)]
    expected = next((values for values in spelled if values), [])
    assert list(configuration.variables.values()) == (expected if len(expected) == 1 else [])
    assert len(missing) == (len(expected) != 1)


# What two solutions share.


def shared(place: Environment, *, configuration: ConfigurationSet | None = None, **how: bool) -> list[Shared]:
    mine = inventory(**how)
    given_ = configuration or resolve(place, "orders", mine)[0]
    return list(shared_values(place, "orders", mine, given_, {"billing": replace(mine, solution="billing")}))


def test_another_value_for_another_solution_is_a_clash_that_names_both_and_their_places() -> None:
    place = prod({API: "common"}, orders=Values({API: "mine"}))
    clash, same = shared(place)
    assert not clash.is_same
    assert clash.words == (
        f"variable {API} is shared with billing, and `solutions: orders: variables` of environments/prod.yaml gives "
        "another value than `variables` of environments/prod.yaml: each would overwrite the other's"
    )
    assert "for the whole environment" in clash.cure
    assert (same.kind, same.is_same) == ("connection", True)
    assert "given the same by `connections` of environments/prod.yaml" in same.words


def test_no_value_is_told() -> None:
    place = prod({API: "s3cret-common"}, orders=Values({API: "s3cret-mine"}))
    assert not any("s3cret" in one.words + one.cure for one in shared(place))


def test_a_connection_can_clash_as_well() -> None:
    place = prod({API: "x"}, billing=Values({}, {MAIL.upper(): {"connection": "c2"}}))
    assert [(one.kind, one.is_same) for one in shared(place)] == [("variable", True), ("connection", False)]


def test_a_value_that_changes_for_both_at_once_stands_in_nobodys_way() -> None:
    """What the other was deployed with is still the old one; its next deployment brings the new one."""
    assert all(one.is_same for one in shared(prod({API: "new"})))


@pytest.mark.parametrize(
    ("whose", "words"),
    [
        ("orders", "which is given none and would get what `solutions: orders: variables` of environments/prod.yaml"),
        ("billing", "and given by `solutions: billing: variables` of environments/prod.yaml alone"),
    ],
)
def test_a_value_for_one_of_them_alone_would_hold_for_both(whose: str, words: str) -> None:
    """Whoever is given none would find a value there that nobody gave."""
    (told, _) = shared(prod(**{whose: Values({API: "mine"})}), required=False)
    assert not told.is_same
    assert told.words.startswith(f"variable {API} is shared with billing, {words}")


def test_what_nobody_gives_is_nobodys_concern() -> None:
    assert [one.kind for one in shared(prod(), required=False)] == ["connection"]


def test_what_is_the_same_for_many_is_told_once() -> None:
    mine, place = inventory(), prod({API: "x"})
    others = {name: replace(mine, solution=name) for name in ("billing", "sales")}
    told = notes_of(shared_values(place, "orders", mine, resolve(place, "orders", mine)[0], others))
    assert told == (
        f"variable {API} is shared with billing, sales: all are given the same",
        f"connection {MAIL} is shared with billing, sales: all are given the same",
    )


def test_what_the_surroundings_give_overwrites_nothing() -> None:
    for whose in ("orders", "billing"):
        found = shared(prod({API: "x"}, **{whose: Values({API: EXTERNAL})}))
        assert [one.kind for one in found] == ["connection"]


def test_a_configuration_of_before_is_named_as_what_it_is() -> None:
    (told, _) = shared(prod({API: "new"}), configuration=ConfigurationSet({API: "old"}))
    assert not told.is_same
    assert "the configuration that orders had before" in told.words


def test_where_names_are_a_solutions_own_nothing_is_shared() -> None:
    assert shared(prod({API: "x"}, orders=Values({API: "y"})), shared=False) == []
