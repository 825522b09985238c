"""Access to the page by token, host and origin."""

import asyncio

import pytest

from sandbox.chat.routes import STATIC_DIR
from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, SandboxHarness

BEARER = {"Authorization": f"Bearer {CHAT_TOKEN}"}
PATHS = (
    "/",
    "/static/main.js",
    "/chat/people",
    "/chat/bot",
    "/chat/events",
    f"/chat/{ALICE}/messages",
    "/chat/formula",
    "/chat/api/faults",
    "/chat/api/violations",
)


async def _get(sandbox: SandboxHarness, path: str, **options: object) -> tuple[int, str]:
    async with sandbox.http.get(sandbox.url + path, allow_redirects=False, **options) as response:
        text = "" if "event-stream" in response.content_type else await response.text()
        return response.status, text


async def _get_status(sandbox: SandboxHarness, path: bytes, *headers: bytes) -> int:
    """Send a GET request with raw header bytes, which HTTP clients would refuse."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    host = f"Host: 127.0.0.1:{sandbox.port}".encode()
    writer.write(b"\r\n".join([b"GET %s HTTP/1.1" % path, host, *headers, b"", b""]))
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


def _get_cookie_name(sandbox: SandboxHarness) -> bytes:
    return f"sandbox_chat_{sandbox.port}".encode()


@pytest.mark.parametrize("path", PATHS)
async def test_paths_without_token_explain_where_to_get_it(
    sandbox: SandboxHarness, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "sandbox_chat=wrong"}):
        status, text = await _get(sandbox, path, headers=headers)
        assert status == 403
        assert "./manage.py start" in text


@pytest.mark.parametrize(
    "headers",
    [b"Authorization: Bearer \xff\xfe", "Authorization: Bearer ключ".encode(), b"Cookie: %s=\xff"],
)
async def test_token_with_non_ascii_bytes_is_refused(
    sandbox: SandboxHarness, headers: bytes
) -> None:
    assert (
        await _get_status(
            sandbox, b"/chat/people", headers.replace(b"%s", _get_cookie_name(sandbox))
        )
        == 403
    )


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_is_open_with_the_token(sandbox: SandboxHarness, path: str) -> None:
    assert (await _get(sandbox, path, headers=BEARER))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Host": "localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_foreign_host_or_origin_is_refused_with_valid_token(
    sandbox: SandboxHarness, headers: dict[str, str]
) -> None:
    assert (await _get(sandbox, "/chat/people", headers=BEARER | headers))[0] == 403
    link = f"/?token={CHAT_TOKEN}"
    assert (await _get(sandbox, link, headers=headers))[0] == 403


async def test_link_sets_http_only_cookie_and_redirects(
    sandbox: SandboxHarness,
) -> None:
    link = f"{sandbox.url}/?token={CHAT_TOKEN}"
    async with sandbox.http.get(link, allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == "/"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert CHAT_TOKEN not in cookie
    value = cookie.split(";")[0]
    origin = {"Origin": sandbox.url, "Cookie": value}
    assert (await _get(sandbox, "/chat/people", headers=origin))[0] == 200


async def test_link_with_wrong_token_sets_no_cookie(sandbox: SandboxHarness) -> None:
    async with sandbox.http.get(f"{sandbox.url}/?token=wrong", allow_redirects=False) as response:
        assert response.status == 403
        assert "Set-Cookie" not in response.headers


async def test_security_headers_forbid_external_content_and_frames(
    sandbox: SandboxHarness,
) -> None:
    async with sandbox.http.get(sandbox.url, headers=BEARER) as response:
        policy = response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"


@pytest.mark.parametrize("name", ["..%2froutes.py", "nothing.js", "%2e%2e%2fsecurity.py"])
async def test_only_static_files_are_served(sandbox: SandboxHarness, name: str) -> None:
    assert (await _get(sandbox, f"/static/{name}", headers=BEARER))[0] == 404


async def test_health_needs_no_token(sandbox: SandboxHarness) -> None:
    async with sandbox.http.get(f"{sandbox.url}/health") as response:
        assert response.status == 200
        assert (await response.json())["status"] == "ok"


@pytest.mark.parametrize("script", sorted(STATIC_DIR.glob("*.js")), ids=lambda path: path.name)
def test_scripts_do_not_insert_data_as_html(script: object) -> None:
    source = script.read_text()  # type: ignore[attr-defined]
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in source
