"""An object store of the tests' own: started on loopback, stopped by its process."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ada", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_REGION": "us-east-1"}


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Start it and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{address}/moto-api/", timeout=5)
                break
            assert server.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def new_bucket(address: str, name: str) -> str:
    """Create a bucket and return the URL of a place in it."""
    assert httpx.put(f"{address}/{name}", timeout=20).status_code == 200
    return f"s3://{name}/team?endpoint={address}"
