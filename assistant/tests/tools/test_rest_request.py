"""What a tool that is all record sends, and what it refuses to."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from assistant.tests.tools.rest_tool_harness import FakeServer, call_tool, only_request, rest_tool


@pytest.mark.parametrize(
    ("word", "segment"),
    [
        ("omen", "omen"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("слово", quote("слово")),
        ("a%2e", "a%252e"),
        ("{secret:key}", "%7Bsecret%3Akey%7D"),
        ("@127.0.0.1:80", "%40127.0.0.1%3A80"),
        ("...", "..."),
    ],
)
async def test_an_argument_fills_one_segment_of_the_path(
    server: FakeServer, word: str, segment: str
) -> None:
    await call_tool(rest_tool(server), word=word)
    assert only_request(server).url == f"https://api.example.org/v1/words/{segment}"


@pytest.mark.parametrize(
    "word",
    [
        *("", ".", "..", "../admin", "a/../b", "a/..", "..\\x", "./a", "%2e%2e", "%2E%2e/a"),
        *("%252e%252e", "..%2fa", "%2e%2e%5ca", "a\r\nHost: b", "a%0d%0a", "\x00", "a%00"),
    ],
)
async def test_an_argument_that_would_climb_out_of_its_segment_is_refused(
    server: FakeServer, word: str
) -> None:
    assert (await call_tool(rest_tool(server), word=word)).startswith("Error: `word` ")
    assert server.requests == []


@pytest.mark.parametrize(
    ("word", "said_of_it"),
    [
        ("a" * 1_001, "longer than 1000 characters"),
        ("%" + "25" * 31_000, "longer than 1000 characters"),
        ("%" + "25" * 5, "again and again"),
        ("%" + "25" * 400 + "2e", "again and again"),
    ],
)
async def test_what_could_be_decoded_for_long_is_not_decoded_at_all(
    server: FakeServer, word: str, said_of_it: str
) -> None:
    """A round for each 25: 31,000 of them take seconds, in which nothing else is done."""
    told = await call_tool(rest_tool(server), word=word)
    assert told.startswith("Error: `word` ")
    assert said_of_it in told
    assert server.requests == []


@pytest.mark.parametrize("word", ["a" * 1_000, "%25252541", "100%"])
async def test_what_is_decoded_soon_is_sent(server: FakeServer, word: str) -> None:
    await call_tool(rest_tool(server), word=word)
    assert only_request(server).url == f"https://api.example.org/v1/words/{quote(word)}"


async def test_arguments_do_not_climb_together_either(server: FakeServer) -> None:
    tool = rest_tool(
        server,
        url="https://api.example.org/v1/{a}{b}/x",
        properties={"a": {"type": "string"}, "b": {"type": "string"}},
    )
    for a, b in ((".", "."), ("%2e", "%2e"), ("%2e%2", "e"), ("x%2", "f..")):
        assert (await call_tool(tool, a=a, b=b)).startswith("Error: ")
    assert server.requests == []


async def test_a_path_cannot_do_without_its_argument(server: FakeServer) -> None:
    assert "`word` is needed" in await call_tool(rest_tool(server))
    assert server.requests == []


async def test_query_and_headers_leave_out_what_was_not_given(server: FakeServer) -> None:
    tool = rest_tool(
        server,
        url="https://api.example.org/v1",
        properties={"a": {}, "b": {}, "c": {}, "d": {}},
        query={"a": "{a}", "ab": "{a}-{b}", "c": "{c}", "flag": "{d}", "fixed": "x {y"},
        headers={"X-A": "is {a}", "X-B": "{b}", "accept": "text/csv"},
    )
    await call_tool(tool, a="1&b=2", c=["x", 7], d=True)

    assert only_request(server).url == (
        "https://api.example.org/v1?a=1%26b%3D2&c=x&c=7&flag=true&fixed=x%20%7By"
    )
    assert only_request(server).headers == {"X-A": "is 1&b=2", "accept": "text/csv"}
    assert only_request(server).body is None


async def test_a_body_takes_arguments_in_their_own_types(server: FakeServer) -> None:
    tool = rest_tool(
        server,
        method="POST",
        url="https://api.example.org/v1",
        schema={
            "type": "object",
            "properties": {
                "n": {"type": "integer"},
                "tags": {"type": "array"},
                "due": {"type": ["string", "null"]},
                "title": {"type": "string"},
            },
        },
        body={
            "count": "{n}",
            "tags": "{tags}",
            "due": "{due}",
            "note": "{note}",
            "deep": [{"title": "Word: {title}"}, "{note}", 1, None],
            "braces": "{ not one }",
        },
    )
    await call_tool(tool, n=3, tags=["a", 1], due=None, title='x"y {n}')

    body = only_request(server).body
    assert body is not None
    assert json.loads(body) == {
        "count": 3,
        "tags": ["a", 1],
        "due": None,
        "deep": [{"title": 'Word: x"y {n}'}, 1, None],
        "braces": "{ not one }",
    }
    assert only_request(server).headers["Content-Type"] == "application/json"
    assert only_request(server).method == "POST"


@pytest.mark.parametrize("word", ["a\r\nX-Admin: 1", "a\nb", "a\x00", "a\x7f"])
async def test_a_header_stays_one_line(server: FakeServer, word: str) -> None:
    tool = rest_tool(server, url="https://api.example.org/", headers={"X-Word": "{word}"})
    assert "single line" in await call_tool(tool, word=word)
    assert server.requests == []


@pytest.mark.parametrize("given", ["\ud800", float("nan")])
async def test_what_cannot_be_sent_is_the_models_to_mend(server: FakeServer, given: Any) -> None:
    tool = rest_tool(
        server, url="https://x.org/", method="POST", properties={"word": {}}, body={"w": "{word}"}
    )
    told = await call_tool(tool, word=given)

    assert told.startswith("Error: ")
    assert "broken" not in told
    assert server.requests == []
