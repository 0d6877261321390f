"""Every preset is a strategy that holds from the first day: valid, commented, and fit for the people it has."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy
from lampway.config.presets import Wish, preset_files
from lampway.domain.presets import PRESETS
from lampway.errors import UsageError

PEOPLE = (
    ("ada", "Ada", "ada@example.com", ("maker", "platform-admin")),
    ("ben", "Ben", "ben@example.com", ("approver", "platform-admin")),
    ("cleo", "Cleo", "cleo@example.com", ("approver", "release-manager")),
    ("dora", "Dora", "dora@example.com", ("tester", "solution-owner")),
    ("emil", "Emil", "emil@example.com", ("auditor",)),
)


def begun(preset: str, people=PEOPLE, **more):
    people = people[:1] if preset == "solo" else people
    return preset_files(Wish("Order: desk #1", "2027-05-01", people, preset=preset, **more))


def loaded(files):
    return load_strategy({path: text.encode() for path, text in files.items()})


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_passes_the_check_and_explains_itself(preset):
    files = begun(preset)
    strategy = loaded(files)
    assert strategy.team == "Order: desk #1"
    assert strategy.tiers[-1].locked
    text = files["lampway.yaml"]
    assert text.count("#") > 20
    assert text.startswith("# yaml-language-server: $schema=schema/lampway.schema.json\n")
    assert "$team" not in text


@pytest.mark.parametrize("preset", PRESETS)
def test_environments_may_have_other_names_and_the_path_goes_through_them(preset):
    files = begun(preset, environments=(("build", "dev"), ("qa", "test"), ("live-eu", "prod"), ("play", "sandbox")))
    strategy = loaded(files)
    (path,) = strategy.pipelines
    assert path.source == "build"
    assert [s.environment for s in path.stages if s.name in ("test", "prod")] == ["qa", "live-eu"]
    assert strategy.environment("play").tier == "sandbox"
    assert strategy.environment("live-eu").access == {"token": "env:LIVE_EU_TOKEN"}
    assert not {"environments/dev.yaml", "environments/test.yaml", "environments/prod.yaml"} & set(files)
    lines = begun(preset)["lampway.yaml"].splitlines()
    assert [s.environment for s in path.hotfix] in ([], ["qa", "live-eu"])
    renamed = {"    from: dev", "        environment: test", "        environment: prod"}
    assert not set(lines) - set(files["lampway.yaml"].splitlines()) - renamed, "comments stay"


def test_solo_is_for_one_and_goes_on_without_anybody_else():
    strategy = loaded(begun("solo"))
    (rule,) = strategy.pipelines[0].stages[-1].rules_of("approval")
    assert rule.cooling == 3600
    assert not strategy.second_person_applies
    with pytest.raises(UsageError, match="one person, and 5 are named"):
        preset_files(Wish("x", "2027-05-01", PEOPLE, preset="solo"))


def test_under_regulation_two_sign_and_nothing_is_waived():
    strategy = loaded(begun("regulated"))
    stage = strategy.pipelines[0].stages[-1]
    (rule,) = stage.rules_of("approval")
    assert (rule.quorum, rule.signed, stage.waiver_roles) == (2, True, ())
    assert [tier.name for tier in strategy.tiers] == ["sandbox", "dev", "test", "uat", "prod"]
    assert strategy.conflicts


def test_a_preset_says_whom_it_lacks_all_at_once():
    with pytest.raises(UsageError) as caught:
        preset_files(Wish("x", "2027-05-01", PEOPLE[:1], preset="regulated"))
    told = [caught.value.message, *caught.value.details]
    assert len(told) == len(PRESETS["regulated"].needs)
    assert "2 approvers who make nothing" in told[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"preset": "huge"}, "no such preset: huge"),
        ({"environments": (("qa", "moon"),)}, "no tier moon"),
        ({"environments": (("qa", "test"), ("qa", "prod"))}, "given twice: qa"),
    ],
)
def test_what_cannot_be_is_told(more, said):
    with pytest.raises(UsageError, match=said):
        preset_files(Wish("x", "2027-05-01", PEOPLE, **more))
