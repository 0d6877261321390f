"""Reading files with checkpoints that were kept elsewhere."""

from __future__ import annotations

from pathlib import Path

from lampway.errors import UsageError


def checkpoint_lines(file: Path) -> list[tuple[str, str]]:
    """Return the statements in a file, each with where it was read. Raises UsageError."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"cannot read the checkpoint: {reason}", where=str(file)) from error
    found = [(str(file), line) for line in lines if line.strip()]
    if not found:
        raise UsageError("no checkpoint in it", where=str(file), hint="lampway audit checkpoint --out FILE")
    return found
