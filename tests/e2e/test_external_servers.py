"""The suite with an external Telegram server and model; another suite's sandbox plays both."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from smart_kit.testing.ports import is_listening
from smart_kit.testing.suite_harness import ROOT, SuiteHarness, wait_until

pytestmark = pytest.mark.e2e

TOKEN = "424242:" + "A" * 35
WRONG_TOKEN = "424242:" + "B" * 35


@pytest.fixture(scope="module")
def external_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteHarness]:
    """A second suite, of which only the sandbox runs."""
    external = SuiteHarness(tmp_path_factory.mktemp("other"), {"TELEGRAM_TOKEN": TOKEN})
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.main"],
        env=os.environ | external.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_listening(int(external.environment["SANDBOX_PORT"])))
        yield external
    finally:
        external.close()
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def settings(external_servers: SuiteHarness) -> dict[str, str]:
    return {
        "TELEGRAM_API_URL": external_servers.url("SANDBOX_PORT"),
        "TELEGRAM_ALLOWED_USERS": "*",
        "OPENAI_BASE_URL": external_servers.url("SANDBOX_PORT", "/v1"),
        "OPENAI_API_KEY": "external-key",
    }


def test_start_with_a_wrong_telegram_token_names_the_setting(module_suite: SuiteHarness) -> None:
    module_suite.environment["TELEGRAM_TOKEN"] = WRONG_TOKEN
    started = module_suite.try_manage("restart")

    assert started.returncode == 1
    assert "TELEGRAM_TOKEN" in started.stdout
    assert WRONG_TOKEN.partition(":")[2] not in started.stdout
    assert "Traceback" not in started.stdout


def test_the_suite_works_with_external_servers_and_starts_no_sandbox(
    module_suite: SuiteHarness, external_servers: SuiteHarness
) -> None:
    module_suite.environment["TELEGRAM_TOKEN"] = TOKEN
    module_suite.manage("restart")

    assert "Tokyo" in external_servers.get_or_create_user("Alice").send_and_wait(
        "What time is it in Tokyo?"
    )
    assert not is_listening(int(module_suite.environment["SANDBOX_PORT"]))
