"""The strategy as a Word document: real headings, tables whose heads repeat, and page numbers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, assert_never

from lampway.domain.strategy_document import Block, Bullets, Grid, Meters, Paragraph, StrategyDocument, Topology
from lampway.integrations.documents import missing

if TYPE_CHECKING:
    from docx.document import Document

_LAMP, _SOFT = "96690A", "5B6270"
_STATES = {"yes": "1F5C3A", "partly": "8A5C05", "no": "8F2A30"}
_PAGE = 16.6
"""Centimetres between the margins."""
_TOGETHER = 14
"""Rows up to which a table stands on one page."""


def as_word(document: StrategyDocument) -> bytes:
    """Return the file. Raises UsageError where python-docx is not installed."""
    try:
        import docx
    except ImportError:
        raise missing("docx") from None
    word = docx.Document()
    _style(word)
    _cover(word, document)
    for number, chapter in enumerate(document.chapters, 1):
        word.add_heading(f"{number}  {chapter.title}", level=1)
        for part in chapter.parts:
            if part.title:
                word.add_heading(part.title, level=2)
            for place, block in enumerate(part.blocks):
                following = part.blocks[place + 1] if place + 1 < len(part.blocks) else None
                _block(word, block)
                if isinstance(block, Paragraph) and following is not None:
                    word.paragraphs[-1].paragraph_format.keep_with_next = True
    _sign(word, document)
    word.core_properties.title = document.title[:250]
    word.core_properties.author = document.team[:250]
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def _style(word: Document) -> None:
    from docx.shared import Cm, Pt, RGBColor

    page = word.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.2)
    page.top_margin = page.bottom_margin = Cm(2.3)
    styles: Any = word.styles
    styles["Normal"].font.name, styles["Normal"].font.size = "Cambria", Pt(10.5)
    for name, size, before in (("Title", 28, 0), ("Heading 1", 17, 22), ("Heading 2", 12, 12)):
        style = styles[name]
        style.font.name, style.font.size, style.font.bold = "Cambria", Pt(size), True
        style.font.color.rgb = RGBColor.from_string("1D2129")
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(6)
        style.paragraph_format.keep_with_next = True
        _plain(style.element)
    _page_number(page.footer.paragraphs[0])


def _plain(element: Any) -> None:
    """Take out the theme's fonts, which would win over the one that is named, and its blue lines."""
    from docx.oxml.ns import qn

    for border in element.pPr.findall(qn("w:pBdr")):
        element.pPr.remove(border)
    fonts = element.rPr.rFonts
    for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{kind}"), None)


def _page_number(paragraph: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph.alignment = 2
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001 - fields have no public door in python-docx


def _cover(word: Document, document: StrategyDocument) -> None:
    _line(word, document.team.upper(), _LAMP, bold=True)
    word.add_heading(document.title, level=0)
    if document.is_draft:
        _line(word, "Draft: not in force", _STATES["no"], bold=True)
    _table(word, Grid(("", ""), document.facts, (30, 70)))


def _line(word: Document, text: str, colour: str = _SOFT, *, bold: bool = False) -> None:
    from docx.shared import RGBColor

    run = word.add_paragraph().add_run(text)
    run.bold = bold
    run.font.color.rgb = RGBColor.from_string(colour)


def _block(word: Document, block: Block) -> None:
    match block:
        case Paragraph(text):
            word.add_paragraph(text)
        case Bullets(items):
            for item in items:
                word.add_paragraph(item, style="List Bullet")
        case Grid():
            if block.rows:
                _table(word, block)
            else:
                _line(word, block.empty)
        case Meters(meters):
            rows = tuple(
                (m.label, f"{'█' * (m.value // 5)}{'░' * (20 - m.value // 5)}", f"{m.value} %", m.note) for m in meters
            )
            _table(word, Grid(("Area", "", "Score", "Met"), rows, (24, 44, 14, 18)))
        case Topology():
            _paths(word, block)
        case _:
            assert_never(block)


def _bar(value: int) -> str:
    return f"{'█' * (value // 10)}{'░' * (10 - value // 10)}"


def _paths(word: Document, picture: Topology) -> None:
    for lane in picture.lanes:
        _line(word, lane.name)
        word.paragraphs[-1].paragraph_format.keep_with_next = True
        heads = [
            part for n, p in enumerate(lane.places) for part in (*([f"{lane.steps[n - 1]} →"] if n else []), p.name)
        ]
        notes = [part for n, p in enumerate(lane.places) for part in (*([""] if n else []), f"{p.tier}, {p.note}")]
        widths = tuple(14 if n % 2 else 22 for n in range(len(heads)))
        _table(word, Grid(tuple(heads), (tuple(notes),), widths))
    for place in picture.aside:
        _line(word, f"beside every path: {place.name} ({place.tier}, {place.note})")


def _table(word: Document, grid: Grid) -> None:
    from docx.shared import Cm, Pt

    has_heads = any(grid.heads)
    table = word.add_table(rows=0, cols=len(grid.heads))
    table.autofit = False
    widths = [Cm(_PAGE * width / sum(grid.widths)) for width in grid.widths]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    rows = (grid.heads, *grid.rows) if has_heads else grid.rows
    for number, row in enumerate(rows):
        line: Any = table.add_row()
        is_head = has_heads and number == 0
        for column, (cell, text) in enumerate(zip(line.cells, row, strict=True)):
            cell.width = widths[column]
            _border(cell, heavy=is_head)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(2)
            paragraph.paragraph_format.space_before = Pt(2)
            run = paragraph.add_run(text)
            run.font.size = Pt(9 if not is_head else 8 if len(grid.heads) <= 5 else 6)
            paragraph.paragraph_format.keep_with_next = len(grid.rows) <= _TOGETHER and number + 1 < len(rows)
            run.bold = is_head or column == 0
            _colour(run, grid.heads[column], text, is_head=is_head)
        _keep(line, is_head=is_head)
    word.add_paragraph().paragraph_format.space_after = Pt(0)


def _colour(run: Any, head: str, text: str, *, is_head: bool) -> None:
    from docx.shared import RGBColor

    colour = _STATES.get(text.partition(" ")[0]) if head == "Today" and not is_head else None
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)


def _border(cell: Any, *, heavy: bool) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders, bottom = OxmlElement("w:tcBorders"), OxmlElement("w:bottom")
    values = {"val": "single", "sz": "10" if heavy else "4", "color": "1D2129" if heavy else "D8D4CA", "space": "0"}
    for name, value in values.items():
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    cell._tc.get_or_add_tcPr().append(borders)  # noqa: SLF001 - borders have no public door in python-docx


def _keep(line: Any, *, is_head: bool) -> None:
    """Let no row break over pages, and the head stand on each."""
    from docx.oxml import OxmlElement

    properties = line._tr.get_or_add_trPr()  # noqa: SLF001 - likewise
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))


def _sign(word: Document, document: StrategyDocument) -> None:
    word.add_paragraph()
    for who in document.signatures:
        _line(word, f"____________________________   {who}, date")
        word.paragraphs[-1].paragraph_format.keep_with_next = True
