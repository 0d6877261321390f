"""The path, end to end, on three real Node-REDs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from lampway.cli import demo_flows

pytestmark = pytest.mark.real


def git(team: Any, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(team.root), *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def cell(team: Any, environment: str) -> dict[str, Any]:
    return next(c for c in team.ok("status", "--json").json if c["environment"] == environment)


def test_one_command_and_one_decision_bring_a_saved_change_to_prod(team: Any) -> None:
    before = len(team.said)
    released = team.run("release", "orders", "--promote", "prod")
    assert released.code == 4, released
    approved = team.ok("approve", "orders", user="ben")
    assert len(team.said) - before == 2, "one command by the maker, one decision by somebody else"
    assert "deployed and verified" in approved.out
    assert "signed with your key" in approved.out
    assert team.order("prod")["accepted"] is True
    assert cell(team, "prod")["state"] == "verified"


def test_the_bytes_that_passed_test_go_to_prod_and_the_source_commit_is_tagged(team: Any) -> None:
    made = team.ok("release", "orders", "--json").json
    assert made["release"] == "orders@1.0.0"
    team.run("promote", "orders", "--to", "prod")
    view = team.ok("approve", "orders", "--json", user="ben").json
    assert view["state"] == "succeeded"
    shown = team.ok("show", view["id"], "--json").json
    assert shown["deployment"]["package"] == made["package"]["digest"]
    assert git(team, "rev-list", "-n1", "orders/v1.0.0") == made["commit"]


def test_nothing_changed_makes_no_release(team: Any) -> None:
    team.ok("release", "orders")
    again = team.ok("release", "orders")
    assert "nothing changed" in again.out
    assert git(team, "log", "--oneline").count("orders 1.0.0") == 1


def test_a_layout_only_move_is_no_change(team: Any) -> None:
    team.ok("release", "orders")
    team.put("dev", [{**n, "x": n.get("x", 0) + 40} if "x" in n else n for n in reversed(team.flows("dev"))])
    assert "nothing changed" in team.ok("release", "orders").out


def test_the_same_version_with_other_bytes_is_refused(team: Any) -> None:
    team.ok("release", "orders")
    team.build(rush=True)
    refused = team.run("release", "orders", "--version", "1.0.0")
    assert refused.code == 1
    assert "sealed already" in refused.err


def test_a_release_commits_the_solution_and_nothing_else_that_lies_around(team: Any) -> None:
    (team.root / "notes.txt").write_text("mine")
    team.ok("release", "orders")
    assert "notes.txt" not in git(team, "show", "--stat", "HEAD")
    assert git(team, "status", "--porcelain") == "?? notes.txt"
    assert git(team, "log", "-1", "--format=%ae") == "ada@example.org"


def test_readable_source_shows_a_code_change_as_one_line(team: Any) -> None:
    team.ok("release", "orders")
    nodes = team.flows("dev")
    for node in nodes:
        if node["id"] == demo_flows.node_id("sum"):
            node["func"] = node["func"].replace("* each", "* each * 3")
    team.put("dev", nodes)
    team.ok("release", "orders")
    changed = git(team, "show", "--format=", "--numstat", "HEAD", "--", "*.js")
    assert changed.startswith("1\t1\t")


@pytest.mark.parametrize("user", ["ada", "nobody@example.org"])
def test_maker_requester_and_strangers_cannot_approve(team: Any, user: str) -> None:
    team.ok("release", "orders")
    team.run("promote", "orders", "--to", "prod")
    refused = team.run("approve", "orders", user=user)
    assert refused.code == 1
    assert "would not count" in refused.err
    assert cell(team, "prod")["state"] == "absent"


def test_a_rejection_needs_a_reason_and_ends_the_promotion(team: Any) -> None:
    team.ok("release", "orders")
    team.run("promote", "orders", "--to", "prod")
    assert team.run("reject", "orders", user="ben").code == 2
    team.ok("reject", "orders", "--reason", "not today", user="ben")
    assert team.run("approve", "orders", user="ben").code == 2
    assert cell(team, "prod")["state"] == "absent"


def test_a_changed_value_for_prod_voids_the_approval_that_was_asked_for(team: Any) -> None:
    team.ok("release", "orders")
    team.run("promote", "orders", "--to", "prod")
    file = team.root / "environments" / "prod.yaml"
    file.write_text(file.read_text().replace("/erp/main/", "/erp/other/"))
    team.settle_strategy("Other line")
    void = team.run("approve", "orders", user="ben")
    assert void.code in (1, 2)
    assert "configuration" in team.ok("history", "orders").out


def test_a_live_edit_is_named_and_blocks_until_it_is_reverted(team: Any) -> None:
    team.to_prod()
    team.edit_live()
    scan = team.run("drift", "scan", "prod")
    assert scan.code == 1
    assert "function *sum*" in scan.out
    team.build(rush=True)
    team.ok("release", "orders")
    blocked = team.run("promote", "orders", "--to", "prod")
    assert blocked.code == 1
    assert "edited live" in blocked.out
    team.ok("drift", "revert", "orders", "--in", "prod", user="ben")
    assert team.order("prod")["total"] == 25


def test_an_accepted_live_edit_is_shown_as_waived_and_no_longer_blocks(team: Any) -> None:
    team.to_prod()
    team.edit_live()
    team.run("drift", "scan", "prod")
    team.ok("drift", "accept", "orders", "--in", "prod", "--reason", "agreed with sales", user="ben")
    team.build(rush=True)
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    gates = team.ok("explain", "orders", "--to", "prod", "--json").json["gates"]
    assert next(g for g in gates if g["gate"] == "drift")["state"] == "waived"


def test_scanning_changes_nothing_and_leaves_other_solutions_alone(team: Any) -> None:
    team.to_prod()
    before = {name: team.revision(name) for name in team.places}
    for words in (("drift", "scan"), ("lock", "prod"), ("explain", "orders", "--to", "prod"), ("status",), ("inbox",)):
        team.run(*words)
    assert {name: team.revision(name) for name in team.places} == before
    stand_in = [n for n in team.flows("prod") if n["id"] == demo_flows.node_id("erp")]
    assert stand_in[0]["label"] == "ERP stand-in"


def test_a_failed_verification_stops_and_a_rollback_brings_release_and_configuration_back(team: Any) -> None:
    team.to_prod()
    team.build(rush=True)
    team.ok("release", "orders", "--bump", "minor")
    team.run("promote", "orders", "--to", "prod")
    failed = team.run("approve", "orders", user="ben")
    assert failed.code == 1
    assert "order-is-booked" in failed.out
    assert cell(team, "prod") | {"version": "1.1.0", "state": "unverified"} == cell(team, "prod")
    assert team.run("rollback", "orders", "--in", "prod", user="ben").code == 2
    team.ok("rollback", "orders", "--in", "prod", "--reason", "closed", user="ben")
    assert team.order("prod")["accepted"] is True
    assert cell(team, "prod")["version"] == "1.0.0"


def test_a_first_deployment_is_rolled_back_by_removing_it(team: Any) -> None:
    team.to_prod()
    assert team.run("rollback", "orders", "--in", "prod", "--reason", "x", user="ben").code == 1
    team.ok("rollback", "orders", "--in", "prod", "--remove", "--reason", "not needed", user="ben")
    team.order("prod", 404)
    assert {n["id"] for n in team.flows("prod")} >= {demo_flows.node_id("erp")}
    assert cell(team, "prod")["state"] == "absent"


def test_a_hardcoded_secret_makes_no_release_and_reaches_nothing(team: Any) -> None:
    planted = "sk_" + "live_" + "a1B2c3D4e5F6g7H8i9J0k1L2"
    team.build(hardcoded=planted)
    refused = team.run("release", "orders")
    assert refused.code == 1
    assert "function Prepare" in refused.err
    assert planted not in refused.err + refused.out
    assert planted.encode() not in everything_kept(team)


def everything_kept(team: Any) -> bytes:
    """Return all that Lampway keeps: state, packages, git's objects unpacked, and everything it said."""
    objects = git(team, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")
    kept = [answer.out.encode() + answer.err.encode() for answer in team.said]
    for line in objects.splitlines():
        name, kind = line.split()
        kept.append(
            subprocess.run(
                ["git", "-C", str(team.root), "cat-file", kind, name], check=True, capture_output=True
            ).stdout
        )
    kept += [_unzipped(f.read_bytes()) for f in team.root.rglob("*") if f.is_file() and ".git/" not in str(f)]
    return b"\n".join(kept)


def _unzipped(data: bytes) -> bytes:
    import io
    import zipfile

    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data + b"\n".join(archive.read(name) for name in archive.namelist())


def test_no_secret_is_in_any_output_ledger_package_or_git_object(team: Any) -> None:
    team.to_prod()
    team.edit_live()
    team.run("drift", "scan")
    team.ok("drift", "revert", "orders", "--in", "prod", user="ben")
    for words in (("status",), ("history",), ("inspect", "missing"), ("doctor",), ("audit", "verify"), ("platforms",)):
        team.run(*words)
        team.run(*words, "--json")
    kept = everything_kept(team)
    planted = [file.read_text() for file in team.secrets.iterdir()]
    assert len(planted) == 9
    for secret in planted:
        assert secret.encode() not in kept


def test_adopting_prod_takes_what_runs_and_sets_the_baseline(start_team: Any, monkeypatch: Any) -> None:
    team = start_team(solution=False)
    nodes = [*team.flows("prod"), *demo_flows.orders(), demo_flows.surroundings(team.places["prod"].url)]
    team.put("prod", nodes, {demo_flows.node_id("orders"): {"ERP_KEY": "key-of-prod-0123456789"}})
    before = team.revision("prod")
    listed = team.ok("adopt", "prod")
    assert "in no solution: ERP stand-in, Orders" in listed.out
    refused = team.run("adopt", "prod", "orders", "--contains", "Orders")
    assert refused.code == 1, "what ada wrote must be applied by a second person"
    assert "platform-admin" in refused.err
    team.ok("strategy", "apply", user="ben")
    monkeypatch.setenv("DEV_ERP", "x" * 12)
    adopted = team.ok("adopt", "prod", "orders")
    assert "orders@1.0.0 adopted" in adopted.out
    assert "env:PROD_ORDERS_ORDERS_ERP_KEY" in adopted.out
    assert "in no solution: ERP stand-in" in adopted.out
    assert team.revision("prod") == before
    assert "prod: orders is as deployed" in team.ok("drift", "scan", "prod").out
    assert "ERP_URL" in (team.root / "environments" / "prod.yaml").read_text()
    assert team.run("adopt", "prod", "orders").code == 1
    team.edit_live()
    assert team.run("drift", "scan", "prod").code == 1


def test_adopting_can_give_an_empty_dev_the_same_content(start_team: Any) -> None:
    team = start_team(solution=False)
    team.put("prod", [*team.flows("prod"), *demo_flows.orders(), demo_flows.surroundings("http://127.0.0.1:9")])
    team.run("adopt", "prod", "orders", "--contains", "Orders")
    team.ok("strategy", "apply", user="ben")
    seeded = team.ok("adopt", "prod", "orders", "--seed", "dev")
    assert "dev has the same content now" in seeded.out
    assert {n["id"] for n in team.flows("dev")} >= {demo_flows.node_id("sum"), demo_flows.node_id("orders")}
    assert "nothing changed" in team.ok("release", "orders").out


def test_the_audit_finds_a_changed_row(team: Any) -> None:
    import sqlite3

    team.to_prod()
    team.ok("audit", "verify")
    with sqlite3.connect(team.root / ".lampway" / "lampway.db") as database:
        database.execute("DROP TRIGGER ledger_no_update")
        database.execute("UPDATE ledger SET body = replace(body, 'ben', 'bob') WHERE kind = 'decision-made'")
    database.close()
    found = team.run("audit", "verify")
    assert found.code == 1
    assert "was changed after it was written" in found.out


def test_the_audit_finds_a_damaged_package(team: Any) -> None:
    team.ok("release", "orders")
    package = next(p for p in (team.root / ".lampway" / "packages").rglob("*") if p.is_file())
    data = bytearray(package.read_bytes())
    data[100] ^= 1
    package.chmod(0o600)
    package.write_bytes(bytes(data))
    found = team.run("audit", "verify")
    assert found.code == 1
    assert "package sha256:" in found.out


def test_a_locked_prod_passes_its_gate_and_an_open_one_does_not(team: Any) -> None:
    assert team.run("lock", "prod").code == 0
    assert team.run("lock", "dev").code == 1


def test_a_missing_value_is_named_before_anything_starts(team: Any) -> None:
    file = team.root / "environments" / "prod.yaml"
    file.write_text(file.read_text().replace('"ERP_URL"', '"ERP_ADDRESS"'))
    team.settle_strategy("Rename")
    team.ok("release", "orders")
    before = team.revision("prod")
    blocked = team.run("promote", "orders", "--to", "prod")
    assert blocked.code == 1
    assert "variable ERP_URL" in blocked.out
    assert team.revision("prod") == before


def test_a_secret_typed_in_live_is_neither_kept_nor_told(team: Any) -> None:
    team.to_prod()
    planted = "sk_" + "live_" + "z9Y8x7W6v5U4t3S2r1Q0p9O8"
    team.edit_live(new=f"* each /* '{planted}' */")
    team.run("drift", "scan", "prod")
    team.ok("drift", "revert", "orders", "--in", "prod", user="ben")
    assert planted.encode() not in everything_kept(team)


def test_half_a_character_in_a_flow_or_a_reason_breaks_nothing(team: Any) -> None:
    nodes = team.flows("dev")
    for node in nodes:
        if node["id"] == demo_flows.node_id("sum"):
            node["name"] = "s\ud800um"
    team.put("dev", nodes)
    team.ok("release", "orders", "--message", "odd \udcff")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    team.ok("approve", "orders", user="ben")
    team.ok("audit", "verify")


def test_adopting_a_hardcoded_secret_is_refused_and_reaches_nothing(start_team: Any) -> None:
    team = start_team(solution=False)
    planted = "sk_" + "live_" + "q1W2e3R4t5Y6u7I8o9P0a1S2"
    team.put("prod", [*team.flows("prod"), *demo_flows.orders(hardcoded=planted)])
    refused = team.run("adopt", "prod", "orders", "--contains", "Orders")
    assert refused.code == 1
    assert "function Prepare" in refused.err
    assert planted.encode() not in everything_kept(team)
    assert not (team.root / "solutions" / "orders").exists()


def test_a_secret_in_the_header_of_a_check_is_resolved_and_never_told(team: Any, monkeypatch: Any) -> None:
    planted = "header-secret-0123456789"
    monkeypatch.setenv("CHECK_KEY", planted)
    file = team.root / "solutions" / "orders" / "solution.yaml"
    echo = f"""
  - name: erp-answers
    kind: integration
    http:
      method: POST
      url: {team.places["test"].url}/erp/main/orders
      headers: {{x-api-key: "env:CHECK_KEY"}}
      json: {{echo: true}}
      expect: {{status: 200}}
"""
    file.write_text(file.read_text() + echo)
    team.settle_strategy("Ask the ERP")
    team.ok("release", "orders")
    failed = team.run("promote", "orders", "--to", "test")
    assert failed.code == 1, "the ERP knows another key"
    assert "403 instead of 200" in failed.out
    monkeypatch.setenv("CHECK_KEY", "key-of-test-0123456789")
    team.ok("rollback", "orders", "--in", "test", "--remove", "--reason", "again", user="ben")
    team.ok("promote", "orders", "--to", "test")
    assert planted.encode() not in everything_kept(team)


@pytest.mark.parametrize("words", [("--token", "env:WRONG"), ("--user", "maker", "--password", "env:WRONG")])
def test_wrong_credentials_are_told_as_such_and_change_no_file(team: Any, monkeypatch: Any, words: Any) -> None:
    monkeypatch.setenv("WRONG", "wrong-0123456789")
    file = team.root / "environments" / "prod.yaml"
    before = file.read_text()
    refused = team.run("connect", "prod", team.places["prod"].url, *words, "--json")
    assert refused.code == 3
    assert json.loads(refused.err)["error"]["code"] == "access"
    assert file.read_text() == before
    assert "wrong-0123456789" not in refused.err


def test_ctrl_c_in_a_deployment_leaves_it_to_be_resumed(team: Any) -> None:
    file = team.root / "solutions" / "orders" / "solution.yaml"
    slow = "  - name: slow\n    kind: functional\n    command: [python, -c, 'import time; time.sleep(8)']\n"
    file.write_text(file.read_text() + slow)
    team.settle_strategy("A slow check")
    team.ok("release", "orders")
    process = subprocess.Popen(
        [sys.executable, "-m", "lampway", "-C", str(team.root), "promote", "orders", "--to", "test"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "nonsense-is-refused" in line:
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "lampway resume" in said
    assert cell(team, "test")["state"] == "running"
    team.ok("resume")
    assert cell(team, "test")["state"] == "verified"
