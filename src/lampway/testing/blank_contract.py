"""What every package format must prove that declares `blank`; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions
from __future__ import annotations

from collections.abc import Sequence

import pytest

from lampway.engine.abilities import Blankable
from lampway.engine.platform import PackageFormat


class BlankContract:
    """What taking values of dev out of a package must keep.

    The fixture `form` is the format; `left` a package in which dev left values, `cleared` the same build whose maker
    left none, and `left_values` those values, which are nowhere else in the package.
    """

    @pytest.fixture
    def form(self) -> PackageFormat:
        """Return the format. Must be overridden."""
        raise NotImplementedError

    @pytest.fixture
    def left(self) -> bytes:
        """Return a package in which dev left values. Must be overridden."""
        raise NotImplementedError

    @pytest.fixture
    def cleared(self) -> bytes:
        """Return the same build without them. Must be overridden."""
        raise NotImplementedError

    @pytest.fixture
    def left_values(self) -> Sequence[str]:
        """Return the values that dev left. Must be overridden."""
        raise NotImplementedError

    def test_what_was_taken_out_is_found_no_more(self, form: PackageFormat, left: bytes) -> None:
        """And whatever else was found before is found still."""
        assert isinstance(form, Blankable)
        blanked = form.blank(left)
        before, after = set(form.inspect(left).findings), set(form.inspect(blanked.package).findings)
        assert after <= before
        assert {f.place for f in before - after} == {b.place for b in blanked.blanks}
        assert blanked.blanks

    def test_no_value_is_told_or_kept(self, form: PackageFormat, left: bytes, left_values: Sequence[str]) -> None:
        """Places and names are told, and what was there is in no text of the package."""
        assert isinstance(form, Blankable)
        blanked = form.blank(left)
        texts = "\n".join(data.decode("utf-8", "replace") for data in form.unpack(blanked.package).values())
        before = "\n".join(data.decode("utf-8", "replace") for data in form.unpack(left).values())
        for value in left_values:
            assert value in before
            assert value not in texts
            assert value not in repr(blanked.blanks)

    def test_it_does_what_the_build_does_whose_maker_left_none(
        self, form: PackageFormat, left: bytes, cleared: bytes
    ) -> None:
        """Nothing is lost, and nothing is added."""
        assert isinstance(form, Blankable)
        blanked = form.blank(left).package
        ours, theirs = form.inspect(blanked).inventory, form.inspect(cleared).inventory
        assert ours.components == theirs.components
        assert (ours.variables, ours.connections, ours.dependencies) == (
            theirs.variables,
            theirs.connections,
            theirs.dependencies,
        )
        assert form.diff(blanked, cleared).is_empty

    def test_once_is_enough_and_always_the_same(self, form: PackageFormat, left: bytes, cleared: bytes) -> None:
        """Equal bytes give equal bytes, so that anybody can do it again; where nothing was left, nothing is touched."""
        assert isinstance(form, Blankable)
        once = form.blank(left)
        assert form.blank(left) == once
        again = form.blank(once.package)
        assert (again.package, again.blanks) == (once.package, ())
        assert form.blank(cleared).package == cleared

    def test_the_version_may_be_given_before_or_after(self, form: PackageFormat, left: bytes) -> None:
        """So that what is recorded as before and after is what was, or would have been, sealed."""
        assert isinstance(form, Blankable)
        first = form.blank(form.stamp(left, "9.8.7"))
        assert first.package == form.stamp(form.blank(left).package, "9.8.7")
