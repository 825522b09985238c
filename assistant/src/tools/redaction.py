"""Removes secrets from the response of a server.

Servers echo secrets as plain text, in JSON, URLs and HTML, as base64, and in several encodings at
once: with \\x.., \\u...., %.. and &...; for characters. So the text is decoded step by step and
searched after each step. The run time is linear in the length of the text.
"""

import base64
import html
import re
from array import array
from collections.abc import Iterator, Mapping

MAX_ENCODED_SECRET_CHARACTERS = 50_000
"""Longest encoded form of a secret: how much text is searched beyond the part that is shown."""
_MAX_DECODINGS = 6
_ESCAPE = re.compile(
    rb"\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})|\\u(?P<unit>[0-9a-f]{4})"
    rb"|(?:\\x|%)(?P<byte>[0-9a-f]{2})|\\(?P<itself>.)|&(?:#x?[0-9a-f]{1,20}|[a-z][a-z0-9]{1,31});?",
    re.IGNORECASE | re.DOTALL,
)
_PLUS_TO_SPACE = bytes.maketrans(b"+", b" ")


class _Decoding:
    """A partly decoded text in UTF-8, with the offset of each byte in the original text."""

    def __init__(self, content: bytes, offsets: "array[int]") -> None:
        """`offsets` has one more element than the text has bytes, for its end."""
        self.content = content.translate(_PLUS_TO_SPACE)
        self._offsets = offsets

    def decode_once(self) -> "_Decoding":
        """Return the text after one more step of decoding."""
        content, offsets, end = bytearray(), array("l"), 0
        for match in _ESCAPE.finditer(self.content):
            character = _decode_escape(match)
            if character == match[0]:
                continue
            content += self.content[end : match.start()] + character
            offsets += self._offsets[end : match.start()]
            offsets.extend([self._offsets[match.start()]] * len(character))
            end = match.end()
        return _Decoding(bytes(content + self.content[end:]), offsets + self._offsets[end:])

    def find_all(self, pattern: bytes) -> Iterator[tuple[int, int]]:
        """Yield start and end, in the original text, of each occurrence."""
        at = self.content.find(pattern)
        while at >= 0:
            end = at + len(pattern)
            yield self._offsets[at], self._offsets[end]
            at = self.content.find(pattern, end)


def redact(text: str, secret_values: Mapping[str, str], max_characters: int | None = None) -> str:
    """Return the text, or its first characters, with each secret replaced by its name."""
    if not secret_values:
        return text[:max_characters]
    content, max_bytes = _to_bytes(text), len(_to_bytes(text[:max_characters]))
    output, end = bytearray(), 0
    for start, until, name in _find_secrets(content, secret_values):
        if start >= max_bytes:
            break
        if start >= end:
            output += content[end:start] + f"(secret {name})".encode()
        end = max(end, until)
    return (output + content[end:max_bytes]).decode(errors="surrogatepass")


def _find_secrets(content: bytes, secret_values: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Return start, end and name of each secret, in order; they may overlap."""
    patterns = [
        (name, one) for name, secret in secret_values.items() for one in _build_patterns(secret)
    ]
    found = {
        (*place, name)
        for decoding in _iter_decodings(content)
        for name, one in patterns
        for place in decoding.find_all(one)
    }
    return sorted(found)


def _build_patterns(secret: str) -> set[bytes]:
    """Return the forms of a secret to search for: plain, decoded too often, and base64."""
    raw = secret.encode()
    encoded = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    known = [_build_first_decoding(one.rstrip(b"=")).content for one in encoded]
    return {
        one for one in (*known, *(decoding.content for decoding in _iter_decodings(raw))) if one
    }


def _iter_decodings(content: bytes) -> Iterator[_Decoding]:
    """Yield the text unchanged, then after each step of decoding."""
    decoding = _build_first_decoding(content)
    for _ in range(_MAX_DECODINGS):
        yield decoding
        before, decoding = decoding.content, decoding.decode_once()
        if decoding.content == before:
            return
    yield decoding


def _build_first_decoding(content: bytes) -> _Decoding:
    return _Decoding(content, array("l", range(len(content) + 1)))


def _decode_escape(match: re.Match[bytes]) -> bytes:
    if match["byte"]:
        return bytes.fromhex(match["byte"].decode())
    if match["itself"]:
        return match["itself"]
    units = (match["high"] or b"") + (match["low"] or match["unit"] or b"")
    if units:
        pair = bytes.fromhex(units.decode()).decode("utf-16-be", "surrogatepass")
        return _to_bytes(pair)
    return _to_bytes(html.unescape(match[0].decode()))


def _to_bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
