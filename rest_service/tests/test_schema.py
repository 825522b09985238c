"""The OpenAPI document, and whether the API conforms to it."""

import json
import sys
from collections import Counter

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from rest_service.app.errors import ERROR_CODES
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


def test_every_operation_has_an_id_of_its_own_that_is_a_name(
    operations: dict[str, JsonObject],
) -> None:
    """Generated clients name their functions after the ids."""
    ids = Counter(one["operationId"] for one in operations.values())

    assert [name for name, number in ids.items() if number > 1 or not name.isidentifier()] == []
    assert len(ids) == len(operations) > 70


def test_every_operation_has_one_tag_that_is_explained(operations: dict[str, JsonObject]) -> None:
    used = {tuple(one["tags"]) for one in operations.values()}

    assert used == {(name,) for name, _ in TAGS} - {("operation",)}


def test_every_operation_says_who_may_call_it_and_what_it_does(
    operations: dict[str, JsonObject],
) -> None:
    for name, one in operations.items():
        assert one["security"] == [{"Token": []}], name
        assert one["description"].endswith((".", ")")), name


def test_every_refusal_of_every_operation_has_the_one_shape_and_an_example(
    operations: dict[str, JsonObject],
) -> None:
    for name, one in operations.items():
        refusals = {status: said for status, said in one["responses"].items() if status >= "300"}
        assert refusals.keys() == {str(status) for status in ERROR_CODES}, name
        for status, said in refusals.items():
            body = said["content"]["application/json"]
            assert body["schema"] == {"$ref": "#/components/schemas/ErrorRead"}
            assert body["example"] == {
                "error": ERROR_CODES[int(status)],
                "detail": said["description"],
            }


def test_every_body_has_an_example_that_fits(
    openapi_document: JsonObject, operations: dict[str, JsonObject]
) -> None:
    bodies = {
        one["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for one in operations.values()
        if "requestBody" in one
    }

    for name in bodies:
        shape = {
            "$ref": f"#/components/schemas/{name}",
            "components": openapi_document["components"],
        }
        for example in openapi_document["components"]["schemas"][name]["examples"]:
            Draft202012Validator(shape).validate(example)


def test_what_is_made_leads_to_what_can_be_done_with_it(operations: dict[str, JsonObject]) -> None:
    links = operations["post /api/cron-jobs"]["responses"]["201"]["links"]

    assert links.keys() == {
        "get_cron_job",
        "update_cron_job",
        "put_cron_job",
        "delete_cron_job",
        "list_runs",
    }
    known = {one["operationId"] for one in operations.values()}
    every = [
        name
        for one in operations.values()
        for name in one["responses"].get("201", {}).get("links", {})
    ]
    assert set(every) <= known
    assert len(every) >= 40


def test_the_api_keeps_to_its_document_in_its_examples(postgres: Postgres, valkey: Valkey) -> None:
    with run_disposable_service(postgres, valkey) as url:
        found = run_rounds(url, iter((FuzzRound(ADMIN, SEED, ("examples",)),)), cases=sys.maxsize)

    assert found.cases > 100
    assert found.failures == 0, "see the output above"


@pytest.mark.slow
def test_the_api_keeps_to_its_document(postgres: Postgres, valkey: Valkey) -> None:
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
