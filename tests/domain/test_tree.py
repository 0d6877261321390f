"""The tree over the ledger: as RFC 6962 defines it, however it was made, and no proof holds for anything else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.tree import Peaks, Tree, is_grown, leaf_of, root_with


def rows(size: int) -> list[str]:
    return [f"sha256:{hashlib.sha256(b'%d' % n).hexdigest()}" for n in range(size)]


def by_the_book(leaves: Sequence[bytes]) -> bytes:
    """Return the tree hash as section 2.1 of RFC 6962 writes it down."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + by_the_book(leaves[:k]) + by_the_book(leaves[k:])).digest()


def grown(hashes: Sequence[str], step: int = 0) -> str:
    peaks = Peaks()
    for number, text in enumerate(hashes):
        if number == step:
            peaks = Peaks(peaks.size, peaks.texts)
        peaks.add(text)
    return peaks.root


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 100])
def test_the_root_is_that_of_the_standard_however_it_was_made(size: int) -> None:
    hashes = rows(size)
    expected = f"sha256:{by_the_book([leaf_of(h) for h in hashes]).hex()}"
    assert Tree(hashes).root() == expected
    assert {grown(hashes, step) for step in range(size)} == {expected}
    assert all(Tree(hashes).root(n) == Tree(hashes[:n]).root() for n in range(1, size + 1))


def test_of_nothing_the_root_is_the_hash_of_nothing() -> None:
    assert Peaks().root == f"sha256:{hashlib.sha256(b'').hexdigest()}"


@given(st.integers(1, 70), st.data())
def test_a_proof_holds_for_its_rows_and_for_no_others(size: int, data: st.DataObject) -> None:
    hashes = rows(size)
    chosen = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    tree = Tree(hashes)
    proof = tree.prove(chosen)
    told = {n: hashes[n] for n in chosen}
    assert root_with(size, told, proof) == tree.root()
    other = data.draw(st.sampled_from(sorted(chosen)))
    assert root_with(size, {**told, other: rows(size + 1)[-1]}, proof) != tree.root()
    for broken in (proof[:-1], (*proof, proof[0] if proof else "0" * 64)):
        if broken != proof:
            with pytest.raises(ValueError, match="proof"):
                root_with(size, told, broken)


@given(st.integers(1, 70), st.data())
def test_a_proof_of_growth_holds_for_what_grew_only(size: int, data: st.DataObject) -> None:
    hashes = rows(size)
    before = data.draw(st.integers(1, size))
    tree = Tree(hashes)
    proof, old, new = tree.prove_growth(before), (before, tree.root(before)), (size, tree.root())
    assert is_grown(old, new, proof)
    rewritten = Tree([*rows(before + 1)[1:], *hashes[before:]])
    assert not is_grown((before, rewritten.root(before)), new, proof)
    assert not is_grown((size + 1, old[1]), new, proof)
    assert not is_grown((0, old[1]), new, proof)
    assert not is_grown(old, new, (*proof, "0" * 64))


@pytest.mark.parametrize("node", ["", "00", "0" * 63 + "G", "A" * 64, "0" * 66])
def test_what_is_no_node_is_refused(node: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - from reading hex too
        root_with(2, {0: rows(1)[0]}, (node,))


def test_a_row_outside_of_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        root_with(1, {1: rows(1)[0]}, ())
