"""The governed path on real n8n, by commands: released in dev, approved by somebody else, live in prod, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from n8nkit import Maker, fields
from n8nteam import lampway, stand_alone, start_team


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_alone(monkeypatch, tmp_path)


def test_a_change_in_dev_reaches_prod_by_two_people_and_comes_back(
    tmp_path: Path, dev: Maker, prod: Maker, between: Maker
) -> None:
    root = start_team(tmp_path, {"dev": dev, "test": between, "prod": prod})
    dev.build(1)
    assert "orders@1.0.0" in lampway(root, "release", "orders")
    lampway(root, "promote", "orders", "--to", "prod", code=4)
    assert between.answer("version 1")["url"] == "https://erp.test.test"
    lampway(root, "approve", "orders", code=1)
    assert not prod.workflows()
    lampway(root, "approve", "orders", user="ben")
    assert prod.answer("version 1")["url"] == "https://erp.prod.test"
    assert lampway(root, "drift", "scan", "prod")

    prod.change("Orders", "Answer", publish=False, parameters=fields(text="hotter", url="no"))
    assert "a draft was saved and not published" in lampway(root, "drift", "scan", "prod", code=1)
    lampway(root, "drift", "revert", "orders", "--in", "prod", "--reason", "nobody asked for it")
    assert lampway(root, "drift", "scan", "prod")

    dev.build(2)
    lampway(root, "release", "orders", "--promote", "prod", code=4)
    lampway(root, "approve", "orders", user="ben")
    prod.answer("version 2")
    lampway(root, "rollback", "orders", "--in", "prod", "--reason", "the old one was better", user="ben")
    assert prod.answer("version 1")["url"] == "https://erp.prod.test"
    assert "1.0.0" in lampway(root, "status")
    lampway(root, "audit", "verify")
    whole = b"".join(file.read_bytes() for file in (root / ".lampway").rglob("*") if file.is_file())
    secrets = [file.read_text() for file in (tmp_path / "secrets").iterdir() if "user" not in file.name]
    assert [secret for secret in secrets if secret.encode() in whole] == []
