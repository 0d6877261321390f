"""Where requests of checks may reach is declared once, for every solution."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy
from lampway.domain.strategy_diff import compare
from lampway.errors import InvalidStrategyError

FILE, BEFORE = "lampway.yaml", "pipelines:\n"


def test_networks_are_named_once_and_a_change_of_them_is_told(files, altered) -> None:
    before = load_strategy(files)
    found = load_strategy(altered(FILE, BEFORE, "checks: {allow: [10.20.0.0/16, 127.0.0.1/32]}\n" + BEFORE))
    assert (before.check_networks, found.check_networks) == ((), ("10.20.0.0/16", "127.0.0.1/32"))
    told = str(compare(before, found))
    assert "checks may reach" in told
    assert "10.20.0.0/16" in told


@pytest.mark.parametrize("network", ["10.0.0.1/8", "example.com", "*", "10.0.0.0/99"])
def test_what_is_no_network_is_refused(altered, network: str) -> None:
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy(altered(FILE, BEFORE, f"checks: {{allow: ['{network}']}}\n" + BEFORE))
    (mistake,) = caught.value.mistakes
    assert "must be a network" in mistake.message
    assert mistake.hint
