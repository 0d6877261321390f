"""What is not there yet is said beforehand, and refused with what works instead."""

from __future__ import annotations

import pytest

from lampway.domain.capability import Ability, Support
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Scope
from lampway.engine.platform import Access, Wanted
from lampway.errors import UsageError
from lampway.platforms.powerplatform import create

ACCESS = Access("dev", "https://org.crm.dynamics.com")
WANTED = Wanted("Orders", "1.0.0", b"", ConfigurationSet({}, {}), {})
CALLS = {
    "probe": lambda platform: platform.probe(ACCESS),
    "export": lambda platform: platform.export(ACCESS, Scope("Orders"), {}),
    "observe": lambda platform: platform.observe(ACCESS, {}),
    "plan": lambda platform: platform.plan(ACCESS, WANTED),
    "intend": lambda platform: platform.intend(ACCESS, WANTED, "import"),
    "perform": lambda platform: platform.perform(ACCESS, WANTED, "import", {}),
    "poll": lambda platform: platform.poll(ACCESS, {}),
    "look_up": lambda platform: platform.look_up(ACCESS, WANTED, "import", {}),
}


def test_no_ability_that_needs_an_environment_is_promised():
    listed = create().capabilities()
    assert [one.name for one in listed] == list(Ability)
    assert {one.support for one in listed if one.name is not Ability.PICTURE} == {Support.NOT_YET}


@pytest.mark.parametrize("call", CALLS)
def test_whatever_needs_an_environment_is_refused_with_what_works(call):
    with pytest.raises(UsageError, match="cannot be reached yet") as caught:
        CALLS[call](create())
    assert caught.value.where == "dev"
    assert "lampway inspect" in caught.value.hint
