"""/docs: Swagger UI from local files. Its content security policy allows no other server."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

DOCS_PATH = "/docs"
SWAGGER_PACKAGE = "fastapi_swagger"
"""Provides the files of Swagger UI. Its Python code is not used: it puts scripts into the page."""
VENDORED_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
OWN_FILES = ("start.js",)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}


def add_docs_page(app: FastAPI) -> None:
    """Serve the page and its files, without a token."""
    here, vendored = Path(__file__).parent, Path(str(files(SWAGGER_PACKAGE) / "resources"))
    _serve(app, DOCS_PATH, here / "page.html")
    for name in OWN_FILES:
        _serve(app, f"{DOCS_PATH}/{name}", here / name)
    for name in VENDORED_FILES:
        _serve(app, f"{DOCS_PATH}/{name}", vendored / name)


def _serve(app: FastAPI, path: str, file: Path) -> None:
    async def send() -> FileResponse:
        return FileResponse(file, headers=HEADERS)

    app.add_api_route(path, send, include_in_schema=False, response_class=FileResponse)
