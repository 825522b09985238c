"""The OpenAPI document, and whether the API conforms to it."""

import json
import sys
from collections import Counter

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from rest_service.app.error_handlers import ERROR_CODES
from rest_service.app.openapi import TAGS
from rest_service.tests.api_helpers import JsonObject
from rest_service.tests.disposable_service import run_disposable_service
from rest_service.tests.fuzz import ADMIN, SERVICE, STATEFUL_PHASES, FuzzRound, run_rounds
from smart_kit.testing.servers import Postgres, Valkey

SEED = 4


@pytest.fixture(scope="module")
def openapi_document(reused_app: FastAPI) -> JsonObject:
    described: JsonObject = json.loads(json.dumps(reused_app.openapi()))
    return described


@pytest.fixture(scope="module")
def operations(openapi_document: JsonObject) -> dict[str, JsonObject]:
    """The operations of the API, by method and path."""
    return {
        f"{method} {path}": operation
        for path, methods in openapi_document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/")
    }


def test_operation_ids_are_unique_identifiers(
    operations: dict[str, JsonObject],
) -> None:
    """Generated clients name their functions after the ids."""
    ids = Counter(operation["operationId"] for operation in operations.values())

    assert [name for name, number in ids.items() if number > 1 or not name.isidentifier()] == []
    assert len(ids) == len(operations) > 70


def test_every_operation_has_one_described_tag(operations: dict[str, JsonObject]) -> None:
    used = {tuple(operation["tags"]) for operation in operations.values()}

    assert used == {(name,) for name, _ in TAGS} - {("operation",)}


def test_every_operation_has_security_and_description(
    operations: dict[str, JsonObject],
) -> None:
    for name, operation in operations.items():
        assert operation["security"] == [{"Token": []}], name
        assert operation["description"].endswith((".", ")")), name


def test_error_responses_share_one_schema_with_example(
    operations: dict[str, JsonObject],
) -> None:
    for name, operation in operations.items():
        refusals = {
            status: response
            for status, response in operation["responses"].items()
            if status >= "300"
        }
        assert refusals.keys() == {str(status) for status in ERROR_CODES}, name
        for status, response in refusals.items():
            body = response["content"]["application/json"]
            assert body["schema"] == {"$ref": "#/components/schemas/ErrorRead"}
            assert body["example"] == {
                "error": ERROR_CODES[int(status)],
                "detail": response["description"],
            }


def test_every_request_body_has_valid_examples(
    openapi_document: JsonObject, operations: dict[str, JsonObject]
) -> None:
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for operation in operations.values()
        if "requestBody" in operation
    }

    for name in bodies:
        shape = {
            "$ref": f"#/components/schemas/{name}",
            "components": openapi_document["components"],
        }
        for example in openapi_document["components"]["schemas"][name]["examples"]:
            Draft202012Validator(shape).validate(example)


def test_create_responses_link_to_related_operations(operations: dict[str, JsonObject]) -> None:
    links = operations["post /api/cron-jobs"]["responses"]["201"]["links"]

    assert links.keys() == {
        "get_cron_job",
        "update_cron_job",
        "put_cron_job",
        "delete_cron_job",
        "list_runs",
        "list_next_fires",
    }
    known = {operation["operationId"] for operation in operations.values()}
    every = [
        name
        for operation in operations.values()
        for name in operation["responses"].get("201", {}).get("links", {})
    ]
    assert set(every) <= known
    assert len(every) >= 40


def test_api_conforms_to_its_document_for_examples(postgres: Postgres, valkey: Valkey) -> None:
    with run_disposable_service(postgres, valkey) as url:
        found = run_rounds(url, iter((FuzzRound(ADMIN, SEED, ("examples",)),)), cases=sys.maxsize)

    assert found.cases > 100
    assert found.failures == 0, "see the output above"


@pytest.mark.slow
def test_api_conforms_to_its_document(postgres: Postgres, valkey: Valkey) -> None:
    """Sends thousands of valid and invalid requests, the same in each run."""
    with run_disposable_service(postgres, valkey) as url:
        rounds = (
            FuzzRound(ADMIN, SEED, ("examples", "coverage")),
            FuzzRound(ADMIN, SEED, STATEFUL_PHASES, max_examples=50),
            FuzzRound(SERVICE, SEED, ("fuzzing",), max_examples=2),
        )
        found = run_rounds(url, iter(rounds), cases=sys.maxsize)

    assert found.cases > 3000
    assert found.stateful_cases > 100
    assert found.failures == 0, "see the output above"
