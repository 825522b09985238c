import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from control import requirements
from control.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]


def write_pins(folder: Path, text: str) -> tuple[Path, ...]:
    file = folder / "requirements.txt"
    file.write_text(text)
    return (file,)


def test_interpreter_with_the_pinned_packages_is_sufficient(tmp_path: Path) -> None:
    version = metadata.version("pytest")
    assert requirements.are_installed(
        write_pins(tmp_path, f"pytest=={version} \\\n    --hash=sha256:00\nno-such ==1 ; win\n")
    )


def test_different_or_missing_package_is_not_sufficient(tmp_path: Path) -> None:
    assert not requirements.are_installed(write_pins(tmp_path, "pytest==0.0.1 \\\n"))
    assert not requirements.are_installed(write_pins(tmp_path, "no-such-package==1.0 \\\n"))


def test_package_for_another_platform_may_be_missing(tmp_path: Path) -> None:
    text = "no-such-package==1.0 ; sys_platform == 'win32' \\\n"
    assert requirements.are_installed(write_pins(tmp_path, text))


def test_fingerprint_changes_with_a_pin(tmp_path: Path) -> None:
    first = requirements.compute_fingerprint(write_pins(tmp_path, "a==1"))
    assert requirements.compute_fingerprint(write_pins(tmp_path, "a==2")) != first


def test_requirements_of_every_service_are_pinned_for_development() -> None:
    files = requirements.runtime_files(ROOT)
    folders = {service.arguments[1].split(".")[0] for service in SERVICES}
    assert {file.parent.name for file in files} == folders | {ROOT.name}
    assert requirements.parse_names(files) <= requirements.parse_names(
        requirements.development_files(ROOT)
    )


def read_requirements(file: Path) -> Iterator[Requirement]:
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("-r "):
            yield from read_requirements(file.parent / line.removeprefix("-r "))
        else:
            yield Requirement(line)


def list_dependencies(requirement: Requirement) -> list[Requirement]:
    """Return what an installed package needs on this machine, with the requested extras."""
    environments = [{"extra": extra} for extra in requirement.extras or {""}]
    found = map(Requirement, metadata.requires(requirement.name) or ())
    return [
        dependency
        for dependency in found
        if not dependency.marker or any(map(dependency.marker.evaluate, environments))
    ]


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("*/requirements.txt")), ids=lambda file: file.parent.name
)
def test_a_service_pins_all_that_its_packages_need(file: Path) -> None:
    """They are installed without a resolver."""
    pinned = requirements.parse_names([file])
    waiting, seen = list(read_requirements(file.with_suffix(".in"))), set[str]()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) not in seen:
            assert canonicalize_name(requirement.name) in pinned
            seen.add(str(requirement))
            waiting += list_dependencies(requirement)


def test_every_pin_has_a_hash_and_none_names_a_host() -> None:
    for file in (*requirements.runtime_files(ROOT), *requirements.development_files(ROOT)):
        text = file.read_text()
        assert len(requirements.parse_names([file])) <= text.count("--hash=sha256:")
        assert not re.search(r"https?://|^-i|--index-url|--find-links", text, re.MULTILINE)
