"""A tree over the ledger, as RFC 6962 has it: one root for all rows, and short proofs that a row is among them.

A leaf is the hash of a row. Nothing here knows what a row is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

_WIDTH = 32


def leaf_of(row_hash: str) -> bytes:
    """Return the leaf of a row's hash, written `sha256:<hex>`. Raises ValueError."""
    return hashlib.sha256(b"\0" + bytes.fromhex(row_hash.removeprefix("sha256:"))).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two that is smaller than this size."""
    return 1 << ((size - 1).bit_length() - 1)


class Peaks:
    """A tree that can only grow, as the roots of its whole subtrees: what is there already is not read again."""

    def __init__(self, size: int = 0, peaks: Iterable[str] = ()) -> None:
        self.size = size
        self._peaks = [bytes.fromhex(peak) for peak in peaks]

    def add(self, row_hash: str) -> None:
        """Add a row at the end."""
        one, size = leaf_of(row_hash), self.size
        while size & 1:
            one, size = _node(self._peaks.pop(), one), size >> 1
        self._peaks.append(one)
        self.size += 1

    @property
    def texts(self) -> tuple[str, ...]:
        """The roots of the whole subtrees, the largest first, to go on from."""
        return tuple(peak.hex() for peak in self._peaks)

    @property
    def root(self) -> str:
        """The root, written `sha256:<hex>`; of no rows, the hash of nothing."""
        if not self._peaks:
            return "sha256:" + hashlib.sha256(b"").hexdigest()
        *rest, found = self._peaks
        for peak in reversed(rest):
            found = _node(peak, found)
        return f"sha256:{found.hex()}"


class Tree:
    """A tree with all its nodes, to make proofs from: 64 bytes for each row."""

    def __init__(self, row_hashes: Iterable[str]) -> None:
        level = bytearray()
        for row_hash in row_hashes:
            level += leaf_of(row_hash)
        self.size = len(level) // _WIDTH
        self._levels = [level]
        while len(level) >= 2 * _WIDTH:
            above = bytearray()
            for place in range(0, len(level) - _WIDTH, 2 * _WIDTH):
                above += hashlib.sha256(b"\1" + level[place : place + 2 * _WIDTH]).digest()
            self._levels.append(above)
            level = above

    def root(self, size: int = 0) -> str:
        """Return the root over the first rows, or over all of them."""
        return f"sha256:{self._over(0, size or self.size).hex()}"

    def prove(self, rows: Collection[int]) -> tuple[str, ...]:
        """Return what it takes, beside the rows at these places, to compute the root."""
        return tuple(node.hex() for node in self._missing(0, self.size, sorted(rows)))

    def prove_growth(self, size: int) -> tuple[str, ...]:
        """Return what proves that the first rows are those of a tree of this size."""
        return tuple(node.hex() for node in self._growth(size, (0, self.size), known=True))

    def _over(self, start: int, end: int) -> bytes:
        size = end - start
        if size & (size - 1) == 0:  # a whole subtree: it is there
            place = (start // size) * _WIDTH
            return bytes(self._levels[size.bit_length() - 1][place : place + _WIDTH])
        middle = start + _split(size)
        return _node(self._over(start, middle), self._over(middle, end))

    def _missing(self, start: int, end: int, rows: list[int]) -> Iterator[bytes]:
        if not rows:
            yield self._over(start, end)
        elif end - start > 1:
            middle = start + _split(end - start)
            yield from self._missing(start, middle, [row for row in rows if row < middle])
            yield from self._missing(middle, end, [row for row in rows if row >= middle])

    def _growth(self, size: int, span: tuple[int, int], *, known: bool) -> Iterator[bytes]:
        start, end = span
        if size == end - start:
            if not known:
                yield self._over(start, end)
            return
        middle = start + _split(end - start)
        if size <= middle - start:
            yield from self._growth(size, (start, middle), known=known)
            yield self._over(middle, end)
        else:
            yield from self._growth(size - (middle - start), (middle, end), known=False)
            yield self._over(start, middle)


def root_with(size: int, rows: Mapping[int, str], proof: Iterable[str]) -> str:
    """Return the root that follows from the hashes of some rows, by place, and a proof.

    Raises ValueError where the proof is not of exactly this size and these rows.
    """
    if any(not 0 <= place < size for place in rows):
        raise ValueError("a row lies outside of the tree")
    nodes = _nodes(proof)
    root = _computed(0, size, {place: leaf_of(text) for place, text in rows.items()}, nodes)
    if next(nodes, None) is not None:
        raise ValueError("the proof holds more than it takes")
    return f"sha256:{root.hex()}"


def _computed(start: int, end: int, leaves: Mapping[int, bytes], nodes: Iterator[bytes]) -> bytes:
    if not leaves:
        return _next(nodes)
    if end - start == 1:
        return leaves[start]
    middle = start + _split(end - start)
    left = _computed(start, middle, {k: v for k, v in leaves.items() if k < middle}, nodes)
    return _node(left, _computed(middle, end, {k: v for k, v in leaves.items() if k >= middle}, nodes))


def is_grown(old: tuple[int, str], new: tuple[int, str], proof: Iterable[str]) -> bool:
    """Return whether a tree (size and root) is an earlier one with rows added at its end. Raises ValueError."""
    (before, root), (after, _) = old, new
    if not 0 < before <= after:
        return False
    nodes = _nodes(proof)
    earlier, later = _grown(before, after, nodes, bytes.fromhex(root.removeprefix("sha256:")))
    if next(nodes, None) is not None:
        return False
    return (f"sha256:{earlier.hex()}", f"sha256:{later.hex()}") == (root, new[1])


def _grown(before: int, after: int, nodes: Iterator[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    if before == after:
        node = known if known is not None else _next(nodes)
        return node, node
    middle = _split(after)
    if before <= middle:
        earlier, later = _grown(before, middle, nodes, known)
        return earlier, _node(later, _next(nodes))
    earlier, later = _grown(before - middle, after - middle, nodes, None)
    left = _next(nodes)
    return _node(left, earlier), _node(left, later)


def _nodes(proof: Iterable[str]) -> Iterator[bytes]:
    for text in proof:
        node = bytes.fromhex(text)
        if len(node) != _WIDTH or node.hex() != text:
            raise ValueError("a node of a proof has 64 lower-case hex digits")
        yield node


def _next(nodes: Iterator[bytes]) -> bytes:
    node = next(nodes, None)
    if node is None:
        raise ValueError("the proof lacks something")
    return node
