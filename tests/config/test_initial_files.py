"""What `lampway init` writes is valid at once, explains itself, and holds nothing that would have to be undone."""

import json

import pytest

from lampway.config import initial_files, load_strategy, schemas
from lampway.config.schemas import as_text, schema_files
from lampway.domain.cautions import cautions
from lampway.errors import InvalidStrategyError

ADA = ("ada", "Ada: Lovelace #1", "ada@example.com", ("maker", "platform-admin"))
BOB = ("bob", "Bob", "bob@example.com", ("approver", "platform-admin"))


def initial(*people, team="Order desk", **more):
    return initial_files(team=team, next_review="2027-05-01", people=people, **more)


def loaded(written):
    return load_strategy({path: text.encode() for path, text in written.items()})


def test_the_files_load_without_a_mistake_and_say_what_was_asked_for():
    strategy = loaded(initial(ADA, BOB, team='The "best": team # ever'))
    assert strategy.team == 'The "best": team # ever'
    assert [t.name for t in strategy.tiers] == ["sandbox", "dev", "test", "prod"]
    assert [(e.name, e.tier, e.platform) for e in strategy.environments] == [
        (name, name, "node-red") for name in ("dev", "test", "prod")
    ]
    assert strategy.person("ada@example.com").name == "Ada: Lovelace #1"
    assert strategy.tier("prod").locked
    assert strategy.second_person_applies


@pytest.mark.parametrize("unsigned", [False, True])
def test_an_approval_for_prod_is_signed_unless_somebody_said_otherwise(unsigned):
    strategy = loaded(initial(ADA, BOB, unsigned=unsigned))
    (rule,) = strategy.pipelines[0].stages[-1].rules_of("approval")
    assert rule.signed is not unsigned
    assert any("nobody signed" in caution for caution in cautions(strategy)) is unsigned


def test_one_person_alone_can_begin_and_is_told_about_the_second():
    written = initial(ADA)
    strategy = loaded(written)
    assert not strategy.second_person_applies
    assert "approver" in strategy.people[0].roles
    assert "# Nobody approves their own work" in written["people.yaml"]


def test_another_platform_is_written_into_every_environment():
    assert {e.platform for e in loaded(initial(ADA, BOB, platform="n8n")).environments} == {"n8n"}


def test_state_is_never_committed_and_addresses_are_marked():
    written = initial(ADA, BOB)
    assert ".lampway/" in written[".gitignore"].splitlines()
    assert "url: https://prod.example.invalid  # set by lampway connect\n" in written["environments/prod.yaml"]


def test_every_file_names_a_schema_that_is_written_too():
    written = initial(ADA, BOB)
    for path, text in written.items():
        if path.endswith(".yaml"):
            schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
            assert schema.removeprefix("../") in written
    assert "$$" not in "".join(written.values())


def test_the_example_of_a_solution_is_a_good_solution():
    written = dict(initial(ADA, BOB))
    example = written["solutions/README.md"].split("```yaml\n")[1].split("```")[0]
    assert loaded({**written, "solutions/orders/solution.yaml": example}).solution("orders").owner == "ada"


@pytest.mark.parametrize(
    "person", [("Ada", "A", "a@x", ("maker",)), ("ada", "A", "a", ("maker",)), ("ada", "A", "a@x", ("boss",))]
)
def test_people_that_cannot_be_are_told_on_loading(person):
    with pytest.raises(InvalidStrategyError):
        loaded(initial(person, BOB))


def test_the_published_schemas_are_those_of_the_models():
    assert {name: as_text(schema) for name, schema in schemas().items()} == schema_files(), (
        'write them anew: python -c "from lampway.config.schemas import write_schemas as w; w()"'
    )


def test_every_key_in_the_schemas_is_described():
    def undescribed(schema, path):
        if isinstance(schema, dict):
            for name, item in schema.get("properties", {}).items():
                if "description" not in item:
                    yield f"{path}/{name}"
            for key, item in schema.items():
                yield from undescribed(item, f"{path}/{key}")
        elif isinstance(schema, list):
            for item in schema:
                yield from undescribed(item, path)

    assert list(undescribed(schemas(), "")) == []


def test_unknown_keys_are_refused_by_the_schemas_too():
    for schema in schemas().values():
        assert schema["additionalProperties"] is False
        json.dumps(schema)
