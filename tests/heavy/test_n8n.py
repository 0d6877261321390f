"""Real n8n keeps the contract: two instances, started by the adapter itself, looked at through their own API."""

from __future__ import annotations

import pytest
from n8nkit import Maker, n8n, node, stranger

from lampway.domain.package import Scope
from lampway.engine.platform import Access
from lampway.platforms.n8n.package import build_package
from lampway.platforms.n8n.platform import N8n
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers


class TestN8n(PlatformContract):
    @pytest.fixture
    def platform(self) -> N8n:
        return n8n()

    @pytest.fixture
    def dev(self, dev: Maker) -> Maker:
        return dev

    @pytest.fixture
    def prod(self, prod: Maker) -> Maker:
        return prod

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
