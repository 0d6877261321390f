"""Whatever published solution it is: values of dev are taken out of its flows, and nothing else differs by a byte."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from lampway.platforms.powerplatform.package import SolutionFormat, read_package
from lampway.testing.solutions import Solution, compose, flow

FORMAT = SolutionFormat()
FOLDER = Path(__file__).parents[4] / "shared" / "data" / "power-platform"


def rules(package: bytes) -> list[str]:
    return [finding.rule for finding in FORMAT.inspect(package).findings]


def differing_lines(package: bytes, blanked: bytes) -> list[str]:
    """Return every line that differs in any member, as it is now."""
    before, after = read_package(package).archive, read_package(blanked).archive
    assert sorted(before.names) == sorted(after.names)
    found = []
    for name in before.names:
        old, new = (one.read(name, limit=one.size(name)) for one in (before, after))
        if old != new:
            lines = difflib.ndiff(old.decode().splitlines(keepends=True), new.decode().splitlines(keepends=True))
            found += [line[2:].strip() for line in lines if line.startswith("+ ")]
    return found


def test_a_flow_on_one_line_stays_on_one_line() -> None:
    import json

    made = Solution().variable("con_Site")
    made.flow("Ask", flow({"Do": compose("ä x")}, variables={"con_Site": "https://dev.test"}))
    (name,) = (name for name in made.members if name.startswith("Workflows/"))
    text = json.dumps(json.loads(made.members[name]), separators=(",", ":"), ensure_ascii=False)
    made.members[name] = b"\xef\xbb\xbf" + text.encode()
    done = FORMAT.blank_defaults(made.build())
    assert (
        read_package(done.package).archive.read(name) == b"\xef\xbb\xbf" + text.replace("https://dev.test", "").encode()
    )


def test_what_is_said_by_a_difference_is_what_was_taken() -> None:
    made = Solution().variable("con_Site")
    package = made.flow("Ask", flow({"Do": compose("x")}, variables={"con_Site": "https://dev.test"})).build()
    found = FORMAT.diff(package, FORMAT.blank_defaults(package).package)
    assert [one.component.name for one in found.changed] == ["Ask"]
    assert [edit.path for edit in found.changed[0].edits] == ["parameters/con_Site (con_Site)"]


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the collection of published solutions is not on this machine")
def test_every_published_solution_loses_just_these_values() -> None:
    taken = 0
    for file in sorted(FOLDER.glob("*.zip")):
        package = file.read_bytes()
        done = FORMAT.blank_defaults(package)
        taken += len(done.places)
        assert len(done.places) == rules(package).count("dev-value-as-default"), file.name
        assert "dev-value-as-default" not in rules(done.package), file.name
        if not done.places:
            assert done.package == package
            continue
        lines = differing_lines(package, done.package)
        indented = [line for line in lines if len(line) < 2000]
        assert all('"defaultValue": ""' in line or "defaultValue" not in line for line in indented), file.name
        assert len(lines) <= 2 * len(done.places), file.name
    assert taken == 36
