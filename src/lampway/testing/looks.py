"""What the chapters of the contract suite ask and look at in the same way."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

import pytest

from lampway.domain.capability import Ability, Support
from lampway.domain.configuration import BOUND
from lampway.engine.platform import Access, Installed, Observed, Platform
from lampway.errors import LampwayError
from lampway.testing.sample import Outside, Sample


def has(platform: Platform, ability: Ability, least: Support = Support.PARTIAL) -> bool:
    """Return whether an ability is declared. To export fully is to export what was deployed, too, byte for byte."""
    declared = {capability.name: capability.support for capability in platform.capabilities()}
    return declared.get(ability) in {Support.FULL, least}


def need(platform: Platform, ability: Ability, least: Support = Support.PARTIAL) -> None:
    """Skip the test where the platform does not declare the ability."""
    declared = {capability.name: capability.support for capability in platform.capabilities()}
    if declared.get(ability) not in {Support.FULL, least}:
        pytest.skip(f"{platform.name} does not declare {ability}: {declared.get(ability)}")


def export_of(platform: Platform, place: Outside, sample: Sample) -> bytes:
    """Return the package of the sample as it is in a place now."""
    return platform.export(place.access, sample.scope, {sample.scope.solution: sample.scope}).package


def record_of(sample: Sample, package: bytes) -> Installed:
    """Return what the records say once this package was deployed."""
    return Installed(package, sample.configuration)


def observe_one(platform: Platform, place: Outside, sample: Sample, there: bytes | Installed) -> Observed:
    """Return how the sample in a place differs from this package, or from what the records say is there."""
    installed = record_of(sample, there) if isinstance(there, bytes) else there
    observation = platform.observe(place.access, {sample.scope.solution: installed})
    return observation.solutions[sample.scope.solution]


def others_in(place: Outside, sample: Sample) -> object:
    """Return what is there of everybody else."""
    ours = set(sample.scope.contains)
    return [
        {name: held for name, held in told.items() if name not in ours} for told in (place.contents(), place.stored())
    ]


def everything_told(platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes) -> Iterator[object]:
    """Yield whatever the adapter tells about going from the first package to the second."""
    wanted = sample.wanted(second, first)
    plan = platform.plan(prod.access, wanted)
    yield plan
    for step in plan.steps:
        yield platform.intend(prod.access, wanted, step.name)
    yield platform.probe(prod.access)
    yield platform.observe(prod.access, {sample.scope.solution: record_of(sample, first)})
    if has(platform, Ability.EXPORT, Support.FULL):
        yield platform.export(prod.access, sample.scope, {sample.scope.solution: sample.scope})


def leaks_in(told: list[object], access: Access, sample: Sample) -> list[str]:
    """Return the names of the secrets that appear in what was told. Which connection is bound is none."""
    secrets = {f"credential {name}": secret.reveal() for name, secret in access.credentials.items()}
    secrets |= {
        f"{name} / {f}": value for name, fields in sample.secrets.items() for f, value in fields.items() if f != BOUND
    }
    text = "".join(map(repr, told))
    return [name for name, value in secrets.items() if len(value) >= 4 and value in text]


def text_of(error: LampwayError) -> str:
    """Return everything that anybody could print of an error."""
    shown = "".join(traceback.format_exception(error))
    return f"{error!r} {error} {error.where} {error.hint} {error.details} {error.__cause__!r} {shown}"


def refusals(
    platform: Platform, prod: Outside, access: Access, sample: Sample, package: bytes
) -> Iterator[LampwayError]:
    """Yield what every method answers to somebody with this access."""
    wanted, known = sample.wanted(package), {sample.scope.solution: sample.scope}
    step = platform.plan(prod.access, wanted).steps[0].name
    intent = platform.intend(prod.access, wanted, step)
    calls: tuple[Callable[[], object], ...] = (
        lambda: platform.probe(access),
        lambda: platform.export(access, sample.scope, known),
        lambda: platform.observe(access, {sample.scope.solution: record_of(sample, package)}),
        lambda: platform.plan(access, wanted),
        lambda: platform.intend(access, wanted, step),
        lambda: platform.perform(access, wanted, step, intent),
        lambda: platform.look_up(access, wanted, step, intent),
    )
    for call in calls:
        with pytest.raises(LampwayError) as caught:
            call()
        yield caught.value
