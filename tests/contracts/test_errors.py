"""The error classes that services send to each other as HTTP statuses."""

import inspect

import pytest

from smart_kit import errors
from smart_kit.errors import DOMAIN_ERRORS, DomainError, SmartAssistantError

ALL_ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, SmartAssistantError)
]


def test_every_domain_error_is_listed_with_a_unique_status() -> None:
    concrete = {error for error in ALL_ERRORS if issubclass(error, DomainError)} - {DomainError}
    statuses = [error.status_code for error in DOMAIN_ERRORS]

    assert set(DOMAIN_ERRORS) == concrete
    assert len(DOMAIN_ERRORS) == len(set(statuses))
    assert all(400 <= status < 500 for status in statuses)


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_documented_by_its_class_and_module(
    error: type[SmartAssistantError],
) -> None:
    summary = (error.__doc__ or "").splitlines()[0]

    assert summary.endswith(".")
    assert error.__name__ in (errors.__doc__ or "")
