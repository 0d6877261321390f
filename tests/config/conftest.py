"""A small governance repository without a mistake, and ways to put one in."""

from collections.abc import Callable, Mapping

import pytest
from people_text import PEOPLE

from lampway.config import load_strategy
from lampway.errors import InvalidStrategyError, Mistake

LAMPWAY = b"""\
team: Order desk
next_review: 2027-05-01
rules: {second_person_applies: true}
tiers:
  sandbox:
  dev: {}
  test: {purpose: prove it}
  prod: {locked: true}
roles: [maker, approver, platform-admin]
pipelines:
  standard:
    from: dev
    stages:
      - name: test
        gates:
          - gate: findings
            block: [secret]
          - gate: configuration
      - name: live
        environment: prod
        gates:
          - gate: previous-stage
          - gate: checks
            kinds: [functional]
          - gate: drift
          - gate: approval
            roles: [approver]
            quorum: 1
          - gate: rollback-target
          - gate: lock
"""
PROD = b"""\
tier: prod
platform: node-red
url: https://prod.example.com/
public_url: https://shop.example.com
access: {user: lampway, password: env:PROD_PASSWORD}
maker_access: {token: "file:/run/secrets/maker"}
variables:
  LIMIT: 100
  QUEUE: {external: true}
  TEXT: "007"
connections:
  ERP: {user: env:ERP_USER, password: env:ERP_PASSWORD}
solutions:
  orders:
    variables: {LIMIT: 50}
"""
PLACE = b"""\
tier: %s
platform: node-red
url: https://%s.example.com
access:
  token: env:TOKEN
"""
ORDERS = b"""\
pipeline: standard
owner: ada
criticality: high
contains: [Orders, Stock]
rollback_plan: Tell the desk.
constants: [CURRENCY]
connections: {ERP: [user, password]}
checks:
  - name: health
    kind: functional
    timeout: 5
    http:
      path: /health
      headers: {Accept: application/json, Authorization: env:CHECK_TOKEN}
      expect: {json: {ok: true}, contains: fine}
  - name: smoke
    kind: uat
    command: [python, checks/smoke.py]
"""

GOOD: Mapping[str, bytes] = {
    "lampway.yaml": LAMPWAY,
    "people.yaml": PEOPLE,
    "environments/dev.yaml": PLACE % (b"dev", b"dev"),
    "environments/test.yaml": PLACE % (b"test", b"test"),
    "environments/prod.yaml": PROD,
    "solutions/orders/solution.yaml": ORDERS,
}


def _mistakes(files: Mapping[str, bytes]) -> tuple[Mistake, ...]:
    try:
        load_strategy(files)
    except InvalidStrategyError as error:
        return error.mistakes
    return ()


def _altered(file: str, old: str, new: str) -> dict[str, bytes]:
    before = GOOD[file].decode()
    assert old in before, f"{old!r} is not in {file}"
    return {**GOOD, file: before.replace(old, new, 1).encode()}


@pytest.fixture(scope="session")
def files() -> Mapping[str, bytes]:
    return GOOD


@pytest.fixture(scope="session")
def mistakes_of() -> Callable[[Mapping[str, bytes]], tuple[Mistake, ...]]:
    return _mistakes


@pytest.fixture(scope="session")
def altered() -> Callable[[str, str, str], dict[str, bytes]]:
    return _altered
