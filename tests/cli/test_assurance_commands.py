"""Tickets and certifications from the command line: one clear error for what makes no sense, and nothing recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from typist import Run, begin, enforce, typist, write_solution

SOLUTION = "pipeline: standard\nowner: ada\ncontains: [Orders]\ndepends_on: {stock: 1.2.0}\n"
STOCK = "pipeline: standard\nowner: ben\ncontains: [Stock]\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ben, in a folder with two solutions whose strategy is in force."""
    run = typist(monkeypatch, tmp_path, by="ben")
    begin(run)
    write_solution(tmp_path, "orders", SOLUTION)
    write_solution(tmp_path, "stock", STOCK)
    enforce(run)
    return run


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ticket", "orders", "CHG-1"), 2, "no open promotion orders"),
        (("ticket", "orders", ""), 2, "must not be blank"),
        (("ticket", "orders", "x" * 101), 2, "may have 100 characters"),
        (("ticket", "orders"), 2, "TICKET"),
        (("promote", "orders", "--to", "prod", "--ticket", "a\nb"), 2, "one line of printable text"),
        (("recertify", "soup"), 2, "no solution named *soup*"),
        (("recertify", "orders"), 1, "Ben Approver does not own orders"),
        (("recertify", "stock"), 1, "no release yet"),
        (("recertify", "stock", "--for", "never"), 2, "not a length of time"),
        (("recertify", "stock", "--for", "5y"), 2, "not a length of time"),
        (("recertify",), 2, "SOLUTION"),
        (
            (
                *("check", "attest", "orders", "--in", "test", "--check", "x", "--outcome", "passed", "--cases", "y"),
                *("--data-digest", "md5:1"),
            ),
            2,
            "not a digest",
        ),
    ],
)
def test_what_is_asked_wrongly_ends_in_one_error_and_nothing_recorded(
    run: Callable[..., tuple[int, str, str]], words: tuple[str, ...], code: int, said: str
) -> None:
    before = json.loads(run("audit", "verify", "--json")[1])["events"]
    told, out, err = run(*words)
    assert (told, out) == (code, ""), err
    assert said in err
    assert err.count("error:") == 1
    assert json.loads(run("audit", "verify", "--json")[1])["events"] == before


def test_a_circle_is_found_by_strategy_check_with_its_place(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "solutions" / "stock" / "solution.yaml"
    file.write_text(STOCK + "depends_on: {orders: 1.0.0}\n")
    code, _, err = run("strategy", "check")
    assert code == 2
    assert "solutions/orders/solution.yaml:4:14" in err
    assert "orders → stock → orders" in err


def test_what_the_template_offers_about_assurance_is_valid_when_it_is_taken(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "lampway.yaml"
    begin, end = "          # - gate: rehearsed", "          # - any:"
    before, found, after = path.read_text().partition(begin)
    offered, _, rest = after.partition(end)
    taken = re.sub("^          # ", "          ", found + offered, flags=re.MULTILINE)
    path.write_text(before + taken + end + rest)
    assert run("strategy", "check")[::2] == (0, "")
    changes = run("strategy", "diff")[1]
    for words in ("rehearsed added: within 30 d", "warns 14 d before", "ticket added: CHG-[0-9]{4,8}", "managed added"):
        assert words in changes, changes
