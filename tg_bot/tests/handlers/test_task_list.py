"""/tasks, and its buttons."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from smart_kit.redis import Redis
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.fake_records import DUE
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import list_buttons, read_answer, read_text


async def test_open_tasks_are_numbered_with_due_time_and_priority(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    user = await rest.add_user(7, timezone="Europe/Berlin")
    milk = rest.records.add_task(user.id, "buy milk", due_at=DUE, priority="high")
    end_of_day = datetime(2026, 11, 28, 22, 59, 59, tzinfo=UTC)
    tax = rest.records.add_task(user.id, "do the taxes of last year and more", due_at=end_of_day)
    rest.records.add_task(user.id, "read")
    rest.records.add_task(user.id, "over", status="done")
    await update_processor.process_batch([updates.message("/tasks")])

    answer = await read_answer(redis)
    assert answer.parameters["text"] == (
        "Your open tasks:\n"
        "1. buy milk, due Fri 27 Nov 09:00 Europe/Berlin, high priority\n"
        "2. do the taxes of last year and more, due Sat 28 Nov\n"
        "3. read"
    )
    assert list_buttons(answer)[:2] == [
        ("✓ 1 buy milk", f"finish_task:{milk.id}"),
        ("✓ 2 do the taxes…t year and more", f"finish_task:{tax.id}"),
    ]
    (request,) = rest.calls
    assert dict(request.url.params) == {
        "user_id": str(user.id),
        "status": "open",
        "limit": "200",
    }


async def test_empty_list_says_how_to_add_a_task(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    await update_processor.process_batch([updates.message("/tasks")])
    assert (await read_text(redis)).startswith("You have no open tasks. Write, for example: ")


async def test_press_finishes_the_task_and_sends_its_receipt(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    user = await rest.add_user(7)
    task = rest.records.add_task(user.id, "buy milk")
    update = updates.callback_query(f"finish_task:{task.id}")
    await update_processor.process_batch([update])

    assert rest.records.tasks[task.id].status == "done"
    (effect,) = (await read_answer(redis)).receipts
    assert (effect.kind, effect.message_id) == (
        "task_changed",
        f"tg:424242:{update['update_id']}",
    )


@pytest.mark.parametrize("status", [None, "done", "cancelled"])
async def test_press_on_a_task_that_is_not_open_changes_nothing(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, status: str | None
) -> None:
    user = await rest.add_user(7)
    task_id = uuid4() if status is None else rest.records.add_task(user.id, "x", status=status).id
    await update_processor.process_batch([updates.callback_query(f"finish_task:{task_id}")])
    assert await read_text(redis) == "This task is no longer open."
    assert rest.records.effects == []


async def test_rest_failure_asks_to_try_again_later(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    user = await rest.add_user(7)
    task = rest.records.add_task(user.id, "buy milk")
    rest.failing_paths.add("/effects")
    await update_processor.process_batch([updates.callback_query(f"finish_task:{task.id}")])
    assert (await read_answer(redis)).notice == "try_again_later"
