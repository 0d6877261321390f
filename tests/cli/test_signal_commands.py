"""Commands of what is told without being asked: each answers on an empty ledger, and each slip is one clear error."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Receiver, listening
from typist import Run, begin, typist

NOTIFY = """\
notify:
  allow: [127.0.0.1/32]
  channels: {{desk: {{webhook: {url}/desk, secret: "env:DESK_SECRET"}}}}
  send: [{{through: [desk]}}]
"""


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ben, in an empty folder."""
    monkeypatch.setenv("DESK_SECRET", "whsec_" + base64.b64encode(bytes(32)).decode())
    return typist(monkeypatch, tmp_path, by="ben")


@pytest.fixture
def desk(empty: Run, tmp_path: Path) -> Iterator[Receiver]:
    """Return where notices go by the strategy in force."""
    with listening() as receiver:
        begin(empty)
        strategy = tmp_path / "lampway.yaml"
        strategy.write_text(NOTIFY.format(url=receiver.url) + strategy.read_text())
        code, _, err = empty("strategy", "apply", "-m", "First")
        assert code == 0, err
        yield receiver


def test_a_channel_can_be_tried_and_says_when_it_does_not_work(empty: Run, desk: Receiver) -> None:
    code, out, _ = empty("notify", "test", "desk", "--json")
    assert code == 0
    assert json.loads(out)["id"] == desk.taken[0].headers["webhook-id"]
    desk.answers = [500]
    code, _, err = empty("notify", "test", "desk")
    assert (code, "answered with 500" in err) == (3, True)
    assert desk.url not in err
    code, _, err = empty("notify", "test", "chat")
    assert (code, "there is: desk" in err) == (2, True)


def test_nothing_waits_in_an_empty_ledger(empty: Run, desk: Receiver) -> None:
    assert empty("notify", "show") == (0, "nothing waits to be told\n", "")
    assert json.loads(empty("notify", "show", "--json")[1]) == []
    code, out, _ = empty("notify", "send")
    assert (code, out) == (0, "0 sent, 0 did not arrive\n")
    assert desk.taken == []


def test_measures_are_written_whole_and_to_the_screen(empty: Run, desk: Receiver, tmp_path: Path) -> None:
    assert desk.url
    path = tmp_path / "lampway.prom"
    assert empty("metrics", "export", "--prometheus", str(path))[0] == 0
    code, out, _ = empty("metrics", "export", "--prometheus", "-")
    assert code == 0
    assert out == path.read_text()
    assert 'lampway_installations{environment="prod"} 0' in out
    assert sorted(p.name for p in tmp_path.glob("*.prom*")) == ["lampway.prom"]
    code, _, err = empty("metrics", "export", "--prometheus", str(tmp_path / "no" / "such"))
    assert (code, "error:" in err) == (3, True)


def test_delivery_and_traces_of_nothing_are_nothing(empty: Run, desk: Receiver) -> None:
    assert json.loads(empty("metrics", "delivery", "--json")[1]) == []
    code, out, _ = empty("metrics", "trace", "--endpoint", f"{desk.url}/v1/traces")
    assert (code, out) == (0, "0 deployments sent, 0 spans in all\n")
    assert desk.taken == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("metrics", "trace", "--endpoint", "localhost:4318"), "not an address"),
        (("metrics", "trace", "--endpoint", "http://h", "--header", "authorization=Bearer abc"), "secret reference"),
        (("metrics", "delivery", "nobody"), "no solution named"),
        (("metrics", "delivery", "--since", "soon"), "not a date or time"),
    ],
)
def test_each_slip_is_one_clear_error(empty: Run, desk: Receiver, words: tuple[str, ...], said: str) -> None:
    assert desk.url
    code, out, err = empty(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Bearer abc" not in err
