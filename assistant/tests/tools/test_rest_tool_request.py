"""Which requests a rest tool sends, and which arguments it refuses."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from assistant.tests.tools.rest_tool_harness import (
    FakeServer,
    call_tool,
    get_only_request,
    make_rest_tool,
    make_secret,
)


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
    await call_tool(make_rest_tool(server), word=word)
    assert get_only_request(server).url == f"https://api.example.org/v1/words/{segment}"


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
    assert await call_tool(make_rest_tool(server), word=word) == (
        "Error: `word` must not be a path with `.` or `..`."
        if word
        else "Error: `word` is needed and must not be empty."
    )
    assert server.requests == []


LONG = "`word` must not be longer than 1000 characters."
DEEP = "`word` must not be encoded again and again."


@pytest.mark.parametrize(
    ("word", "said_of_it"),
    [
        ("a" * 1_001, LONG),
        ("%" + "25" * 31_000, LONG),
        ("%" + "25" * 5, DEEP),
        ("%" + "25" * 400 + "2e", DEEP),
    ],
)
async def test_deeply_encoded_argument_is_rejected(
    server: FakeServer, word: str, said_of_it: str
) -> None:
    """Each nested %25 needs a round of decoding: 31,000 of them would block for seconds."""
    assert await call_tool(make_rest_tool(server), word=word) == f"Error: {said_of_it}"
    assert server.requests == []


@pytest.mark.parametrize("word", ["a" * 1_000, "%25252541", "100%"])
async def test_slightly_encoded_argument_is_sent(server: FakeServer, word: str) -> None:
    await call_tool(make_rest_tool(server), word=word)
    assert get_only_request(server).url == f"https://api.example.org/v1/words/{quote(word)}"


async def test_arguments_do_not_climb_together_either(server: FakeServer) -> None:
    tool = make_rest_tool(
        server,
        url="https://api.example.org/v1/{a}{b}/x",
        properties={"a": {"type": "string"}, "b": {"type": "string"}},
    )
    for a, b in ((".", "."), ("%2e", "%2e")):
        assert (await call_tool(tool, a=a, b=b)).startswith("Error: `a` must not be a path")
    for a, b in (("%2e%2", "e"), ("x%2", "f.."), ("..%5", "cx")):
        assert await call_tool(tool, a=a, b=b) == (
            "Error: The arguments together make `.` or `..` of a part of the path."
        )
    assert await call_tool(tool, a="%252525", b="2541") == (
        "Error: the path must not be encoded again and again."
    )
    assert server.requests == []
    await call_tool(tool, a="%2525", b="2541")
    assert get_only_request(server).url == "https://api.example.org/v1/%2525252541/x"


async def test_a_path_cannot_do_without_its_argument(server: FakeServer) -> None:
    assert await call_tool(make_rest_tool(server)) == (
        "Error: `word` is needed and must not be empty."
    )
    assert server.requests == []


async def test_query_and_headers_omit_missing_arguments(server: FakeServer) -> None:
    tool = make_rest_tool(
        server,
        url="https://api.example.org/v1",
        properties={"a": {}, "b": {}, "c": {}, "d": {}},
        query={"a": "{a}", "ab": "{a}-{b}", "c": "{c}", "flag": "{d}", "fixed": "x {y"},
        headers={"X-A": "is {a}", "X-B": "{b}", "accept": "text/csv"},
    )
    await call_tool(tool, a="1&b=2", c=["x", 7], d=True)

    assert get_only_request(server).url == (
        "https://api.example.org/v1?a=1%26b%3D2&c=x&c=7&flag=true&fixed=x%20%7By"
    )
    assert get_only_request(server).headers == {"X-A": "is 1&b=2", "accept": "text/csv"}
    assert get_only_request(server).body is None


async def test_a_body_takes_arguments_in_their_own_types(server: FakeServer) -> None:
    tool = make_rest_tool(
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
            "greeting": "Dear {note}",
            "deep": [{"title": "Word: {title}"}, "{note}", 1, None],
            "braces": "{ not one }",
        },
    )
    await call_tool(tool, n=3, tags=["a", 1], due=None, title='x"y {n}')

    body = get_only_request(server).body
    assert body is not None
    assert json.loads(body) == {
        "count": 3,
        "tags": ["a", 1],
        "due": None,
        "deep": [{"title": 'Word: x"y {n}'}, 1, None],
        "braces": "{ not one }",
    }
    assert get_only_request(server).headers == {
        "Accept": "application/json, text/plain;q=0.9, */*;q=0.5",
        "Content-Type": "application/json",
    }
    assert get_only_request(server).method == "POST"


async def test_a_records_own_headers_stand_in_place_of_the_usual_ones(server: FakeServer) -> None:
    own = {"ACCEPT": "text/csv", "content-Type": "application/vnd.words+json"}
    tool = make_rest_tool(
        server, method="POST", url="https://api.example.org/", headers=own, body={"a": 1}
    )
    await call_tool(tool)

    assert get_only_request(server).headers == own


async def test_body_keeps_the_placeholder_of_a_secret(
    server: FakeServer,
) -> None:
    body = {"whole": "{secret:key}", "part": "Key {secret:key} of {word}"}
    tool = make_rest_tool(
        server,
        method="POST",
        url="https://api.example.org/",
        secrets=(make_secret("key"),),
        body=body,
    )
    await call_tool(tool, word="mine")

    assert json.loads(get_only_request(server).body or b"") == {
        "whole": "{secret:key}",
        "part": "Key {secret:key} of mine",
    }


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("ä b", "ä b"),
        (7, "7"),
        (2.5, "2.5"),
        (True, "true"),
        (["ä", {"b": None}], '["ä", {"b": null}]'),
    ],
)
async def test_other_values_are_rendered_as_json(
    server: FakeServer, given: Any, written: str
) -> None:
    tool = make_rest_tool(server, headers={"X-Word": "{word}"}, properties={"word": {}})
    await call_tool(tool, word=given)

    assert get_only_request(server).headers["X-Word"] == written
    assert (
        get_only_request(server).url
        == f"https://api.example.org/v1/words/{quote(written, safe='')}"
    )


@pytest.mark.parametrize("word", ["a\r\nX-Admin: 1", "a\nb", "a\x00", "a\x7f"])
async def test_a_header_stays_one_line(server: FakeServer, word: str) -> None:
    tool = make_rest_tool(server, url="https://api.example.org/", headers={"X-Word": "{word}"})
    assert await call_tool(tool, word=word) == (
        "Error: What goes into the header X-Word must be a single line."
    )
    assert server.requests == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("\ud800", "Wrong arguments: Invalid JSON: "),
        (float("nan"), "The arguments hold what cannot be sent as text."),
    ],
)
async def test_unencodable_arguments_become_an_error_for_the_model(
    server: FakeServer, given: Any, expected: str
) -> None:
    tool = make_rest_tool(
        server, url="https://x.org/", method="POST", properties={"word": {}}, body={"w": "{word}"}
    )

    assert (await call_tool(tool, word=given)).startswith(f"Error: {expected}")
    assert server.requests == []
