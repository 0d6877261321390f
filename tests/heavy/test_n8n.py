"""Real n8n keeps the contract: two instances, started by the adapter itself, looked at through their own API."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from n8nkit import Maker, node, stranger

from lampway.app import cache_folder
from lampway.domain.package import Scope
from lampway.engine.abilities import Launched
from lampway.engine.platform import Access
from lampway.errors import PlatformError
from lampway.platforms.n8n.package import build_package
from lampway.platforms.n8n.platform import N8n
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Maker, Maker]]:
    platform, folder = N8n(), tmp_path_factory.mktemp("n8n")
    started: list[Launched] = []
    makers: list[Maker] = []
    try:
        for name, locked in (("dev", False), ("prod", True)):
            started.append(platform.launch(folder / name, name=name, locked=locked, cache=cache_folder()))
            makers.append(Maker(started[-1], name))
        yield makers[0], makers[1]
    except PlatformError as error:
        reason = f"NO REAL N8N TO TEST WITH: {error} ({error.hint})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    finally:
        for maker in makers:
            maker.close()
        for launched in started:
            platform.stop(launched)


class TestN8n(PlatformContract):
    @pytest.fixture
    def platform(self) -> N8n:
        return N8n()

    @pytest.fixture
    def dev(self, instances: tuple[Maker, Maker]) -> Maker:
        instances[0].clear()
        return instances[0]

    @pytest.fixture
    def prod(self, instances: tuple[Maker, Maker]) -> Maker:
        instances[1].clear()
        return instances[1]

    @pytest.fixture
    def sample(self, instances: tuple[Maker, Maker]) -> Sample:
        scope = Scope("orders", contains=("Orders", "Orders tax"))
        return Sample(scope, {"ERP_URL": "https://erp.prod.test"}, {"ERP": {"connection": instances[1].credential}})

    @pytest.fixture
    def neighbour(self, instances: tuple[Maker, Maker]) -> Sample:
        scope = Scope("billing", contains=("Billing", "Billing tax"))
        return Sample(scope, {"ERP_URL": "https://billing.prod.test"}, {"ERP": {"connection": instances[1].credential}})

    @pytest.fixture
    def lacking(self) -> Lacking:
        start = node("Start", "n8n-nodes-base.manualTrigger", 1, {})
        fold = node("Fold", "n8n-nodes-paper.folder", 1, {})
        letters = {"id": "letters-1", "name": "Letters", "nodes": [start, fold], "connections": {}, "settings": {}}
        return Lacking(build_package([letters], Scope("letters", contains=("Letters",))), "n8n-nodes-paper.folder")

    @pytest.fixture
    def strangers(self, prod: Maker) -> Strangers:
        return Strangers(Access("nowhere", "http://127.0.0.1:9", prod.access.credentials), stranger(prod))
