"""What a platform is told in clear: settings of an environment, and which connection a reference stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lampway.config import load_strategy
from lampway.config.editing import with_environment
from lampway.domain.strategy import Environment
from lampway.domain.strategy_diff import compare
from lampway.errors import Mistake

PLACE = """\
tier: dev
platform: node-red
url: https://contoso.crm.example.org
access: {client_secret: env:SECRET}
settings:
  tenant: contoso.example.org
  client_id: 11111111-2222-3333-4444-555555555555
connections:
  con_sharepoint: {connection: shared-sharepointonl-4f3a}
  con_sql: {connection: env:SQL_CONNECTION}
"""

Files = Mapping[str, bytes]


def with_place(files: Files, text: str = PLACE) -> Files:
    return {**files, "environments/dev.yaml": text.encode()}


def test_settings_and_connection_ids_stand_in_clear(files: Files) -> None:
    place = load_strategy(with_place(files)).environment("dev")
    assert place.settings == {"tenant": "contoso.example.org", "client_id": "11111111-2222-3333-4444-555555555555"}
    assert place.values.connections == {
        "con_sharepoint": {"connection": "shared-sharepointonl-4f3a"},
        "con_sql": {"connection": "env:SQL_CONNECTION"},
    }


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("tenant: contoso.example.org", "tenant: env:TENANT", "stands in clear", "under access"),
        (
            "connection: shared-sharepointonl-4f3a",
            "connection: 'two words'",
            "must be the id of a connection",
            "copy it",
        ),
        ("connection: shared-sharepointonl-4f3a", "password: typed-in", "must be given by reference", "env:"),
        ("{connection: shared-sharepointonl-4f3a}", "{}", "must not be empty", "take the key out"),
        ("tenant: contoso.example.org", "tenant: 12", "must be text, found a number", "quotes"),
    ],
)
def test_what_cannot_stand_there_is_told_with_its_place(
    files: Files, mistakes_of: Callable[[Files], tuple[Mistake, ...]], old: str, new: str, message: str, hint: str
) -> None:
    assert old in PLACE
    (mistake,) = mistakes_of(with_place(files, PLACE.replace(old, new)))
    assert message in mistake.message
    assert hint in mistake.hint
    assert (mistake.file, mistake.line > 0) == ("environments/dev.yaml", True)
    assert "typed-in" not in f"{mistake.message} {mistake.hint}"


def test_a_changed_setting_is_part_of_what_is_decided_upon(files: Files) -> None:
    old, new = (load_strategy(with_place(files, text)) for text in (PLACE, PLACE.replace("contoso.ex", "fabrikam.ex")))
    assert any("setting tenant" in str(change) for change in compare(old, new))


def test_settings_are_written_as_they_are_given_and_kept_where_none_is() -> None:
    place = Environment(
        name="dev", tier="dev", platform="power-platform", url="https://c.example.org", settings={"tenant": "t"}
    )
    text = with_environment(None, place)
    assert "tenant: t" in text
    kept = with_environment(
        text, Environment(name="dev", tier="dev", platform="power-platform", url="https://d.example.org")
    )
    assert "tenant: t" in kept
    assert "https://d.example.org" in kept


def test_the_published_schema_takes_what_the_loader_takes() -> None:
    from importlib.resources import files as resources

    schema: dict[str, Any] = json.loads(
        resources("lampway.config").joinpath("schema/environment.schema.json").read_text()
    )
    section = schema["$defs"]["ConnectionSection"]
    assert "connection" in section["properties"]
    assert section["minProperties"] == 1
