"""/assistant and /model, and the buttons under them, in order with the messages."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from assistant.tests.fake_rest_service import FakeRestService
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICE,
    ALICES_THREAD,
    id_for,
    make_assistant,
    make_model,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import (
    TO_TELEGRAM_ADAPTER,
    Choice,
    ChoiceKind,
    Notice,
    UserCommand,
    UserPress,
)
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.redis import Redis
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

USER_PATH = f"/api/users/{id_for(str(ALICE))}"


class UserUpdatingRestService(FakeRestService):
    """Accepts changes of a user; the test decides whether Redis shows them."""

    def _respond(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        if (request.method, request.url.path) != ("PATCH", USER_PATH):
            return super()._respond(request, body)
        user = make_user().model_dump(mode="json")
        times = {"created_at": utc_now().isoformat(), "updated_at": utc_now().isoformat()}
        return httpx2.Response(200, json={**user, "username": None, **times, **body})


@pytest.fixture
async def harness(redis: Redis, model: ScriptedModel) -> AsyncIterator[AssistantHarness]:
    made = AssistantHarness(redis, model.url, rest=UserUpdatingRestService())
    made.models = {
        "fast": make_model("fast", is_user_selectable=True),
        "hidden": make_model("hidden"),
        "unserved": make_model("unserved", is_user_selectable=True, provider_id=uuid4()),
    }
    poet = make_assistant("Poet", is_secretary=True, model="poets-own")
    await made.configure(make_secretary(), poet, make_assistant("Helper"))
    await made.store_user(make_user())
    await made.history.mark_new_thread(ALICES_THREAD)
    yield made
    await made.close()


def make_command(harness: AssistantHarness, name: ChoiceKind, argument: str = "") -> UserCommand:
    fields = harness.make_message("").model_dump(include=set(UserCommand.model_fields) - {"kind"})
    return UserCommand(**fields, name=name, argument=argument)


def make_button_press(
    harness: AssistantHarness, chosen: ChoiceKind, row_id: UUID | None, **changes: Any
) -> UserPress:
    fields = harness.make_message("").model_dump(include=set(UserPress.model_fields) - {"kind"})
    return UserPress(**{**fields, **changes}, choice_kind=chosen, row_id=row_id)


def get_expired_time() -> datetime:
    """Return the time of a command that is too old to wait for its change."""
    return utc_now() - timedelta(minutes=2)


async def request_choice(
    harness: AssistantHarness, name: ChoiceKind, argument: str = ""
) -> Choice | Notice:
    command = make_command(harness, name, argument).model_copy(
        update={"created_at": get_expired_time()}
    )
    outcome = await harness.handle(await harness.deliver(command))
    (envelope,) = outcome.replies
    read = TO_TELEGRAM_ADAPTER.validate_json(envelope.payload)
    assert isinstance(read, Choice | Notice)
    return read


async def press_button(
    harness: AssistantHarness, chosen: ChoiceKind, row_id: UUID | None, **changes: Any
) -> Notice:
    reply = harness.parse_only_reply(
        await harness.handle(
            await harness.deliver(make_button_press(harness, chosen, row_id, **changes))
        )
    )
    assert isinstance(reply, Notice)
    return reply


def get_patches(harness: AssistantHarness) -> list[dict[str, Any]]:
    return [
        body
        for request, body in zip(harness.rest.requests, harness.rest.bodies, strict=True)
        if request.method == "PATCH"
    ]


async def test_assistant_command_lists_secretaries_and_marks_the_current_one(
    harness: AssistantHarness,
) -> None:
    choice = await request_choice(harness, "assistant")

    assert isinstance(choice, Choice)
    assert (choice.choice_kind, choice.language_code, choice.chat_id) == ("assistant", "en", ALICE)
    assert [(one.row_id, one.label, one.is_selected) for one in choice.options] == [
        (id_for("Secretary"), "Secretary", True),
        (id_for("Poet"), "Poet", False),
    ]
    assert harness.rest.requests == []


async def test_model_command_lists_the_default_and_selectable_models(
    harness: AssistantHarness,
) -> None:
    choice = await request_choice(harness, "model")

    assert isinstance(choice, Choice)
    assert [(one.row_id, one.label, one.is_selected) for one in choice.options] == [
        (None, "", True),
        (id_for("fast"), "fast", False),
    ]
    await harness.store_user(make_user(model="fast"))
    choice = await request_choice(harness, "model")
    assert isinstance(choice, Choice)
    assert [one.is_selected for one in choice.options] == [False, True]


@pytest.mark.parametrize(
    ("kind", "argument", "change", "notice"),
    [
        ("assistant", "poet", {"assistant_id": str(id_for("Poet"))}, "assistant_chosen"),
        ("assistant", "Po", {"assistant_id": str(id_for("Poet"))}, "assistant_chosen"),
        ("model", "FAST", {"model": "fast"}, "model_chosen"),
        ("model", "default", {"model": None}, "default_model_chosen"),
    ],
)
async def test_a_command_with_a_name_chooses_at_once(
    harness: AssistantHarness, kind: ChoiceKind, argument: str, change: object, notice: str
) -> None:
    reply = await request_choice(harness, kind, argument)

    assert isinstance(reply, Notice)
    assert reply.notice == notice
    assert get_patches(harness) == [change]


@pytest.mark.parametrize(
    ("kind", "argument"), [("assistant", "Helper"), ("assistant", "x"), ("model", "hidden")]
)
async def test_an_unknown_name_changes_nothing_and_shows_the_options(
    harness: AssistantHarness, kind: ChoiceKind, argument: str
) -> None:
    reply = await request_choice(harness, kind, argument)

    assert isinstance(reply, Choice)
    assert (reply.unknown_name, len(reply.options)) == (argument, 2)
    assert get_patches(harness) == []


async def test_the_beginning_of_several_names_chooses_none_of_them(
    harness: AssistantHarness,
) -> None:
    poets = (make_assistant(name, is_secretary=True) for name in ("Poet", "Poetess"))
    await harness.configure(make_secretary(), *poets, version=2)

    assert isinstance(await request_choice(harness, "assistant", "poe"), Choice)
    exact = await request_choice(harness, "assistant", "poet")
    assert isinstance(exact, Notice)
    assert exact.parameters == {"name": "Poet"}


async def test_single_option_sends_a_notice(
    harness: AssistantHarness,
) -> None:
    harness.models = {}
    await harness.configure(make_secretary(), make_assistant("Helper"), version=2)

    for name in ("assistant", "model"):
        reply = await request_choice(harness, name)
        assert isinstance(reply, Notice)
        assert reply.notice == "nothing_to_choose"


async def test_a_chosen_assistant_is_written_and_waited_for(harness: AssistantHarness) -> None:
    """So that it answers the next message, which may already be in the queue."""
    poet = id_for("Poet")
    delivery = await harness.deliver(
        make_button_press(harness, "assistant", poet, created_at=utc_now())
    )
    with pytest.raises(RetryMessage, match="not in Redis yet") as waiting:
        await harness.handle(delivery)
    assert waiting.value.after == 1
    await harness.store_user(make_user(assistant_id=poet))
    reply = harness.parse_only_reply(await harness.handle(delivery))

    assert isinstance(reply, Notice)
    assert (reply.notice, reply.parameters) == ("assistant_chosen", {"name": "Poet"})
    assert get_patches(harness) == [{"assistant_id": str(poet)}] * 2
    assert {one.headers["X-User-Id"] for one in harness.rest.requests} == {str(id_for(str(ALICE)))}


async def test_old_press_does_not_wait_for_a_replaced_choice(
    harness: AssistantHarness,
) -> None:
    reply = await press_button(harness, "assistant", id_for("Poet"), created_at=get_expired_time())
    assert reply.notice == "assistant_chosen"


async def test_each_assistant_keeps_its_own_thread(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    poet, alice = id_for("Poet"), id_for(str(ALICE))
    model.add_steps("Noted.", "Roses.", "Teal.", "Violets.")
    await harness.say("My colour is teal")
    await harness.store_user(make_user(assistant_id=poet))
    await harness.say("a verse")
    await harness.store_user(make_user())
    await harness.say("What is my colour?")
    thread_id = uuid4()
    await harness.store_user(make_user(assistant_id=poet, threads={poet: thread_id}))
    await harness.say("another verse")

    prompts = [[item["content"].split("\n")[-1] for item in one.messages] for one in model.requests]
    assert prompts == [
        ["You are Secretary.", "My colour is teal"],
        ["You are Poet.", "a verse"],
        ["You are Secretary.", "My colour is teal", "Noted.", "What is my colour?"],
        ["You are Poet.", "another verse"],
    ]
    assert [one.thread_id for one in await harness.read_turn_records()] == [
        ALICES_THREAD,
        derive_first_thread_id(alice, poet),
        ALICES_THREAD,
        thread_id,
    ]


async def test_new_begins_a_thread_with_the_assistant_that_was_chosen(
    harness: AssistantHarness,
) -> None:
    poet = id_for("Poet")
    await harness.store_user(make_user(assistant_id=poet))
    new = harness.make_command("new").model_copy(update={"created_at": get_expired_time()})
    await harness.handle(await harness.deliver(new))

    (request,) = harness.rest.requests_to("POST", "/api/threads")
    assert harness.rest.bodies[harness.rest.requests.index(request)]["assistant_id"] == str(poet)


async def test_a_chosen_model_answers_from_the_next_message_on(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    reply = await press_button(harness, "model", id_for("fast"), created_at=get_expired_time())
    assert (reply.notice, reply.parameters) == ("model_chosen", {"name": "fast"})
    assert get_patches(harness) == [{"model": "fast"}]

    await harness.store_user(make_user(model="fast", assistant_id=id_for("Poet")))
    model.add_steps("Quickly.")
    await harness.say("hi")
    assert model.requests[0].body["model"] == "fast"


@pytest.mark.parametrize("name", ["hidden", "gone"])
async def test_unselectable_model_is_not_called(
    harness: AssistantHarness, model: ScriptedModel, name: str
) -> None:
    await harness.store_user(make_user(model=name, assistant_id=id_for("Poet")))
    model.add_steps("As ever.")
    await harness.say("hi")
    assert model.requests[0].body["model"] == "poets-own"


async def test_unselectable_assistant_does_not_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(make_user(assistant_id=id_for("Helper")))
    model.add_steps("Hello!")
    await harness.say("hi")
    assert model.requests[0].messages[0]["content"] == "You are Secretary."


async def test_chosen_model_does_not_apply_to_sub_assistants(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet", model="poets-own"),
        version=2,
    )
    await harness.store_user(make_user(model="fast"))
    model.add_steps(make_tool_call_response(("ask_poet", {"message": "x"})), "Drip.", "Here.")
    await harness.say("verse")
    assert [one.body["model"] for one in model.requests] == ["fast", "poets-own", "fast"]


async def test_the_assistants_own_model_can_be_chosen_again(harness: AssistantHarness) -> None:
    reply = await press_button(harness, "model", None)

    assert (reply.notice, reply.parameters) == ("default_model_chosen", {})
    assert get_patches(harness) == [{"model": None}]


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
async def test_button_of_an_unselectable_record_changes_nothing(
    harness: AssistantHarness, chosen: ChoiceKind, row: str
) -> None:
    assert (await press_button(harness, chosen, id_for(row))).notice == "choice_unavailable"
    assert harness.rest.requests == []


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_refused_choice_is_reported_as_unavailable(
    harness: AssistantHarness, status: int
) -> None:
    harness.rest.refusal = (status, "Poet is not active.")
    assert (await press_button(harness, "assistant", id_for("Poet"))).notice == "choice_unavailable"


async def test_a_press_waits_while_rest_service_is_away(harness: AssistantHarness) -> None:
    harness.rest.is_down = True
    with pytest.raises(RetryMessage) as waiting:
        await press_button(harness, "model", id_for("fast"), created_at=utc_now())
    assert 0.25 <= waiting.value.after < 5


async def test_a_press_is_given_up_when_rest_service_stays_away(harness: AssistantHarness) -> None:
    harness.rest.is_down = True
    reply = await press_button(harness, "model", id_for("fast"), created_at=get_expired_time())
    assert reply.notice == "try_again_later"


async def test_a_blocked_person_presses_in_vain(harness: AssistantHarness) -> None:
    await harness.store_user(make_user(status="blocked"))
    outcome = await harness.handle(
        await harness.deliver(make_button_press(harness, "model", id_for("fast")))
    )

    assert outcome.replies == ()
    assert harness.rest.requests == []


async def test_unreadable_press_becomes_a_dead_letter(harness: AssistantHarness) -> None:
    delivery = await harness.deliver(make_button_press(harness, "model", None))
    broken = delivery.payload.replace('"choice_kind":"model"', '"choice_kind":"role"')
    with pytest.raises(RejectMessage):
        await harness.orchestrator.process_message(
            type(delivery)(
                delivery.entry_id, delivery.conversation, delivery.fencing_token, 1, broken
            )
        )
