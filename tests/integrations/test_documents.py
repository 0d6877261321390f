"""Documents in every format hold what they should, and names that are code in one of them stay names."""

from __future__ import annotations

import builtins
import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any

import pytest

from lampway.domain.strategy_document import (
    Bullets,
    Chapter,
    Grid,
    Lane,
    Meter,
    Meters,
    Paragraph,
    Part,
    Place,
    StrategyDocument,
    Topology,
    cleaned,
)
from lampway.errors import UsageError
from lampway.integrations.documents import render_document

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title><svg onload=alert(1)>",
    "' onmouseover='x",
    '#import "@preview/x:1.0.0": *',
    '#read("/etc/passwd")',
    "] #panic() [",
    "$ x $ *bold* _it_ `code` @ref <label>",
    "| a | b |\n# heading\n[link](javascript:alert(1)) ![x](y) https://evil.example <b>",
    "&amp; &lt; %s {0} ${x} \\ \\n",
    "<w:p/> ]]> <!-- -->",
    "\x00\x0b\ud800\u202etxt.exe",
    "😀 ß 漢字 العربية",
)


def document(name: str) -> StrategyDocument:
    place = Place(name, name, name, is_last=True)
    blocks = (
        Paragraph(name),
        Bullets((name,)),
        Grid((name, "Today"), ((name, f"yes {name}"),), (50, 50)),
        Grid((name,), (), (100,), empty=name),
        Meters((Meter(name, 42, name),)),
        Topology((Lane(name, (place, place), (name,)),), (place,)),
    )
    chapters = (Chapter(name, (Part("", blocks[:1]), Part(name, blocks))),)
    return cleaned(StrategyDocument(name, name, ((name, name),), chapters, (name,), is_draft=True))


class Reader(HTMLParser):
    """Reads a page as a browser does: its tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    return reader


PLAIN = read(render_document(document("plain"), "html"))


@pytest.mark.parametrize("name", HOSTILE)
def test_html_has_only_the_tags_that_are_ours_whatever_names_are(name: str) -> None:
    found = read(render_document(document(name), "html"))
    assert found.tags == PLAIN.tags
    assert found.attributes == PLAIN.attributes
    assert cleaned(name) in "".join(found.text)
    assert "script" not in found.tags


def test_html_loads_nothing_and_has_a_policy_against_it() -> None:
    page = render_document(document("plain"), "html").decode()
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!#)|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


@pytest.mark.parametrize("name", HOSTILE)
def test_word_holds_names_as_text(name: str) -> None:
    docx = pytest.importorskip("docx")
    word = docx.Document(io.BytesIO(render_document(document(name), "docx")))
    wanted = cleaned(name)
    assert wanted in [p.text for p in word.paragraphs]
    assert any(wanted == cell.text for table in word.tables for row in table.rows for cell in row.cells)


def test_word_keeps_headings_and_repeats_heads_of_tables() -> None:
    pytest.importorskip("docx")
    with zipfile.ZipFile(io.BytesIO(render_document(document("plain"), "docx"))) as word:
        body = word.read("word/document.xml").decode()
    assert "w:tblHeader" in body
    assert "Heading1" in body


def test_word_gives_columns_the_widths_that_are_asked_for() -> None:
    docx = pytest.importorskip("docx")
    grid = Grid(("a", "b"), (("1", "2"),), (75, 25))
    made = StrategyDocument("t", "team", (), (Chapter("c", (Part("", (grid,)),)),), ())
    table = docx.Document(io.BytesIO(render_document(made, "docx"))).tables[-1]
    first, second = (column.width for column in table.columns)
    assert abs(first / second - 3) < 0.01


@pytest.mark.parametrize("name", HOSTILE)
def test_pdf_is_made_whatever_names_are(name: str) -> None:
    pytest.importorskip("typst")
    assert render_document(document(name), "pdf").startswith(b"%PDF")


def test_pdf_shows_code_and_does_not_run_it() -> None:
    """A name that would stop the typesetter, or bring another file in, does neither."""
    pytest.importorskip("typst")
    plain, hostile = (render_document(document(name), "pdf") for name in ("#panic(1)", '#read("/etc/passwd")'))
    assert b"root:" not in hostile
    assert abs(len(plain) - len(hostile)) < 20_000


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_escapes_whatever_would_mean_something(name: str) -> None:
    text = render_document(document(name), "md").decode()
    bare = re.sub(r"\\.", "", text)
    for line in bare.splitlines():
        assert "<" not in line
        assert "](" not in line
        assert "://" not in line
    heads = [line for line in text.splitlines() if re.match(r"#+ ", line)]
    assert len(heads) == 3
    tables = [line for line in bare.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} <= {3, 4}


def test_a_format_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="no such format: odt"):
        render_document(document("x"), "odt")


@pytest.mark.parametrize(("form", "package"), [("pdf", "typst"), ("docx", "docx")])
def test_what_is_not_installed_is_told_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, form: str, package: str
) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **others: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *more, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="needs more packages") as caught:
        render_document(document("x"), form)
    assert caught.value.hint == "pip install 'lampway[document]'"
