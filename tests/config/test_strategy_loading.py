"""Good files become the strategy they describe: nothing converted silently, nothing left to the order of files."""

import subprocess
import sys
import time

import pytest

from lampway.config import load_strategy, read_folder
from lampway.domain.digest import digest
from lampway.domain.gates import GATE_KINDS
from lampway.domain.strategy import Check, GateRule, Person, Tier, Values
from lampway.errors import InvalidStrategyError, NotFoundError


def test_the_strategy_says_what_the_files_say(files):
    strategy = load_strategy(files)
    assert (strategy.team, strategy.next_review, strategy.second_person_applies) == ("Order desk", "2027-05-01", True)
    assert strategy.tiers[2:] == (Tier("test", purpose="prove it"), Tier("prod", locked=True))
    assert strategy.roles == ("maker", "approver", "platform-admin")
    assert strategy.people == (
        Person("ada", "Ada", ("ada@example.com",), ("maker",)),
        Person("bob", "Bob", ("bob@example.com", "b@example.org"), ("approver", "platform-admin")),
    )


def test_stages_take_the_environment_of_their_name_and_gates_their_parameters(files):
    pipeline = load_strategy(files).pipeline("standard")
    assert pipeline.source == "dev"
    assert [(s.name, s.environment) for s in pipeline.stages] == [("test", "test"), ("live", "prod")]
    assert pipeline.stages[0].gates == (GateRule("findings", severities=("secret",)), GateRule("configuration"))
    assert pipeline.stages[1].gates[1:] == (
        GateRule("checks", kinds=("functional",)),
        GateRule("drift"),
        GateRule("approval", roles=("approver",), quorum=1),
        GateRule("rollback-target"),
        GateRule("lock"),
    )


def test_findings_block_secrets_and_endpoints_unless_said_otherwise(altered):
    strategy = load_strategy(altered("lampway.yaml", "            block: [secret]\n", ""))
    assert strategy.pipeline("standard").stages[0].gates[0].severities == ("secret", "endpoint")


def test_environments_go_by_tier_with_their_values_as_written(files):
    strategy = load_strategy(files)
    assert [e.name for e in strategy.environments] == ["dev", "test", "prod"]
    prod = strategy.environment("prod")
    assert (prod.url, prod.public_url) == ("https://prod.example.com", "https://shop.example.com")
    assert prod.access == {"user": "lampway", "password": "env:PROD_PASSWORD"}
    assert prod.maker_access == {"token": "file:/run/secrets/maker"}
    assert prod.values.variables == {"LIMIT": 100, "QUEUE": {"external": True}, "TEXT": "007"}
    assert prod.values.connections == {"ERP": {"user": "env:ERP_USER", "password": "env:ERP_PASSWORD"}}
    assert prod.solutions == {"orders": Values({"LIMIT": 50})}


def test_a_solution_has_its_checks_with_what_was_given_and_no_more(files):
    orders = load_strategy(files).solution("orders")
    assert (orders.owner, orders.criticality, orders.contains) == ("ada", "high", ("Orders", "Stock"))
    assert (orders.constants, orders.connections) == (("CURRENCY",), {"ERP": ("user", "password")})
    http = {
        "method": "GET",
        "path": "/health",
        "headers": {"Accept": "application/json", "Authorization": "env:CHECK_TOKEN"},
        "expect": {"status": 200, "json": {"ok": True}, "contains": "fine"},
    }
    assert orders.checks == (
        Check("health", "functional", 5.0, http=http),
        Check("smoke", "uat", 30.0, command=("python", "checks/smoke.py")),
    )


def test_keys_without_a_value_are_empty_not_wrong(altered):
    files = altered("environments/prod.yaml", '  LIMIT: 100\n  QUEUE: {external: true}\n  TEXT: "007"\n', "  # none\n")
    assert load_strategy(files).environment("prod").values.variables == {}


@pytest.mark.parametrize("text", ["https://a.example.com", "https://a.example.com/", "https://a.example.com//"])
def test_addresses_have_no_trailing_slash(altered, text):
    found = load_strategy(altered("environments/prod.yaml", "https://prod.example.com/", text))
    assert found.environment("prod").url == "https://a.example.com"


def test_every_gate_the_engine_knows_can_be_declared_and_no_other(altered):
    from lampway.config.gate_rules import AnyGate, Approval

    kinds = [arm.model_fields["gate"].annotation.__args__[0] for arm in AnyGate.__args__[0].__args__]
    assert tuple(kinds) == GATE_KINDS
    assert Approval in AnyGate.__args__[0].__args__


def test_the_order_in_which_files_are_given_does_not_matter(files):
    backwards = dict(reversed(list(files.items())))
    assert digest(load_strategy(backwards)) == digest(load_strategy(files))
    spoiled = {**files, "people.yaml": b"people: {ada: {}}", "environments/dev.yaml": b"tier: x"}
    told = []
    for order in (spoiled, dict(reversed(list(spoiled.items())))):
        with pytest.raises(InvalidStrategyError) as caught:
            load_strategy(order)
        told.append(caught.value.mistakes)
    assert told[0] == told[1]


def test_comments_and_layout_change_nothing(files):
    commented = {path: b"# hello\n" + data.replace(b"\n", b"   # here\n") for path, data in files.items()}
    windows = {path: data.replace(b"\n", b"\r\n") for path, data in files.items()}
    assert load_strategy(commented) == load_strategy(windows) == load_strategy(files)


def test_files_that_are_no_governance_files_are_passed_over(files):
    others = {"README.md": b"\xff", "solutions/README.md": b"", "solutions/orders/src/flows.json": b"{", "x.yaml": b"["}
    assert load_strategy({**files, **others}) == load_strategy(files)


def test_a_folder_is_read_without_the_source_of_solutions(files, tmp_path):
    extra = {"solutions/orders/src/solution.yaml": b"x", "solutions/orders/notes.yaml": b"x", ".lampway/x.yaml": b"x"}
    for path, data in {**files, **extra}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert read_folder(tmp_path) == dict(sorted(files.items()))


def test_a_misplaced_file_in_a_folder_is_read_so_that_it_can_be_told(files, tmp_path):
    for path in ("environments/prod.yml", "solutions/orders.yaml", "people.yml", "environments/eu/x.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"a: 1")
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy(read_folder(tmp_path))
    assert len(caught.value.mistakes) == 6


def test_a_folder_that_is_not_there_is_no_strategy(tmp_path):
    with pytest.raises(NotFoundError, match="no such folder"):
        read_folder(tmp_path / "nowhere")


def test_importing_the_room_loads_neither_pydantic_nor_the_yaml_reader():
    code = "import lampway.config, sys; print([m for m in sys.modules if m.split('.')[0] in ('pydantic', 'ruamel')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_two_hundred_solutions_load_while_nobody_waits(files):
    many = {f"solutions/s{n}/solution.yaml": files["solutions/orders/solution.yaml"] for n in range(200)}
    before = time.perf_counter()
    assert len(load_strategy({**files, **many}).solutions) == 201
    assert time.perf_counter() - before < 10


def test_checkpoints_are_tagged_only_where_the_team_says_so(files, altered):
    assert load_strategy(files).checkpoints == ""
    assert load_strategy(altered("lampway.yaml", "roles:", "audit: {checkpoints: tag}\nroles:")).checkpoints == "tag"
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy(altered("lampway.yaml", "roles:", "audit: {checkpoints: mail}\nroles:"))
    assert "checkpoints" in caught.value.mistakes[0].message
