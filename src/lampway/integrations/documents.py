"""Documents: one strategy document as HTML, PDF, Word or Markdown. Each escapes for itself: names are hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lampway.domain.digest import to_plain
from lampway.domain.strategy_document import (
    FORMATS,
    Block,
    Bullets,
    Grid,
    Meters,
    Paragraph,
    StrategyDocument,
    Topology,
)
from lampway.errors import BrokenError, UsageError

PAGES = Path(__file__).parent / "pages"
_INSTALL = "pip install 'lampway[document]'"


def render_document(document: StrategyDocument, form: str) -> bytes:
    """Return the document in one of FORMATS. Raises UsageError for another one, or where what it needs is missing."""
    match form:
        case "html":
            from lampway.integrations.document_html import as_html

            return as_html(document).encode()
        case "md":
            from lampway.integrations.document_markdown import as_markdown

            return as_markdown(document).encode()
        case "pdf":
            return _as_pdf(document)
        case "docx":
            from lampway.integrations.document_word import as_word

            return as_word(document)
        case _:
            raise UsageError(f"no such format: {form[:40]}", hint=f"one of: {', '.join(FORMATS)}")


def missing(form: str) -> UsageError:
    """Return the error for a format whose packages are not installed."""
    return UsageError(f"{form} needs more packages than are installed", hint=_INSTALL)


def as_data(document: StrategyDocument) -> dict[str, Any]:
    """Return the document as JSON values, each block with its kind."""
    plain: dict[str, Any] = to_plain(document)
    for chapter, told in zip(document.chapters, plain["chapters"], strict=True):
        for part, inner in zip(chapter.parts, told["parts"], strict=True):
            blocks = zip(part.blocks, inner["blocks"], strict=True)
            inner["blocks"] = [{"kind": _kind(block), **data} for block, data in blocks]
    return plain


def _kind(block: Block) -> str:
    match block:
        case Paragraph() | Bullets() | Grid() | Meters() | Topology():
            return type(block).__name__.lower()


def _as_pdf(document: StrategyDocument) -> bytes:
    try:
        import typst
    except ImportError:
        raise missing("pdf") from None
    data = json.dumps(as_data(document), ensure_ascii=False)
    try:
        made: bytes = typst.compile(PAGES / "page.typ", sys_inputs={"document": data})
    except typst.TypstError as error:
        raise BrokenError(f"the PDF could not be made: {error}", hint="use --format html and print it") from error
    return made
