"""How much the scanner finds on labelled public examples. A floor, so that no change loses ground unseen."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from lampway.domain.package import Literal, Role, Severity
from lampway.scan.scanner import RuleScanner

CORPUS = Path(__file__).parents[2].parent / "shared" / "data" / "corpus"


def examples(name: str) -> list[tuple[int, str]]:
    archive = CORPUS / "vectors.tar.gz"
    if not archive.exists():
        pytest.skip("the corpus of labelled examples is not part of the repository and not beside it")
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(f"{name}.jsonl"):
                lines = tar.extractfile(member).read().decode().splitlines()
                return [(line["label"], line["text"]) for line in map(json.loads, lines)]
    raise AssertionError(f"no {name} in {archive}")


def finds_secret(text: str) -> bool:
    literals = [Literal("somewhere", "", text, Role.CODE)]
    return any(finding.severity is Severity.SECRET for finding in RuleScanner().scan(literals))


@pytest.mark.parametrize(
    ("name", "recall", "alarms"), [("gitleaks", 0.80, 0.16), ("betterleaks", 0.75, 0.27), ("kingfisher", 0.52, 0.10)]
)
def test_recall_and_false_alarms_hold_their_floor(name, recall, alarms):
    labelled = examples(name)
    hits = [finds_secret(text) for label, text in labelled if label]
    false = [finds_secret(text) for label, text in labelled if not label]
    assert sum(hits) / len(hits) >= recall
    assert sum(false) / len(false) <= alarms


def test_vendors_own_flow_examples_raise_no_alarm_about_secrets():
    archive = CORPUS / "node-red.tar.gz"
    if not archive.exists():
        pytest.skip("the corpus of flows is not part of the repository and not beside it")
    literals = []
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".json"):
                literals += _strings(json.load(tar.extractfile(member)), member.name)
    assert len(literals) > 1000
    secrets = [finding for finding in RuleScanner().scan(literals) if finding.severity is Severity.SECRET]
    assert secrets == []


def _strings(value, place: str, key: str = "") -> list[Literal]:
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in _strings(item, f"{place} / {name}", name)]
    if isinstance(value, list):
        return [found for n, item in enumerate(value) for found in _strings(item, f"{place}[{n}]", key)]
    return [Literal(place, key, value, Role.CODE)] if isinstance(value, str) else []
