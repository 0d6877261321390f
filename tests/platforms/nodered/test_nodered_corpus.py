"""Real flows that people have published: all are read, and survive packing, source and comparison."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lampway.domain.package import Scope
from lampway.platforms.jsontext import parse
from lampway.platforms.nodered.package import NodeRedFormat, build_package

ARCHIVE = Path(__file__).parents[4] / "shared" / "data" / "corpus" / "node-red.tar.gz"
FORMAT = NodeRedFormat()

pytestmark = pytest.mark.skipif(
    not ARCHIVE.is_file(), reason="the collection of published flows is not on this machine"
)


@pytest.fixture(scope="module")
def published():
    with tarfile.open(ARCHIVE) as archive:
        files = [member for member in archive if member.isfile() and member.name.endswith(".json")]
        return {member.name: archive.extractfile(member).read() for member in files}


def test_every_published_flow_is_read(published):
    assert published
    for data in published.values():
        assert FORMAT.recognises(data)
        assert FORMAT.inspect(data).inventory.components
        assert FORMAT.diff(data, data).is_empty


def test_every_published_flow_survives_the_way_to_source_and_back(published):
    for data in published.values():
        nodes = parse(data, where="file")
        homes = dict.fromkeys(node["z"] for node in nodes if node.get("z"))
        known = {node["id"] for node in nodes}
        nodes += [{"id": home, "type": "tab", "label": "Added"} for home in homes if home not in known]
        tabs = tuple(node["id"] for node in nodes if node["type"] == "tab")
        if tabs:
            package = build_package(nodes, Scope("s", contains=tabs), credential_fields={})
            assert FORMAT.pack(FORMAT.unpack(package)) == package
            assert FORMAT.inspect(package).inventory.components
