"""The page /docs works in a browser that can reach no other server."""

import re

import httpx2
import pytest
from fastapi import FastAPI

from rest_service.app import docs

BASE_URL = "http://rest"
PAGE_PATHS = (
    docs.DOCS_PATH,
    *(f"{docs.DOCS_PATH}/{name}" for name in (*docs.OWN_FILES, *docs.VENDORED_FILES)),
)


async def fetch(app: FastAPI, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        return await http.get(path)


@pytest.mark.parametrize("path", PAGE_PATHS)
async def test_page_files_forbid_other_sources(app: FastAPI, path: str) -> None:
    answer = await fetch(app, path)

    assert answer.status_code == 200
    rules = dict(
        rule.split(maxsplit=1) for rule in answer.headers["content-security-policy"].split("; ")
    )
    assert rules.pop("img-src") == "'self' data:"
    assert rules["default-src"] == "'none'"
    assert set(rules.values()) == {"'none'", "'self'"}


async def test_page_references_only_served_files_without_inline_scripts(app: FastAPI) -> None:
    page = (await fetch(app, docs.DOCS_PATH)).text

    named = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert {f"/{name}" for name in named} == {*PAGE_PATHS[1:], "/openapi.json"}
    assert re.findall(r"<script[^>]*>[^<]|<style|\son\w+=|style=", page) == []


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2Fmain.py", "page.html"])
async def test_other_files_are_not_served(app: FastAPI, name: str) -> None:
    assert (await fetch(app, f"{docs.DOCS_PATH}/{name}")).status_code == 404
