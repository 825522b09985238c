"""/assistant and /model, and the buttons under them, in order with the messages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from assistant.tests.desk import (
    ALICE,
    ALICES_THREAD,
    Desk,
    RestService,
    assistant,
    identified,
    person,
    secretary,
    served,
    tool,
)
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import TO_TELEGRAM, Choice, Chosen, Notice, UserCommand, UserPress
from smart_kit.contracts.threads import first_thread_id
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.redis import Redis
from smart_kit.testing.scripted_model import ScriptedModel, calls

USER_PATH = f"/api/users/{identified(str(ALICE))}"


class ChangingUsers(RestService):
    """Answers a PATCH of a person; whether Redis shows it is the test's to say."""

    def _answer(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        if (request.method, request.url.path) != ("PATCH", USER_PATH):
            return super()._answer(request, body)
        user = person().model_dump(mode="json")
        times = {"created_at": utc_now().isoformat(), "updated_at": utc_now().isoformat()}
        return httpx2.Response(200, json={**user, "username": None, **times, **body})


@pytest.fixture
async def desk(redis: Redis, model: ScriptedModel) -> AsyncIterator[Desk]:
    made = Desk(redis, model.url, rest=ChangingUsers())
    made.models = {
        "fast": served("fast", is_choosable=True),
        "hidden": served("hidden"),
        "unserved": served("unserved", is_choosable=True, provider_id=uuid4()),
    }
    poet = assistant("Poet", is_secretary=True, model="poets-own")
    await made.configure(secretary(), poet, assistant("Helper"))
    await made.introduce(person())
    await made.history.begin(ALICES_THREAD)
    yield made
    await made.close()


def command(desk: Desk, name: Chosen) -> UserCommand:
    fields = desk.message("").model_dump(include=set(UserCommand.model_fields) - {"kind"})
    return UserCommand(**fields, name=name)


def press(desk: Desk, chosen: Chosen, row_id: UUID | None, **changes: Any) -> UserPress:
    fields = desk.message("").model_dump(include=set(UserPress.model_fields) - {"kind"})
    return UserPress(**{**fields, **changes}, chosen=chosen, row_id=row_id)


async def offered(desk: Desk, name: Chosen) -> Choice | Notice:
    outcome = await desk.handle(await desk.deliver(command(desk, name)))
    (letter,) = outcome.replies
    read = TO_TELEGRAM.validate_json(letter.payload)
    assert isinstance(read, Choice | Notice)
    return read


async def pressed(desk: Desk, chosen: Chosen, row_id: UUID | None, **changes: Any) -> Notice:
    said = desk.only(await desk.handle(await desk.deliver(press(desk, chosen, row_id, **changes))))
    assert isinstance(said, Notice)
    return said


def patches(desk: Desk) -> list[dict[str, Any]]:
    return [
        body
        for request, body in zip(desk.rest.requests, desk.rest.bodies, strict=True)
        if request.method == "PATCH"
    ]


async def test_assistant_offers_the_secretaries_and_marks_who_answers_now(desk: Desk) -> None:
    choice = await offered(desk, "assistant")

    assert isinstance(choice, Choice)
    assert (choice.chosen, choice.language_code, choice.chat_id) == ("assistant", "en", ALICE)
    assert [(one.row_id, one.label, one.is_chosen) for one in choice.options] == [
        (identified("Secretary"), "Secretary", True),
        (identified("Poet"), "Poet", False),
    ]
    assert desk.rest.requests == []


async def test_model_offers_the_assistants_own_and_what_may_be_chosen_and_is_served(
    desk: Desk,
) -> None:
    choice = await offered(desk, "model")

    assert isinstance(choice, Choice)
    assert [(one.row_id, one.label, one.is_chosen) for one in choice.options] == [
        (None, "", True),
        (identified("fast"), "fast", False),
    ]
    await desk.introduce(person(model="fast"))
    choice = await offered(desk, "model")
    assert isinstance(choice, Choice)
    assert [one.is_chosen for one in choice.options] == [False, True]


async def test_where_there_is_nothing_to_choose_the_person_is_told(desk: Desk) -> None:
    desk.models = {}
    await desk.configure(secretary(), assistant("Helper"), version=2)

    for name in ("assistant", "model"):
        said = await offered(desk, name)
        assert isinstance(said, Notice)
        assert said.notice == "nothing_to_choose"


async def test_a_chosen_assistant_is_written_and_waited_for(desk: Desk) -> None:
    """So that the next message, which may lie in the queue already, is answered by it."""
    poet = identified("Poet")
    delivery = await desk.deliver(press(desk, "assistant", poet, created_at=utc_now()))
    with pytest.raises(RetryMessage, match="not in Redis yet") as waiting:
        await desk.handle(delivery)
    assert waiting.value.after == 1
    await desk.introduce(person(assistant_id=poet))
    said = desk.only(await desk.handle(delivery))

    assert isinstance(said, Notice)
    assert (said.notice, said.parameters) == ("assistant_chosen", {"name": "Poet"})
    assert patches(desk) == [{"assistant_id": str(poet)}] * 2
    assert {one.headers["X-User-Id"] for one in desk.rest.requests} == {str(identified(str(ALICE)))}


async def test_an_old_press_does_not_wait_for_a_choice_that_another_has_replaced(
    desk: Desk,
) -> None:
    old = utc_now() - timedelta(minutes=2)
    said = await pressed(desk, "assistant", identified("Poet"), created_at=old)
    assert said.notice == "assistant_chosen"


async def test_each_assistant_keeps_its_own_thread_when_another_is_chosen_and_after_new(
    desk: Desk, model: ScriptedModel
) -> None:
    poet, alice = identified("Poet"), identified(str(ALICE))
    model.expect("Noted.", "Roses.", "Teal.", "Violets.")
    await desk.say("My colour is teal")
    await desk.introduce(person(assistant_id=poet))
    await desk.say("a verse")
    await desk.introduce(person())
    await desk.say("What is my colour?")
    begun = uuid4()
    await desk.introduce(person(assistant_id=poet, threads={poet: begun}))
    await desk.say("another verse")

    asked = [[item["content"].split("\n")[-1] for item in one.messages] for one in model.asked]
    assert asked == [
        ["You are Secretary.", "My colour is teal"],
        ["You are Poet.", "a verse"],
        ["You are Secretary.", "My colour is teal", "Noted.", "What is my colour?"],
        ["You are Poet.", "another verse"],
    ]
    assert [one.thread_id for one in await desk.records()] == [
        ALICES_THREAD,
        first_thread_id(alice, poet),
        ALICES_THREAD,
        begun,
    ]


async def test_new_begins_a_thread_with_the_assistant_that_was_chosen(desk: Desk) -> None:
    poet = identified("Poet")
    await desk.introduce(person(assistant_id=poet))
    await desk.handle(await desk.deliver(desk.command("new")))

    (request,) = desk.rest.asked("POST", "/api/threads")
    assert desk.rest.bodies[desk.rest.requests.index(request)]["assistant_id"] == str(poet)


async def test_a_chosen_model_answers_from_the_next_message_on(
    desk: Desk, model: ScriptedModel
) -> None:
    said = await pressed(desk, "model", identified("fast"))
    assert (said.notice, said.parameters) == ("model_chosen", {"name": "fast"})
    assert patches(desk) == [{"model": "fast"}]

    await desk.introduce(person(model="fast", assistant_id=identified("Poet")))
    model.expect("Quickly.")
    await desk.say("hi")
    assert model.asked[0].body["model"] == "fast"


@pytest.mark.parametrize("name", ["hidden", "gone"])
async def test_a_model_that_may_no_longer_be_chosen_is_not_asked(
    desk: Desk, model: ScriptedModel, name: str
) -> None:
    await desk.introduce(person(model=name, assistant_id=identified("Poet")))
    model.expect("As ever.")
    await desk.say("hi")
    assert model.asked[0].body["model"] == "poets-own"


async def test_an_assistant_that_may_no_longer_be_chosen_does_not_answer(
    desk: Desk, model: ScriptedModel
) -> None:
    await desk.introduce(person(assistant_id=identified("Helper")))
    model.expect("Hello!")
    await desk.say("hi")
    assert model.asked[0].messages[0]["content"] == "You are Secretary."


async def test_a_chosen_model_is_not_that_of_the_assistants_that_are_asked(
    desk: Desk, model: ScriptedModel
) -> None:
    await desk.configure(
        secretary(tool("ask_assistant", "ask_poet", asks="Poet")),
        assistant("Poet", model="poets-own"),
        version=2,
    )
    await desk.introduce(person(model="fast"))
    model.expect(calls(("ask_poet", {"message": "x"})), "Drip.", "Here.")
    await desk.say("verse")
    assert [one.body["model"] for one in model.asked] == ["fast", "poets-own", "fast"]


async def test_the_assistants_own_model_can_be_chosen_again(desk: Desk) -> None:
    said = await pressed(desk, "model", None)

    assert (said.notice, said.parameters) == ("own_model_chosen", {})
    assert patches(desk) == [{"model": None}]


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
    desk: Desk, chosen: Chosen, row: str
) -> None:
    assert (await pressed(desk, chosen, identified(row))).notice == "choice_gone"
    assert desk.rest.requests == []


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_what_rest_service_refuses_is_gone(desk: Desk, status: int) -> None:
    desk.rest.refusal = (status, "Poet is not active.")
    assert (await pressed(desk, "assistant", identified("Poet"))).notice == "choice_gone"


async def test_a_press_waits_while_rest_service_is_away(desk: Desk) -> None:
    desk.rest.is_down = True
    with pytest.raises(RetryMessage) as waiting:
        await pressed(desk, "model", identified("fast"), created_at=utc_now())
    assert waiting.value.after == 5


async def test_a_press_is_given_up_when_rest_service_stays_away(desk: Desk) -> None:
    desk.rest.is_down = True
    old = utc_now() - timedelta(minutes=2)
    said = await pressed(desk, "model", identified("fast"), created_at=old)
    assert said.notice == "try_again_later"


async def test_a_blocked_person_presses_in_vain(desk: Desk) -> None:
    await desk.introduce(person(status="blocked"))
    outcome = await desk.handle(await desk.deliver(press(desk, "model", identified("fast"))))

    assert outcome.replies == ()
    assert desk.rest.requests == []


async def test_a_press_that_is_none_goes_to_the_dead_letters(desk: Desk) -> None:
    delivery = await desk.deliver(press(desk, "model", None))
    broken = delivery.payload.replace('"chosen":"model"', '"chosen":"role"')
    with pytest.raises(RejectMessage):
        await desk.orchestrator.process_message(
            type(delivery)(delivery.entry, delivery.conversation, delivery.token, 1, broken)
        )
