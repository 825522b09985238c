"""Secrets in rest tools: sent to their server, never shown."""

import base64
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import structlog

from assistant.tests.tools.rest_tool_harness import (
    SECRET,
    URL,
    VAULT,
    FakeServer,
    call_tool,
    get_only_request,
    make_rest_tool,
    make_secret,
)
from smart_kit.safe_http.messages import HttpRequest
from smart_kit.vault import Vault


async def test_a_secret_is_sent_to_its_server(server: FakeServer) -> None:
    tool = make_rest_tool(
        server,
        secrets=(make_secret("other", "x"), make_secret("key")),
        headers={"Authorization": "Bearer {secret:key}"},
        query={"key": "{secret:key}"},
    )
    with pytest.raises(UnicodeEncodeError):
        SECRET.encode("ascii")
    await call_tool(tool, word="omen")

    assert get_only_request(server).headers["Authorization"] == f"Bearer {SECRET}"
    assert get_only_request(server).url.endswith(f"?key={quote(SECRET, safe='')}")


async def test_secret_in_the_path_is_redacted(
    server: FakeServer,
) -> None:
    tool = make_rest_tool(
        server,
        secrets=(make_secret("hook", "T0/B0:x y"),),
        url="https://api.example.org/services/{secret:hook}/{word}",
    )
    server.body = lambda request: json.dumps({"asked": request.url}).encode()
    output = await call_tool(tool, word="omen")

    assert get_only_request(server).url == "https://api.example.org/services/T0%2FB0:x%20y/omen"
    assert "(secret hook)" in output
    assert "B0" not in output
    moved = make_secret("hook", origin="https://other.example.org")
    url = "https://api.example.org/{secret:hook}"
    refused = await call_tool(make_rest_tool(server, secrets=(moved,), url=url))
    assert "was given for another server" in refused
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", [".", ".."])
async def test_a_secret_does_not_climb_either(server: FakeServer, value: str) -> None:
    url = "https://api.example.org/a/{secret:hook}/b"
    output = await call_tool(make_rest_tool(server, secrets=(make_secret("hook", value),), url=url))
    assert output.startswith("Error: ")
    assert server.requests == []


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.org",
        "http://api.example.org",
        "https://api.example.org:8443",
        "https://api.example.org.evil.org",
        "https://evil.org/api.example.org",
    ],
)
async def test_a_secret_of_another_server_stays_here(server: FakeServer, origin: str) -> None:
    tool = make_rest_tool(
        server, secrets=(make_secret("key", origin=origin),), headers={"X-Key": "{secret:key}"}
    )
    assert await call_tool(tool, word="omen") == (
        "Error: The secret key was given for another server. Tell the user."
    )
    assert server.requests == []


@pytest.mark.parametrize("origin", ["https://API.example.org:443", "https://api.example.org/v1"])
async def test_a_server_may_be_written_otherwise(server: FakeServer, origin: str) -> None:
    tool = make_rest_tool(
        server, secrets=(make_secret("key", origin=origin),), headers={"X-Key": "{secret:key}"}
    )
    assert (await call_tool(tool, word="omen")).startswith("HTTP 200")


async def test_missing_or_unreadable_secret_is_reported(
    server: FakeServer,
) -> None:
    headers = {"X-Key": "{secret:key}"}
    known = make_secret("key")
    moved = known.model_copy(update={"id": uuid4()})
    assert await call_tool(make_rest_tool(server, headers=headers), word="a") == (
        "Error: The secret key of look_up is missing. Tell the user."
    )
    for secrets, vault in (
        ((moved,), VAULT),
        ((known,), Vault(())),
        ((make_secret("key", "a\nb"),), VAULT),
    ):
        tool = make_rest_tool(server, headers=headers, secrets=secrets, vault=vault)
        assert await call_tool(tool, word="a") == (
            "Error: The secret key cannot be read. Tell the user."
        )
    assert server.requests == []


@pytest.mark.parametrize("place", ["path", "query", "headers", "body"])
async def test_an_argument_cannot_name_a_secret(server: FakeServer, place: str) -> None:
    call: dict[str, Any] = {
        "path": {"url": URL},
        "query": {"url": "https://api.example.org/", "query": {"q": "{word}"}},
        "headers": {"url": "https://api.example.org/", "headers": {"X-Q": "{word}"}},
        "body": {"url": "https://api.example.org/", "method": "POST", "body": {"q": "{word}"}},
    }[place]
    await call_tool(
        make_rest_tool(server, secrets=(make_secret("key"),), **call), word="{secret:key}"
    )

    request = get_only_request(server)
    assert SECRET not in f"{request}"
    assert quote(SECRET, safe="") not in request.url
    assert SECRET not in (request.body or b"").decode()


def build_echo_body(request: HttpRequest) -> bytes:
    """Return everything that a server knows of a secret, in every encoding that servers use."""
    key = request.headers["X-Key"]
    return json.dumps(
        {
            "headers": dict(request.headers),
            "url": request.url,
            "ascii": json.dumps(key),
            "quoted": quote(key),
            "basic": base64.b64encode(key.encode()).decode(),
            "url_safe": base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
            "page": "<p>" + key.replace("&", "&amp;").replace('"', "&quot;") + "</p>",
        }
    ).encode()


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/html"])
async def test_echoed_secret_is_in_no_result_and_no_log(
    server: FakeServer, status: int, content_type: str
) -> None:
    server.status, server.content_type, server.body = status, content_type, build_echo_body
    tool = make_rest_tool(
        server,
        secrets=(make_secret("key"),),
        headers={"X-Key": "{secret:key}"},
        query={"k": "{secret:key}"},
    )
    with structlog.testing.capture_logs() as lines:
        output = await call_tool(tool, word="omen")

    shown = output + repr(lines)
    raw = SECRET.encode()
    for spelling in (
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "κλειδί",
        "s3cr&t",
    ):
        assert spelling not in shown, spelling
    assert status in (401, 500) or "(secret key)" in output
