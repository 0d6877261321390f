"""A whole governed promotion on a real Node-RED, beside the same change by its raw admin API, in turns.

Governed: somebody asks for a changed release to enter prod, somebody else approves, it is deployed, read back, verified
and recorded; everything is in this process, as it would be on a server. Raw: read the flows, send them changed, poll
the endpoint until it answers the new version, and do the same HTTP check, on a twin of prod and over one connection
that is kept open. The difference is what governance costs, and two tables say where it goes: by step, from the ledger's
journal, and by who had the processor or was waited for, which shows the engine's own share without checks and
platform. The third way is the governed one as two people type it, `lampway promote` and `lampway approve`: two
programs that have to start.

Node-RED loses requests that reach it within milliseconds of a deployment: they are never answered. Raw polls therefore
give up soon and ask again; how often that was needed is told.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import httpx

from bench.program import Place, lampway
from bench.table import Report, Table
from bench.team import NodeRedPlace, Team, start_team
from bench.timing import Meter, Samples, median, seconds, watch
from lampway.app import LocalSession
from lampway.cli.keys import sign
from lampway.domain.events import (
    DecisionMade,
    DeploymentFinished,
    DeploymentStarted,
    PromotionMoved,
    PromotionRequested,
    Recorded,
    StepFinished,
    StepStarted,
)
from lampway.domain.promotion import PromotionState
from lampway.engine.context import Engine
from lampway.engine.decide import Decide
from lampway.engine.platform import Access
from lampway.engine.promote import Promote
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.platform import NodeRed

_ROUNDS, _WARM_UP = 12, 2
_PATIENCE = 0.1
"""Seconds until a poll is given up."""
_HTTP, _CHECKS, _ENGINE = "HTTP to the platform", "checks", "engine"
_USERS = {
    _HTTP: "Node-RED answering its admin API",
    _CHECKS: "the HTTP check of the flows themselves",
    "adapter": "adapter: reading packages, merging, comparing, making clients",
    "store": "ledger and records: SQLite, durable",
    "packages": "package store",
    "git": "git",
    "secrets": "resolving secrets",
    _ENGINE: "engine: judging, digests, everything else",
}


@dataclass(slots=True)
class _Found:
    """What the rounds told."""

    samples: Samples = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)
    """Polls of the raw way that were never answered, round by round."""
    steps: list[dict[str, float]] = field(default_factory=list)
    shares: list[Counter[str]] = field(default_factory=list)
    calls: list[Counter[str]] = field(default_factory=list)

    def add(self, name: str, took: float) -> None:
        """Keep how long one way took once."""
        self.samples.setdefault(name, []).append(took)


class _Timed(httpx.BaseTransport):
    """Counts every exchange with the platform, the body of the answer included."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._inner = httpx.HTTPTransport(verify=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it and read the answer whole."""
        with self._meter.during(_HTTP):
            response = self._inner.handle_request(request)
            response.read()
        return response

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()


def run(folder: Path) -> Report:
    """Start the places and take both ways in turns."""
    meter = Meter(_ENGINE)
    found = _Found()
    with start_team(folder) as team:
        engine = _watched(team.engine(), meter)
        try:
            for number in range(_WARM_UP + _ROUNDS):
                _round(team, engine, meter, found if number >= _WARM_UP else _Found(), price=2 + number)
        finally:
            engine.store.close()
    tables = (_compared(found), _by_step(found), _by_user(found))
    own = median([_own(shares) for shares in found.shares], 1e-3)
    notes = (
        f"the engine's own time, without HTTP to the platform and checks: {own:.0f} ms, median",
        f"raw polls that Node-RED never answered: {sum(found.lost)} in {_ROUNDS} rounds",
    )
    details = {"lost": found.lost, "steps": found.steps, "shares": found.shares}
    return Report(tables, {**found.samples, **details}, notes)


def _watched(engine: Engine, meter: Meter) -> Engine:
    """Return the engine with everything it uses counted."""

    def connect(access: Access) -> Api:
        return Api(access, transport=_Timed(meter))

    node_red = watch(NodeRed(connect=connect), meter, "adapter")
    return replace(
        engine,
        platforms={"node-red": node_red},
        store=watch(engine.store, meter, "store"),
        packages=watch(engine.packages, meter, "packages"),
        source=watch(engine.source, meter, "git"),
        secrets=watch(engine.secrets, meter, "secrets"),
        checks=watch(engine.checks, meter, _CHECKS),
    )


def _round(team: Team, engine: Engine, meter: Meter, found: _Found, *, price: float) -> None:
    """Take each way once, with a price of its own, and hold against what prod answers whether it did."""
    _govern(team, engine, meter, found, price)
    lost: list[int] = []
    raw = seconds(lambda: lost.append(_change(team.places["twin"], price)))
    found.lost += lost
    found.add("raw", raw)
    release = team.make_release(price + 0.5)
    found.add("typed", seconds(lambda: _type(team, release)))
    _require(team.places["prod"].total() == 2 * price + 1, "prod does not answer the new version")


def _govern(team: Team, engine: Engine, meter: Meter, found: _Found, price: float) -> None:
    release = team.make_release(price)
    told: list[Recorded] = []
    observed = replace(engine, observers=(told.append,))
    sessions = [LocalSession(team.root, (), user, _engine=observed) for user in ("ada", "ben")]
    begun = time.time()
    meter.reset()
    took = seconds(lambda: _promote(*sessions, release))
    meter.enter("outside")
    found.add("governed", took)
    found.steps.append(_steps(told, begun, took))
    found.shares.append(Counter({name: meter.seconds[name] for name in _USERS}))
    found.calls.append(Counter(meter.calls))
    _require(team.places["prod"].total() == 2 * price, "prod does not answer the new version")


def _promote(asking: LocalSession, deciding: LocalSession, release: str) -> None:
    asked = asking.run(Promote(release, "prod"))
    signed, _ = sign(deciding, Decide(asked.promotions[-1], approved=True), "")
    deciding.run(signed)


def _type(team: Team, release: str) -> None:
    place = Place(team.root, team.root.parent / "compiled")
    place.run((*lampway(), "promote", release, "--to", "prod"), expect=4)
    place.run((*lampway(), "approve", release), user="ben")


def _change(twin: NodeRedPlace, price: float) -> int:
    """Deploy by the raw API, wait for the new version and check it; return how many polls were never answered."""
    twin.change(price)
    polls = itertools.takewhile(lambda total: total != 2 * price, (twin.total(_PATIENCE) for _ in itertools.count()))
    lost = sum(1 for total in polls if total is None)
    answer = twin.order()
    _require(answer.status_code == 201 and answer.json()["accepted"], "the check fails")
    return lost


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise AssertionError(otherwise)


def _steps(told: Sequence[Recorded], begun: float, took: float) -> dict[str, float]:
    """Return the seconds between the marks that a promotion leaves in the ledger, in their order."""
    states = [one.event.state for one in told if isinstance(one.event, PromotionMoved)]
    _require(PromotionState.SUCCEEDED in states, f"the promotion did not succeed: {states}")
    at = {type(one.event): datetime.fromisoformat(one.at).timestamp() for one in told}
    found = {
        "asking: look at test and prod, judge, record": at[PromotionRequested] - begun,
        "approving: judge, record": at[DecisionMade] - at[PromotionRequested],
        "starting: judge, plan, record": at[DeploymentStarted] - at[DecisionMade],
    }
    open_since = 0.0
    for one in told:
        moment = datetime.fromisoformat(one.at).timestamp()
        if isinstance(one.event, StepStarted):
            open_since = moment
        elif isinstance(one.event, StepFinished):
            found[f"step {one.event.step}"] = moment - open_since
    found["between steps: recording, preparing"] = (
        at[DeploymentFinished] - at[DeploymentStarted] - sum(v for n, v in found.items() if n.startswith("step "))
    )
    found["after it: tag in git, look for more to do"] = begun + took - at[DeploymentFinished]
    return found


def _own(shares: Counter[str]) -> float:
    return sum(value for name, value in shares.items() if name not in (_HTTP, _CHECKS))


def _compared(found: _Found) -> Table:
    governed, raw = found.samples["governed"], found.samples["raw"]
    differences = [ours - theirs for ours, theirs in zip(governed, raw, strict=True)]
    rows = [
        ("governed: asked, approved, deployed, verified, recorded", *_spread(governed)),
        ("raw: GET, POST, poll, check", *_spread(raw)),
        ("difference of the two, round by round", *_spread(differences)),
        ("governed, as two people type it: two programs", *_spread(found.samples["typed"])),
    ]
    ratio = f"governed takes {median(governed) / median(raw):.1f} times as long"
    if spared := [took for took, lost in zip(raw, found.lost, strict=True) if not lost]:
        rows.insert(2, (f"raw, in the {len(spared)} rounds without a lost poll", *_spread(spared)))
        ratio += f", {median(governed) / median(spared):.1f} times where no poll is lost"
    title = f"one changed release into prod, {len(raw)} times each, in turns; {ratio}"
    return Table(title, ("how", "median ms", "best", "worst"), rows)


def _spread(samples: Sequence[float]) -> tuple[float, float, float]:
    return median(samples, 1e-3), min(samples) * 1e3, max(samples) * 1e3


def _by_step(found: _Found) -> Table:
    names = list(dict.fromkeys(itertools.chain.from_iterable(found.steps)))
    rows = [(name, median([steps[name] for steps in found.steps], 1e-3)) for name in names]
    return Table("where the governed time goes, by step (from the ledger)", ("step", "median ms"), rows)


def _by_user(found: _Found) -> Table:
    total = median([shares.total() for shares in found.shares])
    rows = []
    for name, text in _USERS.items():
        share = median([shares[name] for shares in found.shares])
        calls = int(median([calls[name] for calls in found.calls]))
        rows.append((text, share * 1e3, 100 * share / total, calls if name != _ENGINE else ""))
    return Table("where the governed time goes, by who had it", ("who", "median ms", "%", "calls"), rows)
