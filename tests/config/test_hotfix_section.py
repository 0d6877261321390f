"""The short path for hotfixes: what may be left out on it, and what may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lampway.config import load_strategy
from lampway.domain.cautions import cautions
from lampway.domain.strategy_effects import effects

SHORT = """\
    hotfix:
      - name: hotfix-test
        environment: test
        gates: [{gate: findings}]
      - name: hotfix-live
        environment: prod
        gates:
          - gate: previous-stage
          - gate: checks
          - gate: approval
            roles: [approver]
          - gate: rollback-target
          - gate: lock
"""


@pytest.fixture
def short(files):
    """Return governance files whose path has a short one."""
    return {**files, "lampway.yaml": files["lampway.yaml"] + SHORT.encode()}


def with_change(files, old: str, new: str):
    assert old in SHORT
    return {**files, "lampway.yaml": files["lampway.yaml"] + SHORT.replace(old, new, 1).encode()}


def test_it_leads_to_the_same_end_with_stages_of_its_own(short) -> None:
    strategy = load_strategy(short)
    pipeline = strategy.pipeline("standard")
    assert [(s.name, s.environment) for s in pipeline.hotfix] == [("hotfix-test", "test"), ("hotfix-live", "prod")]
    assert strategy.stage("orders", "prod").name == "live"
    assert strategy.stage("orders", "hotfix-live") == pipeline.hotfix[1]
    assert strategy.stage("orders", "prod", hotfix=True) == pipeline.hotfix[1]
    assert strategy.stages_before("orders", pipeline.hotfix[1]) == pipeline.hotfix[:1]


def test_what_it_lets_in_unsigned_is_pointed_out_as_anywhere(short) -> None:
    assert any("hotfix-live" in line and "signed" in line for line in cautions(load_strategy(short)))


def test_who_can_now_do_what_because_of_it_is_told(files, short) -> None:
    assert any("hotfix-live" in line for line in effects(load_strategy(files), load_strategy(short)))


GONE = "          - gate: lock\n"
CASES: dict[str, tuple[str, str, str]] = {
    "no approval": (
        "          - gate: approval\n            roles: [approver]\n",
        "",
        "a stage of the last tier needs the gate approval",
    ),
    "no lock": (GONE, "", "a stage of the last tier needs the gate lock"),
    "no proof in test": (
        "          - gate: previous-stage\n",
        "",
        "a stage of the last tier needs the gate previous-stage",
    ),
    "no checks": ("          - gate: checks\n", "", "the last stage for hotfixes needs the gate checks"),
    "no test": (
        "      - name: hotfix-test\n        environment: test\n        gates: [{gate: findings}]\n",
        "",
        "a hotfix is tested before it goes in",
    ),
    "another end": ("        environment: prod\n", "        environment: test\n", "the short path goes another way"),
    "off the path": ("environment: test\n", "environment: dev\n", "the path does not lead through dev"),
    "a name twice": ("name: hotfix-live", "name: live", "live is taken already by a stage of the path"),
    "a name of a place": ("name: hotfix-test", "name: prod", "prod is taken already by a stage of the path"),
    "nobody has the role": ("roles: [approver]", "roles: [boss]", "boss"),
    "a watch": (
        "        environment: prod\n",
        "        environment: prod\n        watch: {then: rollback}\n",
        "a stage of the short path has no watch of its own",
    ),
    "a soak before anything": (
        "gates: [{gate: findings}]",
        "gates: [{gate: soak, for: 1h}]",
        "gate soak can never open: no stage comes before this one",
    ),
    "proof before anything": (
        "gates: [{gate: findings}]",
        "gates: [{gate: previous-stage}]",
        "gate previous-stage can never open: no stage comes before this one",
    ),
    "windows that say the same twice": (
        "        environment: prod\n",
        (
            "        environment: prod\n        windows:\n"
            '          - {days: [mon], from: "08:00", to: "12:00", zone: UTC}\n'
            '          - {days: [mon], from: "11:00", to: "13:00", zone: UTC}\n'
        ),
        "window 2 overlaps window 1",
    ),
    "nothing in it": (SHORT, "    hotfix: []\n", "empty"),
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_each_mistake_is_told_with_its_place(files, case: str, mistakes_of: Callable) -> None:
    old, new, said = CASES[case]
    lines = files["lampway.yaml"].count(b"\n")
    found = mistakes_of(with_change(files, old, new))
    assert any(said in mistake.message for mistake in found), found
    assert all(mistake.line > lines for mistake in found)
    assert all(mistake.hint for mistake in found)
