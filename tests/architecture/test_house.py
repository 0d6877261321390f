"""The house: small files, short functions, nothing heavy before it is needed, everything public has its place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lampway.cli.main import COMMANDS
from lampway.domain.events import EVENTS, Event
from lampway.domain.gates import GATE_KINDS
from lampway.engine import cases
from lampway.engine.context import Request

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src" / "lampway").rglob("*.py"))
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
FORBIDDEN = {"utils", "helpers", "common", "core", "managers", "services"}


def functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield file, node


def test_no_file_is_too_big() -> None:
    sizes = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{file.name}:{node.name}": node.end_lineno - node.lineno
        for file, node in functions()
        if node.end_lineno is not None and node.end_lineno - node.lineno > LONGEST_FUNCTION
    }
    assert set(long) <= {"describe.py:describe"}, "one line per kind of event is longer, and reads well"


def test_rooms_are_nouns_of_the_field_and_two_levels_deep() -> None:
    for file in FILES:
        parts = file.relative_to(ROOT / "src" / "lampway").with_suffix("").parts
        assert not FORBIDDEN & set(parts)
        assert len(parts) <= 3


@pytest.mark.parametrize(
    "heavy", ["sqlalchemy", "httpx", "cyclopts", "pydantic", "ruamel", "obstore", "rich", "alembic", "psycopg"]
)
def test_help_imports_nothing_heavy(heavy: str) -> None:
    script = (
        "import sys, io, contextlib; from lampway.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()): main(['--help'])\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("heavy", ["sqlalchemy", "sqlite3", "httpx", "socketserver", "pydantic", "obstore"])
def test_verifying_evidence_imports_neither_a_database_nor_a_network(heavy: str) -> None:
    script = (
        "import sys\nfrom lampway.app import verify_evidence_file\n"
        "verify_evidence_file(b'LAMPWAY EVIDENCE \\n', ('people.yaml', b'people: {}'))\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_every_event_is_listed_under_its_kind() -> None:
    assert {event.__name__ for event in EVENTS.values()} == {event.__name__ for event in Event.__subclasses__()}
    assert all(kind == event.kind for kind, event in EVENTS.items())


def test_every_request_has_its_use_case() -> None:
    assert {request.__name__ for request in cases.CASES} == {request.__name__ for request in Request.__subclasses__()}
    assert set(cases.CASES) >= cases.MOVING


def test_every_command_can_be_found_where_it_is_said_to_be() -> None:
    for commands in COMMANDS.values():
        for name, place, text in commands:
            module, _, function = place.partition(":")
            assert callable(getattr(__import__(module, fromlist=[function]), function)), name
            assert text


def test_every_gate_is_explained_in_the_docs() -> None:
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    assert not [gate for gate in GATE_KINDS if f"| `{gate}` |" not in text]


def test_every_decision_has_its_context_and_its_costs() -> None:
    for file in (ROOT / "docs" / "decisions").glob("*.md"):
        text = file.read_text(encoding="utf-8")
        assert "**Context.**" in text, file.name
        assert "**Decision.**" in text, file.name


def test_every_test_module_has_a_name_of_its_own() -> None:
    names = [file.name for file in (ROOT / "tests").rglob("*.py") if file.name not in {"conftest.py", "__init__.py"}]
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)
