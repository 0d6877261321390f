"""Old content under a version that is free: nothing but the manifest changes, and anybody can tell what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.digest import digest_bytes
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.manifest import version_key
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.platforms.powerplatform.restamp import free_version, read_mark, restamp
from lampway.testing.solutions import Solution, compose, flow, zipped

DATA = Path(__file__).parents[4] / "shared" / "data" / "power-platform"


def package(descriptions: str = "<Descriptions />", version: str = "1.2.0") -> bytes:
    solution = Solution(name="Orders", version=version, managed=True).flow("Notify", flow({"Do": compose("x")}))
    built = read_package(solution.build()).archive
    members = {name: built.read(name) for name in built.names}
    members["solution.xml"] = members["solution.xml"].replace(b"<Descriptions />", descriptions.encode())
    return zipped(members)


def description_of(data: bytes) -> str:
    from xml.etree import ElementTree as ET

    archive = read_package(data).archive
    return " | ".join(e.get("description", "") for e in ET.fromstring(archive.read("solution.xml")).iter("Description"))


DESCRIPTIONS = [
    "<Descriptions />",
    "<Descriptions></Descriptions>",
    '<Descriptions><Description description="Orders &amp; more" languagecode="1033" /></Descriptions>',
    (
        '<Descriptions><Description languagecode="1031" description=\'Auf "trag"\'/>'
        '<Description description="Orders" languagecode="1033"></Description></Descriptions>'
    ),
    f'<Descriptions><Description description="{"&amp;" * 1999}" languagecode="1033" /></Descriptions>',
    "<Descriptions><Description description='Auftrag' languagecode='1031' /></Descriptions>",
]


@pytest.mark.parametrize("descriptions", DESCRIPTIONS)
def test_the_description_tells_which_release_and_which_bytes_it_is(descriptions: str) -> None:
    sealed = package(descriptions)
    raised = restamp(sealed, "1.3.0.1")
    mark = read_mark(description_of(raised).rpartition(" | ")[2], "1.3.0.1")
    assert mark is not None
    assert (mark.solution, mark.version, mark.digest) == ("Orders", "1.2.0", digest_bytes(sealed))
    assert SolutionFormat().inspect(raised).inventory.version == "1.3.0.1"


@pytest.mark.parametrize("descriptions", DESCRIPTIONS)
def test_nothing_but_the_manifest_changes(descriptions: str) -> None:
    sealed = package(descriptions)
    before, after = (read_package(data).archive for data in (sealed, restamp(sealed, "1.3.0.1")))
    assert sorted(before.names) == sorted(after.names)
    assert [n for n in before.names if before.read(n) != after.read(n)] == ["solution.xml"]
    assert SolutionFormat().diff(sealed, restamp(sealed, "1.3.0.1")).is_empty


def test_an_older_line_gives_way_to_the_newer_one() -> None:
    once = restamp(package(DESCRIPTIONS[2]), "1.3.0.1")
    twice = restamp(once, "1.3.0.2")
    assert description_of(twice).count("Lampway:") == 1
    assert description_of(twice).startswith("Orders & more; Lampway:")


def test_a_line_about_another_version_says_nothing() -> None:
    told = description_of(restamp(package(), "1.3.0.1"))
    assert read_mark(told, "1.4.0") is None
    assert read_mark(told, "") is None
    assert read_mark(None, "1.4.0") is None
    assert read_mark(told.replace("as 1.3.0.1", "as 1.4"), "1.4.0.0") is not None


@given(st.lists(st.integers(0, 99999), min_size=1, max_size=4))
def test_a_free_version_is_higher_than_what_is_held_and_lower_than_the_next_release(parts: list[int]) -> None:
    held = ".".join(map(str, parts))
    free = free_version(held)
    assert version_key(held) < version_key(free)
    release = [*parts, 0, 0, 0][:3]
    assert version_key(free) < version_key(".".join(map(str, [*release[:2], release[2] + 1])))


@pytest.mark.parametrize("name", ["AgentInventoryUsage_20260312_0_managed.zip", "govcdm_core_1_0_1_0_managed.zip"])
def test_real_packages_can_be_rolled_forward(name: str) -> None:
    if not (DATA / name).is_file():
        pytest.skip("the collection of published solutions is not on this machine")
    sealed = (DATA / name).read_bytes()
    raised = restamp(sealed, "20270101.0.0.1")
    mark = read_mark(description_of(raised), "20270101.0.0.1")
    assert mark is not None
    assert mark.digest == digest_bytes(sealed)
    assert SolutionFormat().diff(sealed, raised).is_empty


def test_a_language_that_has_no_description_gets_one_for_it_is_the_one_that_is_read_back() -> None:
    other = '<Descriptions><Description description="Auftrag" languagecode="1031" /></Descriptions>'
    told = description_of(restamp(package(other), "1.3.0.1")).split(" | ")
    assert len(told) == 2
    assert told[0].startswith("Auftrag; Lampway:")
    assert all(read_mark(one, "1.3.0.1") for one in told)
