"""Pages about one release: what is in it and what proves it, and what it would change somewhere."""

from __future__ import annotations

from starlette.responses import Response

from lampway.engine.attest import ReadKept
from lampway.engine.evidence import ExportEvidence
from lampway.engine.picture import ShowChange
from lampway.engine.releaseview import ShowRelease
from lampway.errors import NotFoundError
from lampway.web.console import PAGE_HEADERS, Page, Shown
from lampway.web.drawing import drawings
from lampway.web.uploads import picture_type


def release(page: Page) -> Response:
    """Show one release: inventory, findings, provenance, attestations."""
    return page.show("release.html", view=page.ask(ShowRelease(page.given("release"))))


def evidence_file(page: Page) -> Response:
    """Give everything about a release as one file, to be verified without us."""
    exported = page.ask(ExportEvidence(page.given("release")))
    return page.file(exported.name, exported.content)


def kept(page: Page) -> Response:
    """Give what is kept of one piece of evidence."""
    evidence, name = page.given("evidence"), page.given("name")
    return page.file(f"{evidence}-{name}", page.ask(ReadKept(evidence, name)))


def picture(page: Page) -> Response:
    """Show what is kept as a picture, if it is one of a few kinds: by how it begins, whatever it is called."""
    data = page.ask(ReadKept(page.given("evidence"), page.given("name")))
    kind = picture_type(data)
    if not kind:
        raise NotFoundError("that is no picture", hint="take it as a file")
    return Response(data, 200, {**PAGE_HEADERS, "Content-Security-Policy": "default-src 'none'; sandbox"}, kind)


def change(page: Page) -> Response:
    """Show what a release would change in a stage: in words, and drawn."""
    name = page.request.query_params.get("release", "") or page.given("solution")
    view = page.ask(ShowChange(name, page.given("to")))
    return page.show("change.html", view=view, drawn=[(p, *drawings(p)) for p in view.pictures])


RELEASE_PAGES: dict[str, tuple[str, Shown]] = {
    "GET /releases/{release}": ("GET", release),
    "GET /releases/{release}/evidence": ("GET", evidence_file),
    "GET /evidence/{evidence}/{name}": ("GET", kept),
    "GET /evidence/{evidence}/{name}/picture": ("GET", picture),
    "GET /solutions/{solution}/change/{to}": ("GET", change),
}
"""Method and page, by method and path."""
