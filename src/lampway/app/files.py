"""What lies on disk beside the state: governance files, evidence, the cache."""

from __future__ import annotations

import os
import secrets as randomness
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lampway.domain.strategy import Person, RulesInForce, Strategy
from lampway.engine.platform import Platform
from lampway.errors import InvalidPackageError, NotFoundError, UsageError

if TYPE_CHECKING:
    from lampway.domain.assessment import Said
    from lampway.domain.notify import Channel
    from lampway.domain.strategy_document import StrategyDocument
    from lampway.engine.livewatch import LiveWatch, Place
    from lampway.engine.ports import Source
    from lampway.engine.traces import TracedSpan
    from lampway.engine.verify import Checked
from lampway.app.session import Platforms, open_engine, open_scanner
from lampway.app.state import SystemClock


def init_source(root: Path) -> Source:
    """Return the git repository at `root`, made if there is none."""
    from lampway.storage.git import GitSource

    return GitSource.init(root)


def initial_files(
    *,
    team: str,
    next_review: str,
    people: Sequence[Person],
    platform: str,
    preset: str = "team",
    environments: Sequence[tuple[str, str]] = (),
    unsigned: bool = False,
) -> Mapping[str, str]:
    """Return the governance files to begin with, by path. Raises UsageError, InvalidStrategyError."""
    from lampway.config.loading import load_strategy
    from lampway.config.presets import Wish, preset_files

    plain = [(p.id, p.name, p.emails[0], p.roles) for p in people]
    wish = Wish(
        team, next_review, plain, platform=platform, preset=preset, environments=environments, unsigned=unsigned
    )
    files = preset_files(wish)
    load_strategy({path: text.encode() for path, text in files.items()})
    return files


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds a strategy. Raises NotFoundError."""
    for folder in (start, *start.parents):
        if (folder / "lampway.yaml").is_file():
            return folder
    raise NotFoundError(f"no lampway.yaml in {start} or above", hint="make one with: lampway init")


def open_live_watch(
    place: Place, state: Path | None, *, root: Path | None, channel: Channel | None, allow: Sequence[str]
) -> LiveWatch:
    """Return what looks at one environment and remembers, in a file, what it saw. Raises NotFoundError."""
    from lampway.engine.livewatch import LiveWatch
    from lampway.integrations.courier import ChannelCourier
    from lampway.integrations.secrets import SecretResolver
    from lampway.storage.lookfile import LookFile, usual_path

    platforms = Platforms()
    if place.platform not in platforms:
        hint = f"installed are: {', '.join(platforms) or 'none'}"
        raise NotFoundError(f"no platform named *{place.platform}*", hint=hint)
    return LiveWatch(
        place=place,
        platform=platforms[place.platform],
        scanner=open_scanner(),
        secrets=SecretResolver(folder=root),
        courier=ChannelCourier(),
        clock=SystemClock(),
        looks=LookFile(state or usual_path(place.name, place.url)),
        salt=randomness.token_hex(16),
        channel=channel,
        allow=tuple(allow),
    )


def send_traces(spans: Sequence[TracedSpan], endpoint: str, headers: Mapping[str, str], version: str) -> None:
    """Send spans to an OpenTelemetry receiver. Raises DeliveryError."""
    from lampway.integrations.tracing import export_spans

    export_spans(spans, endpoint, headers, version)


def recognise(data: bytes, platforms: Mapping[str, Platform]) -> Platform:
    """Return the platform a package is of. Raises UsageError with what each platform misses when none recognises it."""
    missed = []
    for name, platform in platforms.items():
        if platform.format.recognises(data):
            return platform
        try:
            platform.format.inspect(data)
        except InvalidPackageError as error:
            missed.append(f"for {name}: {error}")
    known = ", ".join(platforms) or "none"
    raise UsageError(
        "this is no package of any platform that is installed", hint=f"installed are: {known}", details=tuple(missed)
    )


def config_folder() -> Path:
    """Return where a person's own settings are kept: `LAMPWAY_CONFIG`, else the user's folder for them."""
    if given := os.environ.get("LAMPWAY_CONFIG"):
        return Path(given)
    import platformdirs

    return platformdirs.user_config_path("lampway", appauthor=False)


def cache_folder() -> Path:
    """Return where downloaded runtimes are kept: `LAMPWAY_CACHE`, else the user's cache folder."""
    if given := os.environ.get("LAMPWAY_CACHE"):
        return Path(given)
    import platformdirs

    return platformdirs.user_cache_path("lampway", appauthor=False)


def verify_evidence_file(
    data: bytes,
    keys: tuple[str, bytes],
    *,
    engine_key: str = "",
    package: bytes | None = None,
    checkpoints: Sequence[tuple[str, str]] = (),
) -> tuple[Checked, ...]:
    """Return what verifying an evidence file came to; `keys` is the name and content of a people.yaml.

    `checkpoints` are published ones: where each was read, and its statement. Opens no store. Raises
    InvalidStrategyError, UsageError for keys and checkpoints that are none.
    """
    from lampway.config.trusted_people import read_trusted_people
    from lampway.domain.checkpoint import parse_checkpoint
    from lampway.domain.keys import read_key
    from lampway.engine.verify import Tools, Trusted, verify_evidence
    from lampway.integrations.signing import EngineSigning
    from lampway.storage.codec import recorded_from

    if engine_key:
        read_key(engine_key)
    published = tuple(parse_checkpoint(text, where) for where, text in checkpoints)
    trusted = Trusted(read_trusted_people(*keys), engine_key, package, published)
    return verify_evidence(data, trusted, Tools(recorded_from, EngineSigning(Path(os.devnull))))


def render_document(document: StrategyDocument, form: str) -> bytes:
    """Return a strategy document in a format. Raises UsageError where what the format needs is not installed."""
    from lampway.integrations import documents

    return documents.render_document(document, form)


def assessment_template(file: str) -> str:
    """Return an assessment of readiness to fill in."""
    from lampway.config import assessment_file

    return assessment_file.assessment_template(file)


def read_assessment(file: str, content: bytes) -> Mapping[str, Said]:
    """Return what a filled assessment says, by item. Raises InvalidStrategyError with every mistake."""
    from lampway.config import assessment_file

    return assessment_file.read_assessment(file, content)


def load_working_strategy(root: Path) -> Strategy:
    """Return the strategy in the files as they lie below `root`. Raises InvalidStrategyError."""
    from lampway.config.files import GovernanceFiles

    files = GovernanceFiles()
    return files.load(files.read_folder(root))


def strategy_effects(root: Path) -> tuple[str, ...]:
    """Return what the files as they lie below `root` would change for whom; nothing where no rules are in force."""
    from lampway.domain.strategy_effects import effects

    after = load_working_strategy(root)
    engine = open_engine(root)
    try:
        with engine.store.reading() as reading:
            rules = reading.get(RulesInForce, "current")
    finally:
        engine.store.close()
    return effects(rules.strategy, after) if rules else ()


def strategy_changes(root: Path) -> tuple[str, ...]:
    """Return what the files as they lie below `root` would change in the rules in force."""
    from lampway.config.files import GovernanceFiles

    after = load_working_strategy(root)
    engine = open_engine(root)
    try:
        with engine.store.reading() as reading:
            rules = reading.get(RulesInForce, "current")
    finally:
        engine.store.close()
    if rules is None:
        return ("nothing is in force yet: everything is new",)
    return GovernanceFiles().compare(rules.strategy, after)
