"""/docs: Swagger UI from here. The page needs no other address, and is let use none."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

PAGE = "/docs"
PACKAGE = "fastapi_swagger"
"""Swagger UI's own files; its code, which would write scripts into the page, is not used."""
VENDORED = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
OWN = ("start.js",)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}


def add(app: FastAPI) -> None:
    """Serve the page and what it is made of; no token is needed."""
    here, vendored = Path(__file__).parent, Path(str(files(PACKAGE) / "resources"))
    _serve(app, PAGE, here / "page.html")
    for name in OWN:
        _serve(app, f"{PAGE}/{name}", here / name)
    for name in VENDORED:
        _serve(app, f"{PAGE}/{name}", vendored / name)


def _serve(app: FastAPI, path: str, file: Path) -> None:
    async def send() -> FileResponse:
        return FileResponse(file, headers=HEADERS)

    app.add_api_route(path, send, include_in_schema=False, response_class=FileResponse)
