"""/timezone, its buttons, and a location."""

import pytest

from smart_kit.contracts.queue import UserPress
from smart_kit.redis import Redis
from tg_bot.src.config.settings import AllowList, TgBotSettings
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeUpdateProcessor
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import list_buttons, read_answer, read_answers, read_text
from tg_bot.tests.queue_contents import read_secretary_queue

PORTO = {"latitude": 41.15, "longitude": -8.61}
RUSSIAN = {"from": updates.user(language_code="ru")}


async def test_unknown_zone_is_shown_with_likely_zones_as_buttons(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    await update_processor.process_batch([updates.message("/timezone", **RUSSIAN)])

    answer = await read_answer(redis)
    assert answer.parameters["text"] == (
        "Я пока не знаю вашего часового пояса и использую UTC, где сейчас 14:05.\n\n"
        "Чтобы его изменить, нажмите кнопку, напишите, например, /timezone Лиссабон или отправьте "
        "мне свою геопозицию."
    )
    buttons = list_buttons(answer)
    assert buttons[0] == ("Москва · 17:05", "timezone:Europe/Moscow")
    assert 2 <= len(buttons) <= 6
    assert rest.calls == []


async def test_chosen_zone_is_shown_with_its_present_time(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, timezone="Asia/Tokyo")
    await update_processor.process_batch([updates.message("/timezone")])
    text = await read_text(redis)
    assert text.startswith("Your time zone is Asia/Tokyo; it is 23:05 there.\n\nTo change it, ")


@pytest.mark.parametrize(("is_chosen", "offered"), [(True, True), (False, False)])
async def test_default_zone_is_only_offered_if_the_operator_chose_it(
    settings: TgBotSettings,
    make_update_processor: MakeUpdateProcessor,
    redis: Redis,
    is_chosen: bool,
    offered: bool,
) -> None:
    chosen = {"default_timezone": "Pacific/Apia"} if is_chosen else {}
    processor = make_update_processor(AllowList(everyone=True), settings.model_copy(update=chosen))
    await processor.process_batch([updates.message("/timezone")])
    zones = [data for _, data in list_buttons(await read_answer(redis))]
    assert (zones[0] == "timezone:Pacific/Apia") == offered


@pytest.mark.parametrize("place", ["Lisbon", "лиссабон", "Europe/Lisbon"])
async def test_place_sets_the_zone_and_is_confirmed_by_a_receipt(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, place: str
) -> None:
    await rest.add_user(7, timezone="Asia/Tokyo")
    update = updates.message(f"/timezone {place}")
    await update_processor.process_batch([update])

    assert rest.users[7].timezone == "Europe/Lisbon"
    answer = await read_answer(redis)
    (effect,) = answer.receipts
    assert (effect.kind, effect.after) == (
        "settings_changed",
        {"timezone": "Europe/Lisbon", "language": None},
    )
    assert (effect.message_id, effect.step) == (f"tg:424242:{update['update_id']}", "0")
    assert (answer.parameters["text"], answer.buttons) == ("", ())


@pytest.mark.parametrize("is_known", [True, False])
async def test_first_zone_is_saved_by_the_assistant_where_a_request_may_wait_for_it(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, is_known: bool
) -> None:
    if is_known:
        await rest.add_user(7)
    await update_processor.process_batch([updates.message("/timezone Lisbon")])

    (press,) = await read_secretary_queue(redis)
    assert isinstance(press, UserPress)
    assert (press.choice_kind, press.timezone) == ("timezone", "Europe/Lisbon")
    assert rest.calls == []


async def test_same_zone_is_confirmed_without_a_receipt(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, timezone="Europe/Lisbon")
    await update_processor.process_batch([updates.message("/timezone Lisbon")])
    assert await read_text(redis) == "Your time zone is Europe/Lisbon; it is 14:05 there."
    assert (await read_answer(redis)).receipts == ()


async def test_later_commands_of_a_batch_see_the_new_zone(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, timezone="Asia/Tokyo")
    batch = [updates.message("/timezone Lisbon"), updates.message("/timezone")]
    await update_processor.process_batch(batch)
    _, shown = await read_answers(redis)
    assert shown.parameters["text"].startswith("Your time zone is Europe/Lisbon")


async def test_unknown_place_is_answered_with_similar_names(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await update_processor.process_batch([updates.message("/timezone Lisbn")])

    answer = await read_answer(redis)
    assert answer.parameters["text"] == (
        "I do not know the place “Lisbn”. Did you mean one of these?"
    )
    assert ("Lisbon, Portugal · 14:05", "timezone:Europe/Lisbon") in list_buttons(answer)
    assert rest.calls == []


async def test_suggested_names_are_in_the_language_of_the_user(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    await update_processor.process_batch([updates.message("/timezone Лисабн", **RUSSIAN)])
    labels = [label for label, _ in list_buttons(await read_answer(redis))]
    assert "Лиссабон, Португалия · 14:05" in labels


async def test_place_like_no_other_is_answered_with_advice(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    place = "{x} " + "q" * 4000
    await update_processor.process_batch([updates.message(f"/timezone {place}")])

    answer = await read_answer(redis)
    assert answer.parameters["text"].startswith("I do not know the place “{x} qqq")
    assert answer.parameters["text"].endswith(
        "…”. Please write a larger city nearby, or send me your location."
    )
    assert answer.buttons == ()


async def test_button_sets_the_zone(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, timezone="Europe/Berlin")
    await update_processor.process_batch([updates.callback_query("timezone:Asia/Tokyo")])
    assert rest.users[7].timezone == "Asia/Tokyo"
    assert len((await read_answer(redis)).receipts) == 1


@pytest.mark.parametrize("status", [400, 503])
async def test_rest_failure_asks_to_try_again_later(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, status: int
) -> None:
    await rest.add_user(7, timezone="Europe/Berlin")
    rest.failure_status = status
    await update_processor.process_batch([updates.message("/timezone Lisbon")])
    assert (await read_answer(redis)).notice == "try_again_later"


@pytest.mark.parametrize("fields", [{"location": PORTO}, {"venue": {"location": PORTO}}])
async def test_location_sets_the_zone_of_the_nearest_city(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    fields: dict[str, object],
) -> None:
    await rest.add_user(7, timezone="Asia/Tokyo", language="ru")
    await update_processor.process_batch([updates.message(None, **fields)])

    assert rest.users[7].timezone == "Europe/Lisbon"
    assert await read_text(redis) == "Ближайший известный мне город — Порту."
    assert len((await read_answer(redis)).receipts) == 1
    assert await read_secretary_queue(redis) == []


@pytest.mark.parametrize("is_known", [True, False])
async def test_location_without_a_known_zone_goes_to_the_assistant(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, is_known: bool
) -> None:
    """A request may wait for the zone, and the assistant repeats it then."""
    if is_known:
        await rest.add_user(7)
    update = updates.message(None, location=PORTO)
    await update_processor.process_batch([update])

    (press,) = await read_secretary_queue(redis)
    assert isinstance(press, UserPress)
    assert (press.choice_kind, press.timezone) == ("timezone", "Europe/Lisbon")
    answer = await read_answer(redis)
    assert answer.parameters["text"] == "The nearest city I know is Porto."
    assert answer.id != f"reply:{press.id}", "the assistant's answer has this id"
    assert rest.calls == []


async def test_forwarded_location_is_not_that_of_the_sender(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    update = updates.message(None, location=PORTO, forward_origin={"type": "user"})
    await update_processor.process_batch([update])
    assert (await read_answer(redis)).notice == "text_only"
    assert await read_secretary_queue(redis) == []
