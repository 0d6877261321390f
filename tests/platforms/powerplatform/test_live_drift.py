"""What somebody did to an environment is told in a maker's words; what is no edit is not told as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from looked_at import CONFIGURATION, REFERENCE, SITE, VALUE, Place, orders

from lampway.domain.configuration import EXTERNAL, ConfigurationSet
from lampway.engine.platform import Installed
from lampway.platforms.powerplatform.layers import AT_ONCE
from lampway.platforms.powerplatform.restamp import restamp
from lampway.testing.dataverse import DataverseEmulator
from lampway.testing.dataverse.layering import edit as edit_part
from lampway.testing.dataverse.package import Part
from lampway.testing.solutions import Solution, compose, flow


@pytest.fixture
def prod() -> Iterator[Place]:
    with DataverseEmulator(("dev", "prod")) as emulator:
        yield Place(emulator, emulator.environment("prod"))


def words(place: Place, installed: Installed) -> list[str]:
    seen = place.observe(installed)
    return [*seen.definition.summaries(), *(one.summary for one in seen.configuration)]


def change_header(place: Place, kind: str, name: str, old: str, new: str) -> None:
    """Edit something else than a flow in place."""
    part = place.maker.component(kind, name).part
    assert old in part.header
    changed = Part(part.kind, part.key, part.name, part.id, part.section, part.header.replace(old, new), part.files)
    edit_part(place.environment.organisation, changed, place.maker.user.id)


def test_what_was_deployed_and_left_alone_is_no_drift(prod: Place) -> None:
    seen = prod.observe(prod.install(orders(draft=True)))
    assert seen.is_clean
    assert seen.definition.unchanged == 6


def test_a_flow_that_was_edited_is_told_action_by_action(prod: Place) -> None:
    installed = prod.install(orders())
    prod.edit_price("2.99")
    prod.edit_flow("Tell", lambda actions: actions.update(Mail={"type": "Compose", "inputs": "x", "runAfter": {}}))
    (price, tell) = prod.observe(installed).definition.changed
    assert (price.component.name, [e.summary for e in price.edits]) == (
        "Price",
        ["action *Price*: what it is given changed from `1.19` to `2.99`"],
    )
    assert (tell.component.name, [e.summary for e in tell.edits]) == (
        "Tell",
        ["action *Mail* (Compose) added at the start"],
    )


def test_an_edit_that_comes_to_nothing_is_told_for_it_hides_the_next_release(prod: Place) -> None:
    installed = prod.install(orders())
    prod.maker.edit_flow("Price", lambda whole: whole["properties"].update(templateName="saved"))
    assert words(prod, installed) == [
        "flow *Price*: saved in place without a difference; it still keeps the next release from showing"
    ]


def test_what_is_no_flow_is_told_by_the_columns_of_its_layer(prod: Place) -> None:
    installed = prod.install(orders())
    change_header(prod, "entity", "con_Order", 'LocalizedName="Order"', 'LocalizedName="Purchase"')
    (change,) = prod.observe(installed).definition.changed
    assert (change.component.type, change.component.name) == ("table", "Order")
    assert change.edits[0].summary.startswith("edited in place: *header* changed from")
    assert change.component.fingerprint, "it is a component of the release"


def test_the_default_of_a_variable_named_like_a_secret_is_never_told(prod: Place) -> None:
    made = Solution("Limits", managed=True).variable("con_ApiKey", default="sesame-one").build()
    prod.deployer().install(made)
    part = prod.maker.component("environmentvariabledefinition", "con_ApiKey").part
    files = {name: content.replace(b"sesame-one", b"sesame-two") for name, content in part.files.items()}
    changed = Part(part.kind, part.key, part.name, part.id, part.section, part.header, files)
    edit_part(prod.environment.organisation, changed, prod.maker.user.id)
    seen = prod.observe(Installed(made, ConfigurationSet()))
    assert [change.component.name for change in seen.definition.changed] == ["con_ApiKey"]
    assert "sesame" not in repr(seen)


def test_another_version_is_told_with_what_it_changes(prod: Place) -> None:
    installed = prod.install(orders())
    prod.install(orders("1.1.0.0", price="9.99"), upgrade=True)
    assert words(prod, installed) == [
        "solution *Orders*: version 1.1.0.0 is installed, and 1.0.0.0 was deployed",
        "flow *Price*: action *Price*: what it is given changed from `1.19` to `9.99`",
    ]


def test_old_content_under_a_raised_version_is_what_was_deployed(prod: Place) -> None:
    first = orders().build()
    prod.install(orders("1.1.0.0", price="9.99"))
    prod.deployer().install(restamp(first, "1.1.0.1"), upgrade=True)
    assert prod.observe(Installed(first, CONFIGURATION)).is_clean
    other = prod.observe(Installed(orders(price="3.33").build(), CONFIGURATION))
    assert "version 1.1.0.1 is installed, and 1.0.0.0 was deployed" in other.definition.summaries()[0]


def test_what_makers_brought_in_themselves_is_told_as_unmanaged(prod: Place) -> None:
    prod.maker.load(orders(managed=False).build())
    seen = prod.observe(Installed(orders().build(), ConfigurationSet()))
    assert seen.definition.summaries()[0] == "solution *Orders*: it is unmanaged there, and managed was deployed"
    assert not any("edited in place" in line for line in seen.definition.summaries()), (
        "everything is, where it is built"
    )


def test_a_solution_that_is_gone_is_told_component_by_component(prod: Place) -> None:
    seen = prod.observe(Installed(orders().build(), CONFIGURATION))
    assert {(c.type, c.name) for c in seen.definition.removed} >= {("flow", "Tell"), ("table", "Order")}
    assert not seen.configuration


def test_a_component_that_was_lost_is_told(prod: Place) -> None:
    installed = prod.install(orders())
    prod.maker.lose("workflow", "Tell")
    assert [(c.type, c.name) for c in prod.observe(installed).definition.removed] == [("flow", "Tell")]


def test_a_component_that_no_release_put_into_the_solution_is_told(prod: Place) -> None:
    installed = prod.install(orders())
    prod.maker.add_flow("Smuggled", flow({"Do": compose("x")}), solution="Orders")
    (added,) = prod.observe(installed).definition.added
    assert (added.type, added.name) == ("flow", "Smuggled")


GIVEN: dict[str, tuple[Any, str]] = {
    "another value": (
        lambda place: place.maker.set_value(SITE, "https://secret.place"),
        f"environment variable *{SITE}* has another value than the one that was given",
    ),
    "no value": (
        lambda place: place.maker.lose("environmentvariablevalue", SITE),
        f"environment variable *{SITE}* no longer has the value that was given",
    ),
    "another connection": (
        lambda place: place.maker.bind(REFERENCE, "another-connection"),
        f"connection reference *{REFERENCE}* stands for another connection than the one that was given",
    ),
    "no connection": (
        lambda place: place.maker.bind(REFERENCE, ""),
        f"connection reference *{REFERENCE}* no longer stands for a connection",
    ),
    "a flow off": (lambda place: place.maker.turn_off("Tell"), "flow *Tell* was turned off"),
    "a draft on": (lambda place: place.maker.turn_on("Draft"), "flow *Draft* was turned on"),
    "another owner": (
        lambda place: place.maker.flow("Price").live.update(ownerid=place.maker.user.id),
        "flow *Price* was given to another owner than whoever deployed it",
    ),
}


@pytest.mark.parametrize("what", GIVEN)
def test_what_the_environment_gives_is_drift_of_its_own_and_no_value_is_told(prod: Place, what: str) -> None:
    installed = prod.install(orders(draft=True))
    change, told = GIVEN[what]
    change(prod)
    seen = prod.observe(installed)
    assert seen.definition.is_empty
    assert [one.summary for one in seen.configuration] == [told]
    assert "secret.place" not in repr(seen)
    assert VALUE not in repr(seen)


def test_what_was_never_given_is_told(prod: Place) -> None:
    installed = replace(prod.install(orders()), configuration=ConfigurationSet())
    assert words(prod, installed) == [
        f"environment variable *{SITE}* has a value that was not given",
        f"connection reference *{REFERENCE}* stands for a connection that was not given",
    ]


def test_a_value_that_came_with_the_package_is_one_that_was_given(prod: Place) -> None:
    package = Solution("Limits", managed=True).variable("con_Most", value="5").build()
    prod.deployer().install(package)
    installed = Installed(package, ConfigurationSet())
    assert prod.observe(installed).is_clean
    prod.maker.set_value("con_Most", "6")
    assert words(prod, installed) == ["environment variable *con_Most* has another value than the one that was given"]


def test_values_of_other_places_and_references_are_not_compared(prod: Place) -> None:
    """What is given by reference cannot be seen, and what the surroundings give may be anything."""
    given = ConfigurationSet({SITE: EXTERNAL}, {REFERENCE: {"connection": "env:CONNECTION"}})
    assert prod.observe(replace(prod.install(orders()), configuration=given)).is_clean


def test_numbers_and_json_are_compared_by_what_they_are(prod: Place) -> None:
    made = Solution("Limits", managed=True).variable("con_Most", "number").variable("con_Who", "json")
    made.variable("con_On", "yes/no")
    installed = Installed(
        made.build(), ConfigurationSet({"con_Most": 5, "con_Who": {"a": 1, "b": [2]}, "con_On": True})
    )
    prod.deployer().install(made.build())
    for name, value in (("con_Most", "5.0"), ("con_Who", '{"b": [2], "a": 1}'), ("con_On", "Yes")):
        prod.maker.set_value(name, value)
    assert prod.observe(installed).is_clean
    prod.maker.set_value("con_Most", "6")
    assert len(prod.observe(installed).configuration) == 1


def test_what_was_switched_off_by_us_is_as_it_should_be(prod: Place) -> None:
    installed = prod.install(orders())
    prod.platform.deactivate(prod.access, installed)
    assert prod.observe(replace(installed, is_on=False)).is_clean
    assert [one.summary for one in prod.observe(installed).configuration] == [
        "flow *Price* was turned off",
        "flow *Tell* was turned off",
    ]


def test_values_that_the_platform_pushes_into_flows_are_no_edit(prod: Place) -> None:
    """A layer may come of it all the same; nothing in the flow is another."""
    installed = prod.install(orders())

    def push(whole: dict[str, Any]) -> None:
        for parameter in whole["properties"]["definition"]["parameters"].values():
            if "metadata" in parameter:
                parameter["defaultValue"] = VALUE

    prod.maker.edit_flow("Price", push)
    assert not any("environment variable" in line for line in words(prod, installed))


def test_columns_that_only_say_when_are_no_edit(prod: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = prod.install(orders())
    change_header(prod, "entity", "con_Order", "decimal", "money")
    monkeypatch.setattr(
        "lampway.testing.dataverse.layers.component_json",
        lambda part: {"modifiedon": str(len(part.header)), "statecode": len(part.header)},
    )
    assert prod.observe(installed).is_clean


def test_what_no_release_put_there_is_named_and_the_platforms_own_is_not(prod: Place) -> None:
    installed = prod.install(orders())
    prod.maker.load(Solution(name="Private", managed=False).flow("Inside", flow({"Do": compose("x")})).build())
    prod.deployer().install(Solution(name="Bought", managed=True).build())
    prod.maker.add_flow("Loose", flow({"Do": compose("x")}))
    unowned = prod.platform.observe(prod.access, {"orders": installed}).unowned
    assert [(one.type, one.name) for one in unowned] == [
        ("solution", "Bought"),
        ("solution", "Private"),
        ("flow", "Loose"),
    ]


def test_looking_twice_tells_the_same_revision_and_any_change_another(prod: Place) -> None:
    installed = {"orders": prod.install(orders())}
    see = lambda: prod.platform.observe(prod.access, installed).revision  # noqa: E731
    seen = [see(), see()]
    prod.edit_price()
    seen.append(see())
    prod.maker.turn_off("Tell")
    seen.append(see())
    prod.maker.set_value(SITE, "https://elsewhere")
    seen.append(see())
    assert seen[0] == seen[1]
    assert len(set(seen)) == 4


def big(flows: int) -> Solution:
    made = Solution(name="Orders", managed=True)
    for number in range(flows):
        made.flow(f"Flow {number}", flow({"Do": compose(f"does {number}")}), on=False)
    return made


def test_only_what_is_marked_as_customized_is_asked_for_and_a_few_at_once(prod: Place) -> None:
    installed = Installed(big(300).build(), ConfigurationSet())
    prod.deployer().install(installed.package)
    for number in range(20):
        prod.edit_flow(f"Flow {number}", lambda actions: actions["Do"].update(inputs="edited"))
    before = len(prod.asked())
    seen = prod.observe(installed)
    asked = prod.asked()[before:]
    assert len(seen.definition.changed) == 20
    assert asked.count("msdyn_solutioncomponentsummaries") == 1
    assert asked.count("msdyn_componentlayers") == 0, "what a flow does tells more than its layer"
    assert asked.count("workflows") == 20 + 1
    assert len(set(asked)) == 7
    assert len(asked) - asked.count("solutioncomponents") == 6 + 20
    assert AT_ONCE < 20


def test_nothing_is_changed_by_looking(prod: Place) -> None:
    installed = prod.install(orders())
    prod.edit_price()
    before = json.dumps(prod.maker.definition("Price"))
    count = len(prod.environment.requests)
    prod.observe(installed)
    assert {entry.method for entry in prod.environment.requests[count:]} == {"GET"}
    assert json.dumps(prod.maker.definition("Price")) == before
    assert not any("RemoveActive" in entry.path for entry in prod.environment.requests)
