"""JSON Schemas of the governance files, for editors; generated from the models that judge the files.

They are kept beside this module and copied into a team's repository by `lampway init`. After changing a model, write
them anew: `python -c "from lampway.config.schemas import write_schemas as w; w()"`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "schema"
"""Where the schemas lie, here and in a team's repository."""
_HERE = Path(__file__).parent / FOLDER


def schemas() -> Mapping[str, dict[str, Any]]:
    """Return the schema of every kind of governance file, by file name, as generated from the models."""
    from lampway.config.environment_file import EnvironmentFile
    from lampway.config.section import Section
    from lampway.config.solution_file import SolutionFile
    from lampway.config.strategy_file import PeopleFile, StrategyFile

    kinds: dict[str, tuple[type[Section], str]] = {
        "lampway": (StrategyFile, "lampway.yaml"),
        "people": (PeopleFile, "people.yaml"),
        "environment": (EnvironmentFile, "environments/<environment>.yaml"),
        "solution": (SolutionFile, "solutions/<solution>/solution.yaml"),
    }
    found: dict[str, dict[str, Any]] = {}
    for kind, (model, title) in kinds.items():
        name = f"{kind}.schema.json"
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, "title": title}
        found[name] = {**head, **_tidy(model.model_json_schema())}
    return found


def schema_files() -> Mapping[str, str]:
    """Return the schemas as they are published, by file name; reads files, loads no models."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(_HERE.glob("*.schema.json"))}


def write_schemas(folder: Path = _HERE) -> None:
    """Write every schema into `folder`."""
    for name, schema in schemas().items():
        (folder / name).write_text(as_text(schema), encoding="utf-8", newline="\n")


def as_text(schema: Mapping[str, Any]) -> str:
    """Return a schema as it is written to a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _tidy(schema: Any) -> Any:
    """Drop what tells a reader nothing, such as titles that repeat keys; close mappings whose names match nothing."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: dict[str, Any] = {"additionalProperties": False} if "patternProperties" in schema else {}
    for key, value in schema.items():
        if (key == "title" and isinstance(value, str)) or (
            key == "default" and value in (None, {}, [], {"user": None})
        ):
            continue
        named = key in ("properties", "$defs", "patternProperties")
        tidy[key] = {name: _tidy(item) for name, item in value.items()} if named else _tidy(value)
    return tidy


if __name__ == "__main__":
    write_schemas()
