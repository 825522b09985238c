"""How tests are distributed to test processes."""

from smart_kit.testing.plugin import SHARED_SUITE_DIR, get_scope
from smart_kit.testing.suite_harness import ROOT


def test_all_tests_of_the_shared_suite_have_one_scope() -> None:
    files = [path.relative_to(ROOT) for path in (ROOT / SHARED_SUITE_DIR).glob("test_*.py")]

    assert len(files) > 1
    assert {get_scope(f"{path}::test_one[first]") for path in files} == {SHARED_SUITE_DIR}


def test_other_tests_have_the_scope_of_their_file() -> None:
    assert get_scope("tests/e2e/test_lifecycle.py::test_one") == "tests/e2e/test_lifecycle.py"
