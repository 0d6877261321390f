"""An edit of a package after its export must lead to the sealed bytes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lampway.domain.package import Inventory, PackageReference
from lampway.domain.release import Release
from lampway.domain.transformation import Blank, Transformation, TransformationKind
from lampway.engine.verify_rows import check_subject

ONE, TWO, SEALED, OTHER = (f"sha256:{digit * 64}" for digit in "1234")


def edit(before: str, after: str) -> Transformation:
    blank = Blank("flow Ask / parameter con_Site / default value", "con_Site")
    return Transformation(TransformationKind.BLANK_DEFAULTS, before, after, (blank,))


def wrong(*edits: Transformation) -> list[str]:
    inventory = Inventory("memory", "orders", "1.0.0", None, "", ())
    release = Release(
        solution="orders",
        version="1.0.0",
        packages=(PackageReference(SEALED, 10, "memory", "f"),),
        inventory=inventory,
        commit="c" * 40,
        makers=("mia",),
        editors_unknown=False,
        sealed_by="mia",
        sealed_at="2026-01-05T09:00:00Z",
        transformations=edits,
    )
    head = SimpleNamespace(solution="orders", version="1.0.0", release=release.digest)
    content, trusted = SimpleNamespace(head=head), SimpleNamespace(package=None)
    return list(check_subject(SimpleNamespace(release=release, content=content, trusted=trusted)))  # type: ignore[arg-type]


def test_edits_that_lead_one_to_the_next_and_to_what_was_sealed_hold() -> None:
    assert wrong() == wrong(edit(ONE, SEALED)) == wrong(edit(ONE, TWO), edit(TWO, SEALED)) == []


@pytest.mark.parametrize(
    "edits", [(edit(ONE, OTHER),), (edit(ONE, OTHER), edit(TWO, SEALED)), (edit(ONE, SEALED), edit(ONE, TWO))]
)
def test_an_edit_that_leads_elsewhere_is_found_without_the_package(edits: tuple[Transformation, ...]) -> None:
    assert any("and not to what was sealed" in line for line in wrong(*edits))
