"""One suite for all kill points that a process of pytest runs; its first start has died twice."""

from collections.abc import Iterator

import pytest

from smart_kit.testing.suite_harness import SuiteHarness
from tests.chaos.kill_points import FIRST_START
from tests.chaos.killable.external_server import ExternalServer
from tests.chaos.killable.killable_suite import ENTRY_POINT, NO_RATE_LIMITS, KillableSuite

SETTINGS = {"TELEGRAM_RATE_PER_CHAT": "0", "TELEGRAM_RATE_OVERALL": "0"}


@pytest.fixture(scope="session")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableSuite]:
    outside = ExternalServer()
    settings = SETTINGS | {"REST_TOOL_PRIVATE_HOSTS": outside.host}
    suite = SuiteHarness(
        tmp_path_factory.mktemp("suite") / "state", settings, entry_point=ENTRY_POINT
    )
    killable = KillableSuite(suite, outside)
    try:
        killable.arm_kills((f"before {FIRST_START}", 1), (f"after {FIRST_START}", 1))
        suite.try_manage("start")  # which is said to be unwell where it takes longer than 30 s
        killable.wait_until_healthy(120.0)
        killable.call_sandbox("PUT", "limits", NO_RATE_LIMITS)
        killable.record_default_names()
        yield killable
    finally:
        killable.close()
        suite.remove()
        outside.close()
