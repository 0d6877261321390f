"""Accounts and claims in people.yaml: read as they are meant, and one mistake per slip."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy
from lampway.domain.accounts import Account, ClaimRule
from lampway.domain.strategy_diff import compare
from lampway.errors import InvalidStrategyError

FILE, BEFORE = "people.yaml", "roles: [maker]\n"
ACCOUNT = "{issuer: https://login.example.com/, subject: 00u1}"
GOOD = f"""\
roles: [maker]
    accounts:
      - {ACCOUNT}
"""
RULES = "claims:\n  - {claim: groups, value: prod approvers, role: approver}\npeople:\n"


def test_what_is_declared_comes_out_as_it_is_meant_and_a_change_of_it_is_told(files, altered) -> None:
    before = load_strategy(files)
    named = load_strategy(altered(FILE, BEFORE, GOOD))
    assert named.people[0].accounts == (Account("https://login.example.com", "00u1"),)
    ruled = load_strategy(altered(FILE, "people:\n", RULES))
    assert ruled.claims == (ClaimRule("groups", "prod approvers", "approver"),)
    assert (before.claims, before.people[0].accounts) == ((), ())
    assert "00u1 at https://login.example.com" in str(compare(before, named))
    assert "groups prod approvers gives approver" in str(compare(before, ruled))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("people:\n", RULES.replace("role: approver", "role: aprover"), "unknown role: aprover"),
        ("people:\n", RULES.replace("value: prod approvers, ", ""), "value"),
        ("people:\n", RULES.replace("prod approvers", "' '"), "value must not be blank"),
        (BEFORE, GOOD.replace("subject: 00u1", "subject: ''"), "subject"),
        (BEFORE, GOOD.replace("https://login.example.com/", "login"), "issuer"),
    ],
)
def test_each_slip_is_one_mistake_with_a_cure(altered, old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy(altered(FILE, old, new))
    (mistake,) = caught.value.mistakes
    assert said in mistake.message
    assert mistake.hint


def test_an_account_is_one_persons(altered) -> None:
    both = altered(FILE, BEFORE, GOOD)
    same = ACCOUNT.replace(".com/", ".com")
    text = both[FILE].decode().replace("roles: [approver, platform-admin]", f"accounts: [{same}]")
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy({**both, FILE: text.encode()})
    assert any("this account is ada's already" in mistake.message for mistake in caught.value.mistakes)
