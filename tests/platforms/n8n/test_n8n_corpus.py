"""Real workflows that people have published: all are read, and survive packing, source and comparison."""

from __future__ import annotations

import csv
import json
import random
import sys
import tarfile
import time
from pathlib import Path

import pytest

from lampway.domain.graph import pictures
from lampway.domain.package import Scope, Severity
from lampway.platforms.n8n.configuration import values_of, with_values, without_values
from lampway.platforms.n8n.contents import read_package
from lampway.platforms.n8n.package import N8nFormat, build_package
from lampway.platforms.nodered.package import NodeRedFormat
from lampway.scan.scanner import RuleScanner

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "corpus"
ARCHIVE = CORPUS / "n8n.tar.gz"
FORMAT = N8nFormat()

pytestmark = pytest.mark.skipif(
    not ARCHIVE.is_file(), reason="the collection of published workflows is not on this machine"
)


@pytest.fixture(scope="module")
def published():
    with tarfile.open(ARCHIVE) as archive:
        files = [member for member in archive if member.isfile() and member.name.endswith(".json")]
        return {member.name: archive.extractfile(member).read() for member in files}


def rebuilt(data):
    """Return the package of all workflows in an export."""
    whole = read_package(data).workflows
    return build_package(whole, Scope("s", contains=tuple(w["id"] for w in whole)), version="1.0.0")


def test_every_published_workflow_is_read(published, capsys):
    red = NodeRedFormat()
    start = time.perf_counter()
    for data in published.values():
        assert FORMAT.recognises(data)
        assert FORMAT.inspect(data).inventory.components
        assert FORMAT.diff(data, data).is_empty
        (graph,) = FORMAT.draw(data)
        assert {e.source for e in graph.edges} | {e.target for e in graph.edges} <= {n.id for n in graph.nodes}
    spent = time.perf_counter() - start
    assert not any(red.recognises(data) for data in published.values())
    with capsys.disabled():
        sys.stdout.write(f"\n{len(published)} published workflows read, compared and drawn in {spent:.1f} s\n")


def test_every_published_workflow_survives_the_way_to_source_and_back(published):
    for data in published.values():
        package = rebuilt(data)
        assert FORMAT.pack(FORMAT.unpack(package)) == package
        assert FORMAT.recognises(package)
        live = {c.id: c.fingerprint for c in FORMAT.inspect(data).inventory.components}
        assert live == {c.id: c.fingerprint for c in FORMAT.inspect(package).inventory.components}


def test_values_of_every_published_workflow_survive_being_taken_out(published):
    for data in published.values():
        for workflow in read_package(data).workflows:
            given = values_of([workflow])
            assert values_of([with_values(without_values(workflow), given)]) == given


def test_labelled_secrets_are_found_and_placeholders_are_not(published, capsys):
    with (CORPUS / "LABELS.tsv").open() as file:
        labels = [row for row in csv.DictReader(file, delimiter="\t") if row["file"].startswith("n8n/")]
    secrets = {(file, fault.place.rpartition(" / ")[2]) for file, fault in _secrets(published)}
    hits = [row for row in labels if row["label"] == "TP" and (row["file"], row["key"]) in secrets]
    false = [row for row in labels if row["label"] == "FP" and (row["file"], row["key"]) in secrets]
    real = sum(row["label"] == "TP" for row in labels)
    with capsys.disabled():
        told = f"{len(hits)} of {real} labelled secrets found, {len(false)} of {len(labels) - real} placeholders"
        sys.stdout.write(f"\n{told}; {len(secrets)} findings of secrets in {len(published)} workflows\n")
    assert len(hits) == real > 0
    assert false == []
    assert len(secrets) <= 10, "people stop reading findings of which most are none"


def _secrets(published):
    scanner = RuleScanner()
    for name, data in published.items():
        file = "n8n/" + name.rpartition("/")[2]
        inspection = FORMAT.inspect(data)
        for fault in inspection.faults(scanner.scan(inspection.literals)):
            if fault.severity is Severity.SECRET:
                yield file, fault


def _edited(data, dice):
    """Return a published workflow after a maker changed something that does something, and where."""
    whole = json.loads(data)
    nodes = [n for n in whole["nodes"] if not n["type"].endswith("stickyNote")]
    one = dice.choice(nodes)
    match dice.randrange(4):
        case 0:
            one["disabled"] = not one.get("disabled")
        case 1:
            one["parameters"]["somethingNew"] = "a value"
        case 2:
            one["retryOnFail"] = not one.get("retryOnFail")
        case 3:
            one["typeVersion"] = 99
    return json.dumps(whole).encode(), one["name"]


def test_every_edit_is_told_at_the_node_and_drawn_there(published):
    dice = random.Random(7)
    for data in published.values():
        new, name = _edited(data, dice)
        (change,) = FORMAT.diff(data, new).changed
        assert change.component.name == " ".join(name.split())
        assert all(edit.summary for edit in change.edits)
        (picture,) = pictures(FORMAT.draw(data), FORMAT.draw(new), FORMAT.diff(data, new))
        assert picture.after
        assert [n.node.id for n in picture.after.nodes if n.edits] == [change.component.id]


def test_moving_a_whole_workflow_is_never_a_change(published):
    for data in published.values():
        whole = json.loads(data)
        for node in whole["nodes"]:
            node["position"] = [node["position"][0] + 120, node["position"][1] - 60]
        assert FORMAT.diff(data, json.dumps(whole).encode()).is_empty


def test_no_pair_of_published_workflows_is_too_much_to_compare(published):
    names = sorted(published)
    dice = random.Random(11)
    for _ in range(100):
        old, new = (published[dice.choice(names)] for _ in range(2))
        diff = FORMAT.diff(old, new)
        pictures(FORMAT.draw(old), FORMAT.draw(new), diff)
        assert all(diff.summaries())
