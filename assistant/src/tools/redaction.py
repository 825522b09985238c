"""Takes secrets out of what a server sent back.

Servers echo a secret as it is, in JSON, in addresses, in pages, by itself as base64, and in one of
these within another: with \\x.., \\u...., %.. and &...; for letters. So the text is decoded step by
step, and searched at each; that takes no longer than in proportion to the text.
"""

import base64
import html
import re
from array import array
from collections.abc import Iterator, Mapping

MOST_CHARACTERS = 50_000
"""By which one secret is spelt: so much of a text is read beyond what is shown of it."""
_MOST_STEPS = 6
_SPELT = re.compile(
    rb"\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})|\\u(?P<unit>[0-9a-f]{4})"
    rb"|(?:\\x|%)(?P<byte>[0-9a-f]{2})|\\(?P<itself>.)|&(?:#x?[0-9a-f]{1,20}|[a-z][a-z0-9]{1,31});?",
    re.IGNORECASE | re.DOTALL,
)
_PLUS_IS_BLANK = bytes.maketrans(b"+", b" ")


class _Reading:
    """A text in UTF-8, and where each of its bytes begins in the text that it was read from."""

    def __init__(self, said: bytes, places: "array[int]") -> None:
        """`places` has one more, for the end."""
        self.said = said.translate(_PLUS_IS_BLANK)
        self._places = places

    def decoded(self) -> "_Reading":
        """One step further."""
        said, places, end = bytearray(), array("l"), 0
        for match in _SPELT.finditer(self.said):
            letter = _letter(match)
            if letter == match[0]:
                continue
            said += self.said[end : match.start()] + letter
            places += self._places[end : match.start()]
            places.extend([self._places[match.start()]] * len(letter))
            end = match.end()
        return _Reading(bytes(said + self.said[end:]), places + self._places[end:])

    def found(self, sought: bytes) -> Iterator[tuple[int, int]]:
        """From where to where in the first text."""
        at = self.said.find(sought)
        while at >= 0:
            end = at + len(sought)
            yield self._places[at], self._places[end]
            at = self.said.find(sought, end)


def redacted(text: str, revealed: Mapping[str, str], shown: int | None = None) -> str:
    """The text, or so many of its characters, with the name of each secret in place of it."""
    if not revealed:
        return text[:shown]
    said, most = _bytes(text), len(_bytes(text[:shown]))
    kept, end = bytearray(), 0
    for start, until, name in _all_found(said, revealed):
        if start >= most:
            break
        if start >= end:
            kept += said[end:start] + f"(secret {name})".encode()
        end = max(end, until)
    return (kept + said[end:most]).decode(errors="surrogatepass")


def _all_found(said: bytes, revealed: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """In the order of their places; they may overlap."""
    sought = [(name, one) for name, secret in revealed.items() for one in _sought(secret)]
    found = {
        (*place, name)
        for reading in _readings(said)
        for name, one in sought
        for place in reading.found(one)
    }
    return sorted(found)


def _sought(secret: str) -> set[bytes]:
    """It, what it looks like where more was decoded than there was, and its base64."""
    raw = secret.encode()
    encoded = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    known = [_first_reading(one.rstrip(b"=")).said for one in encoded]
    return {one for one in (*known, *(reading.said for reading in _readings(raw))) if one}


def _readings(said: bytes) -> Iterator[_Reading]:
    """The text as it is, and ever more decoded."""
    reading = _first_reading(said)
    for _ in range(_MOST_STEPS):
        yield reading
        before, reading = reading.said, reading.decoded()
        if reading.said == before:
            return
    yield reading


def _first_reading(said: bytes) -> _Reading:
    return _Reading(said, array("l", range(len(said) + 1)))


def _letter(match: re.Match[bytes]) -> bytes:
    """What it stands for."""
    if match["byte"]:
        return bytes.fromhex(match["byte"].decode())
    if match["itself"]:
        return match["itself"]
    units = (match["high"] or b"") + (match["low"] or match["unit"] or b"")
    if units:
        pair = bytes.fromhex(units.decode()).decode("utf-16-be", "surrogatepass")
        return _bytes(pair)
    return _bytes(html.unescape(match[0].decode()))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
