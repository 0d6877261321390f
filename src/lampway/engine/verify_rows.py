"""Looking at the rows of an evidence file as rows, and at what the file is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lampway.domain.digest import digest_bytes
from lampway.domain.evidence import Row
from lampway.domain.transformation import Form
from lampway.engine.dossier import Dossier


def check_rows(file: Dossier) -> Iterator[str]:
    """Yield what is wrong with the rows as rows."""
    before: Row | None = None
    head = file.content.head
    for row in file.content.rows:
        if row.linked() != row.hash:
            yield f"row {row.seq} was changed after it was written"
        if before is not None and row.seq <= before.seq:
            yield f"row {row.seq} is out of order"
        if before is not None and row.seq == before.seq + 1 and row.prev != before.hash:
            yield f"row {row.seq} does not follow from the row before it"
        if before is not None and datetime.fromisoformat(row.at) < datetime.fromisoformat(before.at):
            yield f"row {row.seq} is older than the row before it"
        before = row
    if before is not None and (before.seq > head.row or (before.seq == head.row and before.hash != head.hash)):
        yield f"row {before.seq} lies beyond the end of the ledger"


def check_subject(file: Dossier) -> Iterator[str]:
    """Yield where this is not about the release and the package in hand."""
    release, head = file.release, file.content.head
    if release.digest != head.release or release.name != f"{head.solution}@{head.version}":
        yield f"the release is {release.name} with digest {release.digest}, not what the file is about"
    leads_to = release.package.digest
    for edit in reversed([done for done in release.transformations if done.form is Form.PACKAGE]):
        if edit.after != leads_to:
            yield f"the edit {edit.kind} of the package led to {edit.after}, and not to what was sealed"
        leads_to = edit.before
    package = file.trusted.package
    if package is not None and digest_bytes(package) != release.package.digest:
        yield f"the package in hand is {digest_bytes(package)}, the evidence is about {release.package.digest}"
