"""The suite that all kill tests of one pytest process share.

rest_service is killed twice during its first start, before and after the commit that creates the
default records, because that commit never happens again.
"""

from collections.abc import Iterator

import pytest

from smart_kit.testing.suite_harness import SuiteHarness
from tests.chaos.kill_points import FIRST_START
from tests.chaos.killable.external_server import ExternalServer
from tests.chaos.killable.killable_suite import ENTRY_POINT, KillableSuite
from tests.e2e.fault_injection import NO_RATE_LIMITS, disable_rate_limits


@pytest.fixture(scope="session")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableSuite]:
    """Yield the running suite, with the rate limits of tg_bot and of the sandbox switched off."""
    external_server = ExternalServer()
    settings = NO_RATE_LIMITS | {"REST_TOOL_PRIVATE_HOSTS": external_server.host}
    suite = SuiteHarness(
        tmp_path_factory.mktemp("suite") / "state", settings, entry_point=ENTRY_POINT
    )
    killable = KillableSuite(suite, external_server)
    try:
        killable.arm_kills((f"before {FIRST_START}", 1), (f"after {FIRST_START}", 1))
        suite.try_manage("start")  # fails if the two kills make it take longer than 30 s
        killable.wait_until_healthy(120.0)
        disable_rate_limits(suite)
        killable.record_default_names()
        yield killable
    finally:
        killable.close()
        suite.remove()
        external_server.close()
