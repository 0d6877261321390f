"""Makes the pictures of the console in the docs, from a store that real runs filled: python tools/screens.py [FOLDER].

It plays the demo on three real Node-REDs, lets one more release wait for its approver, and opens pages in Chromium.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import sync_playwright

from lampway.app import open_engine
from lampway.cli import demo, demo_flows
from lampway.domain.passkeys import Passkey
from lampway.domain.promotion import Promotion, PromotionState
from lampway.web.api import build_api
from lampway.web.visits import make_code

OUT = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 1100


def main(out: Path) -> None:
    """Make every picture."""
    out.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="lampway-screens-"))
    story = demo.Story(place, quiet=True)
    try:
        with demo._variables({**demo._ISOLATED, "LAMPWAY_DIR": str(place / "governance")}):
            with contextlib.redirect_stdout(io.StringIO()):
                demo._start(story)
                demo._play(story)
                let_one_wait(story)
            with serving(place / "governance") as (url, engine):
                take(out, url, engine, story)
    finally:
        demo._clear(story, remove=True)


def let_one_wait(story: Any) -> None:
    """Release once more, so that somebody has something to decide."""
    nodes = demo_flows.orders(rush=True)
    for node in nodes:
        if node["id"] == demo_flows.node_id("sum"):
            node["func"] = node["func"].replace("* each", "* each * 1")
    demo._edit(story, "dev", nodes)
    story.run(
        "release", "orders", "--bump", "minor", "--message", "Rush orders take their own line", contains="orders@"
    )
    story.run("promote", "orders", "--to", "prod", "--reason", "the rush line opens on Monday", expect=4)


@contextlib.contextmanager
def serving(root: Path) -> Iterator[tuple[str, Any]]:
    """Serve the console for as long as the context lasts."""
    engine = open_engine(root)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_api(root, engine), log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://localhost:{listening.getsockname()[1]}", engine
    finally:
        server.should_exit = True
        thread.join(30)
        engine.store.close()


def let_sign(browser: Any, url: str, engine: Any, story: Any) -> None:
    """Let ben register a passkey, with a device that a browser makes up, and let the rules name it."""
    page = browser.new_context().new_page()
    device = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
    device |= dict.fromkeys(("hasResidentKey", "hasUserVerification", "isUserVerified"), True)
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    page.goto(f"{url}/sign-in?code={make_code(engine, 'ben', 'link, pictures')}&next=/passkeys")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("What you call it").fill("work laptop")
    page.get_by_role("button", name="Register a passkey").click()
    page.get_by_text("passkey work laptop registered").wait_for()
    with engine.store.reading() as reading:
        (known,) = reading.find(Passkey)
    story.run("passkey", "show", known.id, "--add", user="ben")
    for user, expect in (("ben", 1), ("ada", 0)):  # he writes it down, and somebody else applies it
        story.run("strategy", "apply", "-m", "Ben signs with a passkey", user=user, expect=expect)


def take(out: Path, url: str, engine: Any, story: Any) -> None:
    """Open each page as somebody, and keep what is seen."""
    with engine.store.reading() as reading:
        found = reading.find(Promotion, solution="orders", newest_first=True)
    waiting = next(p for p in found if p.state is PromotionState.WAITING)
    decided = [p for p in found if p.decisions and p.id != waiting.id]
    failed = next(p for p in decided if p.state is not PromotionState.SUCCEEDED)
    pages = {
        "matrix": ("ben", "/", 320),
        "deciding": ("ben", f"/promotions/{waiting.id}", 1050),
        "change": ("ben", f"/solutions/orders/change/prod?release=orders@{waiting.version}", 720),
        "failed": ("ada", f"/promotions/{failed.id}", 820),
    }
    chromium = next(p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        let_sign(browser, url, engine, story)
        for name, (person, path, height) in pages.items():
            size = {"width": WIDTH, "height": height}
            page = browser.new_context(viewport=size, color_scheme="light").new_page()
            page.goto(f"{url}/sign-in?code={make_code(engine, person, 'link, pictures')}&next=/")
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_load_state()
            page.goto(url + path)
            if name == "change":
                page.evaluate("document.querySelector('details.picture').scrollIntoView()")
            page.screenshot(path=out / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
