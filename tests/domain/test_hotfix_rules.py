"""Which version a mend gets, and that it always is a new one right after what it mends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.hotfix import next_version
from lampway.domain.release import parse_version

VERSIONS = st.tuples(*(st.integers(0, 3) for _ in range(3))).map(lambda v: ".".join(map(str, v)))


@given(VERSIONS, st.sets(VERSIONS))
def test_it_is_the_lowest_free_patch_above_what_it_mends(base: str, taken: set[str]) -> None:
    version = next_version(base, taken)
    new, old = parse_version(version), parse_version(base)
    assert version not in taken
    assert new[:2] == old[:2]
    between = {f"{old[0]}.{old[1]}.{patch}" for patch in range(old[2] + 1, new[2])}
    assert between <= taken
