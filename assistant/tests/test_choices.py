"""/assistant and /model, and the buttons under them, in order with the messages."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from assistant.tests.fake_rest_service import FakeRestService
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import (
    ALICE,
    ALICES_THREAD,
    assistant,
    id_of,
    model_snapshot,
    person,
    secretary,
    tool,
)
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import TO_TELEGRAM, Choice, Chosen, Notice, UserCommand, UserPress
from smart_kit.contracts.threads import first_thread_id
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.redis import Redis
from smart_kit.testing.scripted_model import ScriptedModel, calls

USER_PATH = f"/api/users/{id_of(str(ALICE))}"


class ChangingUsers(FakeRestService):
    """Answers a PATCH of a person; whether Redis shows it is the test's to say."""

    def _answer(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        if (request.method, request.url.path) != ("PATCH", USER_PATH):
            return super()._answer(request, body)
        user = person().model_dump(mode="json")
        times = {"created_at": utc_now().isoformat(), "updated_at": utc_now().isoformat()}
        return httpx2.Response(200, json={**user, "username": None, **times, **body})


@pytest.fixture
async def harness(redis: Redis, model: ScriptedModel) -> AsyncIterator[AssistantHarness]:
    made = AssistantHarness(redis, model.url, rest=ChangingUsers())
    made.models = {
        "fast": model_snapshot("fast", is_choosable=True),
        "hidden": model_snapshot("hidden"),
        "unserved": model_snapshot("unserved", is_choosable=True, provider_id=uuid4()),
    }
    poet = assistant("Poet", is_secretary=True, model="poets-own")
    await made.configure(secretary(), poet, assistant("Helper"))
    await made.store_user(person())
    await made.history.begin(ALICES_THREAD)
    yield made
    await made.close()


def command(harness: AssistantHarness, name: Chosen) -> UserCommand:
    fields = harness.message("").model_dump(include=set(UserCommand.model_fields) - {"kind"})
    return UserCommand(**fields, name=name)


def press(
    harness: AssistantHarness, chosen: Chosen, row_id: UUID | None, **changes: Any
) -> UserPress:
    fields = harness.message("").model_dump(include=set(UserPress.model_fields) - {"kind"})
    return UserPress(**{**fields, **changes}, chosen=chosen, row_id=row_id)


def long_ago() -> datetime:
    """When a command was written that waits for nothing any more."""
    return utc_now() - timedelta(minutes=2)


async def offered(harness: AssistantHarness, name: Chosen) -> Choice | Notice:
    outcome = await harness.handle(await harness.deliver(command(harness, name)))
    (letter,) = outcome.replies
    read = TO_TELEGRAM.validate_json(letter.payload)
    assert isinstance(read, Choice | Notice)
    return read


async def pressed(
    harness: AssistantHarness, chosen: Chosen, row_id: UUID | None, **changes: Any
) -> Notice:
    said = harness.only_reply(
        await harness.handle(await harness.deliver(press(harness, chosen, row_id, **changes)))
    )
    assert isinstance(said, Notice)
    return said


def patches(harness: AssistantHarness) -> list[dict[str, Any]]:
    return [
        body
        for request, body in zip(harness.rest.requests, harness.rest.bodies, strict=True)
        if request.method == "PATCH"
    ]


async def test_assistant_offers_the_secretaries_and_marks_who_answers_now(
    harness: AssistantHarness,
) -> None:
    choice = await offered(harness, "assistant")

    assert isinstance(choice, Choice)
    assert (choice.chosen, choice.language_code, choice.chat_id) == ("assistant", "en", ALICE)
    assert [(one.row_id, one.label, one.is_chosen) for one in choice.options] == [
        (id_of("Secretary"), "Secretary", True),
        (id_of("Poet"), "Poet", False),
    ]
    assert harness.rest.requests == []


async def test_model_offers_the_assistants_own_and_what_may_be_chosen_and_is_served(
    harness: AssistantHarness,
) -> None:
    choice = await offered(harness, "model")

    assert isinstance(choice, Choice)
    assert [(one.row_id, one.label, one.is_chosen) for one in choice.options] == [
        (None, "", True),
        (id_of("fast"), "fast", False),
    ]
    await harness.store_user(person(model="fast"))
    choice = await offered(harness, "model")
    assert isinstance(choice, Choice)
    assert [one.is_chosen for one in choice.options] == [False, True]


async def test_where_there_is_nothing_to_choose_the_person_is_told(
    harness: AssistantHarness,
) -> None:
    harness.models = {}
    await harness.configure(secretary(), assistant("Helper"), version=2)

    for name in ("assistant", "model"):
        said = await offered(harness, name)
        assert isinstance(said, Notice)
        assert said.notice == "nothing_to_choose"


async def test_a_chosen_assistant_is_written_and_waited_for(harness: AssistantHarness) -> None:
    """So that the next message, which may lie in the queue already, is answered by it."""
    poet = id_of("Poet")
    delivery = await harness.deliver(press(harness, "assistant", poet, created_at=utc_now()))
    with pytest.raises(RetryMessage, match="not in Redis yet") as waiting:
        await harness.handle(delivery)
    assert waiting.value.after == 1
    await harness.store_user(person(assistant_id=poet))
    said = harness.only_reply(await harness.handle(delivery))

    assert isinstance(said, Notice)
    assert (said.notice, said.parameters) == ("assistant_chosen", {"name": "Poet"})
    assert patches(harness) == [{"assistant_id": str(poet)}] * 2
    assert {one.headers["X-User-Id"] for one in harness.rest.requests} == {str(id_of(str(ALICE)))}


async def test_an_old_press_does_not_wait_for_a_choice_that_another_has_replaced(
    harness: AssistantHarness,
) -> None:
    said = await pressed(harness, "assistant", id_of("Poet"), created_at=long_ago())
    assert said.notice == "assistant_chosen"


async def test_each_assistant_keeps_its_own_thread_when_another_is_chosen_and_after_new(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    poet, alice = id_of("Poet"), id_of(str(ALICE))
    model.expect("Noted.", "Roses.", "Teal.", "Violets.")
    await harness.say("My colour is teal")
    await harness.store_user(person(assistant_id=poet))
    await harness.say("a verse")
    await harness.store_user(person())
    await harness.say("What is my colour?")
    begun = uuid4()
    await harness.store_user(person(assistant_id=poet, threads={poet: begun}))
    await harness.say("another verse")

    asked = [[item["content"].split("\n")[-1] for item in one.messages] for one in model.asked]
    assert asked == [
        ["You are Secretary.", "My colour is teal"],
        ["You are Poet.", "a verse"],
        ["You are Secretary.", "My colour is teal", "Noted.", "What is my colour?"],
        ["You are Poet.", "another verse"],
    ]
    assert [one.thread_id for one in await harness.turn_records()] == [
        ALICES_THREAD,
        first_thread_id(alice, poet),
        ALICES_THREAD,
        begun,
    ]


async def test_new_begins_a_thread_with_the_assistant_that_was_chosen(
    harness: AssistantHarness,
) -> None:
    poet = id_of("Poet")
    await harness.store_user(person(assistant_id=poet))
    new = harness.command("new").model_copy(update={"created_at": long_ago()})
    await harness.handle(await harness.deliver(new))

    (request,) = harness.rest.requests_to("POST", "/api/threads")
    assert harness.rest.bodies[harness.rest.requests.index(request)]["assistant_id"] == str(poet)


async def test_a_chosen_model_answers_from_the_next_message_on(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    said = await pressed(harness, "model", id_of("fast"), created_at=long_ago())
    assert (said.notice, said.parameters) == ("model_chosen", {"name": "fast"})
    assert patches(harness) == [{"model": "fast"}]

    await harness.store_user(person(model="fast", assistant_id=id_of("Poet")))
    model.expect("Quickly.")
    await harness.say("hi")
    assert model.asked[0].body["model"] == "fast"


@pytest.mark.parametrize("name", ["hidden", "gone"])
async def test_a_model_that_may_no_longer_be_chosen_is_not_asked(
    harness: AssistantHarness, model: ScriptedModel, name: str
) -> None:
    await harness.store_user(person(model=name, assistant_id=id_of("Poet")))
    model.expect("As ever.")
    await harness.say("hi")
    assert model.asked[0].body["model"] == "poets-own"


async def test_an_assistant_that_may_no_longer_be_chosen_does_not_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(person(assistant_id=id_of("Helper")))
    model.expect("Hello!")
    await harness.say("hi")
    assert model.asked[0].messages[0]["content"] == "You are Secretary."


async def test_a_chosen_model_is_not_that_of_the_assistants_that_are_asked(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(tool("ask_assistant", "ask_poet", asks="Poet")),
        assistant("Poet", model="poets-own"),
        version=2,
    )
    await harness.store_user(person(model="fast"))
    model.expect(calls(("ask_poet", {"message": "x"})), "Drip.", "Here.")
    await harness.say("verse")
    assert [one.body["model"] for one in model.asked] == ["fast", "poets-own", "fast"]


async def test_the_assistants_own_model_can_be_chosen_again(harness: AssistantHarness) -> None:
    said = await pressed(harness, "model", None)

    assert (said.notice, said.parameters) == ("own_model_chosen", {})
    assert patches(harness) == [{"model": None}]


@pytest.mark.parametrize(
    ("chosen", "row"),
    [
        ("assistant", "Helper"),
        ("assistant", "nobody"),
        ("assistant", "fast"),
        ("model", "hidden"),
        ("model", "unserved"),
        ("model", "nothing"),
        ("model", "Poet"),
    ],
)
async def test_a_button_for_what_may_not_be_chosen_changes_nothing(
    harness: AssistantHarness, chosen: Chosen, row: str
) -> None:
    assert (await pressed(harness, chosen, id_of(row))).notice == "choice_gone"
    assert harness.rest.requests == []


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_what_rest_service_refuses_is_gone(harness: AssistantHarness, status: int) -> None:
    harness.rest.refusal = (status, "Poet is not active.")
    assert (await pressed(harness, "assistant", id_of("Poet"))).notice == "choice_gone"


async def test_a_press_waits_while_rest_service_is_away(harness: AssistantHarness) -> None:
    harness.rest.is_down = True
    with pytest.raises(RetryMessage) as waiting:
        await pressed(harness, "model", id_of("fast"), created_at=utc_now())
    assert waiting.value.after == 5


async def test_a_press_is_given_up_when_rest_service_stays_away(harness: AssistantHarness) -> None:
    harness.rest.is_down = True
    said = await pressed(harness, "model", id_of("fast"), created_at=long_ago())
    assert said.notice == "try_again_later"


async def test_a_blocked_person_presses_in_vain(harness: AssistantHarness) -> None:
    await harness.store_user(person(status="blocked"))
    outcome = await harness.handle(await harness.deliver(press(harness, "model", id_of("fast"))))

    assert outcome.replies == ()
    assert harness.rest.requests == []


async def test_a_press_that_is_none_goes_to_the_dead_letters(harness: AssistantHarness) -> None:
    delivery = await harness.deliver(press(harness, "model", None))
    broken = delivery.payload.replace('"chosen":"model"', '"chosen":"role"')
    with pytest.raises(RejectMessage):
        await harness.orchestrator.process_message(
            type(delivery)(delivery.entry, delivery.conversation, delivery.token, 1, broken)
        )
