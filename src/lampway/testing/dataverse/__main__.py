"""Run the emulator by itself: `python -m lampway.testing.dataverse`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from lampway.testing.dataverse.emulator import ENVIRONMENTS, DataverseEmulator
from lampway.testing.dataverse.refusals import RefusedError

_PORT = 8720


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lampway.testing.dataverse",
        description="An emulator of Dataverse on this machine: a tenant with environments, and nobody's data.",
    )
    parser.add_argument("--port", type=int, default=_PORT, help="of the tenant; environments have the next ones")
    parser.add_argument("--folder", type=Path, help="where to keep state, so that it goes on where it stopped")
    parser.add_argument("--environment", action="append", metavar="NAME", help="dev, test and prod if none is named")
    parser.add_argument(
        "--load", action="append", default=[], metavar="NAME=FILE", help="a solution package to begin with"
    )
    parser.add_argument("--tls", action="store_true", help="speak TLS with a certificate of its own")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C. Return 0, or 2 where something was asked wrongly."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        emulator = DataverseEmulator(
            given.environment or ENVIRONMENTS, port=given.port, folder=given.folder, tls=given.tls
        )
        for one in given.load:
            _load(emulator, one)
        emulator.start()
    except (OSError, ValueError, RefusedError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is a command
        return 2
    try:
        print(_told(emulator, tls=given.tls), flush=True)  # noqa: T201
        _wait()
    finally:
        emulator.stop()
    print("stopped", flush=True)  # noqa: T201
    return 0


def _wait() -> None:
    """Wait for Ctrl-C, or for a polite request to end."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    while not asked.wait(0.5):
        pass


def _load(emulator: DataverseEmulator, text: str) -> None:
    """Load a package, unless what was kept has it already. Raises ValueError, OSError and RefusedError."""
    from lampway.testing.dataverse.package import read_package

    name, sign, file = text.partition("=")
    if not sign or name not in {one.name for one in emulator.environments}:
        raise ValueError(f"--load {text}: NAME=FILE is needed, with the name of an environment")
    data = Path(file).read_bytes()
    environment = emulator.environment(name)
    if environment.organisation.state.solution(read_package(data).unique_name) is None:
        environment.maker.load(data)


def _told(emulator: DataverseEmulator, *, tls: bool) -> str:
    first = emulator.environments[0]
    lines = [
        "Dataverse emulator: nothing here is a real tenant, and no data leaves this machine.",
        "",
        f"tenant         {emulator.tenant_id}",
        f"authority      {emulator.authority}   (tokens: {emulator.token_url})",
        f"admin APIs     {emulator.authority}/providers/Microsoft.BusinessAppPlatform",
        f"client id      {emulator.client_id}",
        f"client secret  {emulator.client_secret}",
        *([f"certificate    {emulator.ca_file}"] if tls else []),
        "",
        *(f"{one.name:<14} {one.url}   (environment id {one.id})" for one in emulator.environments),
        "",
        "A maker's back door, at each environment:",
        f"  curl {first.url}/maker",
        f"  curl {first.url}/maker/load -H 'Content-Type: application/zip' --data-binary @Orders.zip",
        f'  curl {first.url}/maker/turn-off --json \'{{"flow": "Notify"}}\'',
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
