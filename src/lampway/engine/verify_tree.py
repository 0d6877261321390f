"""Looking whether the rows of an evidence file stand in the ledger, and whether it is the one that was published."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.checkpoint import Checkpoint
from lampway.domain.tree import is_grown, root_with
from lampway.engine.dossier import Dossier
from lampway.engine.witness import signature_fault


def check_inclusion(file: Dossier) -> Iterator[str]:
    """Yield where the rows do not lead to the root that the engine signed."""
    head, said = file.content.head, file.content.inclusion
    newest = Checkpoint(head.row, head.hash, head.at, said.root, said.envelope)
    if fault := signature_fault(newest, file.tools.signing, _keys(file)):
        yield f"the checkpoint of row {head.row}: {fault}"
    rows = {row.seq - 1: row.hash for row in file.content.rows} | {head.row - 1: head.hash}
    if root_with(head.row, rows, said.nodes) != said.root:
        yield f"the rows are not in the tree over rows 1 to {head.row}"
    for one in said.earlier:
        if not is_grown((one.seq, one.root), (head.row, said.root), one.nodes):
            yield f"the ledger did not only grow since the checkpoint of row {one.seq}"


def check_published(file: Dossier) -> Iterator[str]:
    """Yield the published checkpoints that the file does not lead to."""
    for published in file.trusted.checkpoints:
        if fault := signature_fault(published, file.tools.signing, _keys(file)):
            yield f"the published checkpoint of row {published.seq}: {fault}"
        elif not published.root:
            yield from _old_kind(file, published)
        else:
            yield from _with_root(file, published)


def covered(file: Dossier) -> int:
    """Return the number of the newest row that a published checkpoint proves; 0 without one."""
    return max((c.seq for c in file.trusted.checkpoints if c.root), default=0)


def _with_root(file: Dossier, published: Checkpoint) -> Iterator[str]:
    head, said = file.content.head, file.content.inclusion
    known = {one.seq: (one.hash, one.root) for one in said.earlier} | {head.row: (head.hash, said.root)}
    if published.seq > head.row:
        yield f"the published checkpoint is of row {published.seq}, and this file ends at row {head.row}: export again"
    elif published.seq not in known:
        yield f"nothing in the file leads to the published checkpoint of row {published.seq}: take another one"
    elif known[published.seq] != (published.hash, published.root):
        yield f"row {published.seq} is not what was published at {published.at}: rewritten there or before"


def _old_kind(file: Dossier, published: Checkpoint) -> Iterator[str]:
    """Compare a checkpoint without a tree: it proves one row, and only where that row is in the file."""
    head = file.content.head
    here = {row.seq: row.hash for row in file.content.rows} | {head.row: head.hash}
    here |= {one.seq: one.hash for one in file.content.inclusion.earlier}
    if published.seq not in here:
        yield f"the published checkpoint is of the old kind, and its row {published.seq} is not in the file"
    elif here[published.seq] != published.hash:
        yield f"row {published.seq} is not what was published at {published.at}: rewritten there or before"


def _keys(file: Dossier) -> tuple[str, ...]:
    return (file.trusted.engine_key,) if file.trusted.engine_key else tuple(file.engine_keys)
