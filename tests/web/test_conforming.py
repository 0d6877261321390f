"""Whatever is sent to any route: the machinery does not fail, and the answer is what the description says."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
from served import Served, edit_for_real

from lampway.web.openapi import openapi
from lampway.web.routes import ROUTES

schemathesis = pytest.importorskip("schemathesis", reason="comes with the dev dependencies")

_EXAMPLES = int(os.environ.get("LAMPWAY_TEST_EXAMPLES", "6"))
_PEOPLE = ("pam", "mia", "rita")


def _checks() -> list[Any]:
    from schemathesis import checks

    checks.load_all_checks()
    names = (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
    return list(checks.CHECKS.get_by_names(names))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_as_described_whatever_is_asked(served: Served, mode: str) -> None:
    served.team.ship("1.19")
    served.team.release("1.50")
    edit_for_real(served)
    schema = schemathesis.openapi.from_dict(openapi())
    checks, faults, asked = _checks(), [], 0
    for number, found in enumerate(schema.get_all_operations()):
        operation = found.ok()
        token = served.token(_PEOPLE[number % len(_PEOPLE)])
        given = {"base_url": served.url, "headers": {"Authorization": f"Bearer {token}"}, "timeout": 60}
        cases = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
        try:
            asked += _tried(cases, given, checks)
        except hypothesis.errors.Unsatisfiable:
            assert mode == "negative", operation.label  # nothing can be asked wrongly there
        except Exception as error:  # noqa: BLE001 - all of them are told at once
            faults.append(f"{operation.label}: {error}")
    assert not faults, "\n\n".join(faults)
    assert asked > len(ROUTES)


def _tried(cases: Any, given: dict[str, Any], checks: list[Any]) -> int:
    """Try a few examples, the same ones each time, and return how many."""
    asked = []

    @hypothesis.settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(cases)
    def once(case: Any) -> None:
        asked.append(case)
        case.call_and_validate(**given, checks=checks)

    once()
    return len(asked)
