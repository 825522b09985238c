"""Reminders and days follow the sandbox's clock, which the tests move forward.

All tests share a suite, and so its clock, which cannot go back: each test computes its dates from
what the clock shows. Each has a user of its own, in Berlin.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smart_kit.testing.scripted_model import ScriptedResponse, make_response, make_text_response
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.fault_injection import NO_RATE_LIMITS, disable_rate_limits
from tests.e2e.temporary_records import ModelSpec, make_model_server, temporary_assistant

pytestmark = pytest.mark.e2e

ZONE = ZoneInfo("Europe/Berlin")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NINE, NOON = time(9), time(12)
BUDGET_SPENT = "Your budget for today is used up"
STOPPED_SERVICES = ("cron_service", "assistant", "tg_bot")
REPORT = "I did not execute your scheduled request, because it was too late:\ntell me the weather"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return NO_RATE_LIMITS


@pytest.fixture(scope="module")
def suite(module_suite: SuiteHarness) -> SuiteHarness:
    module_suite.manage("start")
    disable_rate_limits(module_suite)
    return module_suite


@pytest.fixture
def user(suite: SuiteHarness) -> SandboxUser:
    user = suite.create_user("Alice")
    assert "Europe/Berlin" in user.send_and_wait("/timezone Berlin")
    return user


@pytest.mark.parametrize("change", [HOUR, -HOUR], ids=["summer time", "winter time"])
def test_a_daily_reminder_comes_once_at_its_local_time_after_clocks_change(
    suite: SuiteHarness, user: SandboxUser, change: timedelta
) -> None:
    day = _find_day_after_change(suite, change)
    _move_clock(suite, day - DAY, NOON)
    answer = user.send_and_wait("Remind me every day at 9 to drink water")
    assert f"✓ Reminder: {_format_date(day)} 09:00 Europe/Berlin, daily — drink water" in answer
    for text, moment in (("soon", time(8, 59)), ("later", time(11))):
        _create_reminder(suite, user, text, _combine(day, moment))

    _move_clock(suite, day, time(8, 59, 30))
    _wait_for_text(user, "⏰ soon")
    assert "⏰ drink water" not in user.get_bot_texts(), "it came at the wrong hour"
    _move_clock(suite, day, NINE)
    _wait_for_text(user, "⏰ drink water")
    _move_clock(suite, day, time(11))
    _wait_for_text(user, "⏰ later")

    assert user.get_bot_texts()[-3:] == ["⏰ soon", "⏰ drink water", "⏰ later"]
    (run,) = _get_runs(suite, user, "drink water")
    assert (_parse(run["scheduled_for"]), run["state"]) == (_combine(day, NINE), "done")


def test_all_that_users_see_follows_the_clock_to_tomorrow(
    suite: SuiteHarness, user: SandboxUser
) -> None:
    tomorrow = _get_now(suite).date() + 2 * DAY
    _move_clock(suite, tomorrow - DAY, NOON)
    answer = user.send_and_wait("Remind me tomorrow at 9 to call Anna")
    assert answer.endswith(f"✓ Reminder: {_format_date(tomorrow)} 09:00 Europe/Berlin — call Anna")

    _move_clock(suite, tomorrow, NINE)
    reminder = user.wait_for(lambda message: message["text"] == "⏰ call Anna")
    assert datetime.fromtimestamp(reminder["date"], ZONE) >= _combine(tomorrow, NINE)
    answer, moments = _ask_between(suite, user, "What time is it?")
    assert answer in {
        f"It is {now:%H:%M} ({now:%A}, {now.day} {now:%B}, Europe/Berlin)." for now in moments
    }
    answer, moments = _ask_between(suite, user, "Remind me in 10 minutes to stretch")
    assert any(
        f"✓ Reminder: {_format_date(then)} {then:%H:%M}" in answer
        for then in (now + timedelta(minutes=10) for now in moments)
    )


def test_a_reminder_that_was_put_off_comes_again(suite: SuiteHarness, user: SandboxUser) -> None:
    request = user.send("Remind me in 20 seconds to stretch")
    user.wait_for_message(request)
    _advance_clock(suite, timedelta(seconds=20))
    receipt = user.wait_for_message(user.press("+10 min"))
    assert receipt.startswith("✓ Reminder: ")

    _advance_clock(suite, timedelta(minutes=10))
    user.press("Done")
    _wait_for_text(user, "✅ stretch")
    assert user.get_bot_texts(request)[1:] == ["⏰ stretch", receipt, "✅ stretch"]


def test_a_new_day_brings_a_new_budget(suite: SuiteHarness) -> None:
    with (
        make_model_server(suite, default_step=_make_costly_response()) as model,
        _priced_assistant_user(suite, model.url) as user,
    ):
        assert user.send_and_wait("Hello") == "Hello to you."
        question = user.send("And now?")  # perhaps answered after the notice about the budget
        user.wait_for_message(question, lambda text: text.startswith(BUDGET_SPENT))

        _move_clock(suite, _get_now(suite).date() + DAY, NOON)
        assert user.send_and_wait("And today?") == "Hello to you."


def test_what_was_due_during_an_outage_comes_once_and_is_explained(
    suite: SuiteHarness, user: SandboxUser
) -> None:
    day = _get_now(suite).date() + DAY
    _move_clock(suite, day, time(8, 55))
    for request in (
        "Remind me at 9:20 to stretch",
        "Remind me every 10 minutes to blink",
        "Every day at 9 tell me the weather",
    ):
        request_id = user.send(request)
        assert "✓" in user.wait_for_message(request_id)
    with _outage(suite):
        _move_clock(suite, day, time(10, 2))

    _wait_for_text(user, "⏰ stretch\n\n(was due 09:20)")
    missed = "(6 earlier times since 09:00 were missed)"
    _wait_for_text(user, f"⏰ blink\n\n(was due 10:00)\n{missed}")
    _wait_for_text(user, f"{REPORT}\n\n(was due 09:00)")
    _move_clock(suite, day, time(10, 10))
    _wait_for_text(user, "⏰ blink")
    assert len(user.get_bot_texts(request_id)) == 1 + 4, "something came twice"

    fires = [_combine(day, NINE) + number * timedelta(minutes=10) for number in range(8)]
    runs = _get_runs(suite, user, "blink")
    assert [_parse(run["scheduled_for"]) for run in runs] == fires
    assert [(run["state"], run["reason"]) for run in runs[:6]] == [("missed", "down")] * 6
    assert [(run["state"], run["missed_count"]) for run in runs[6:]] == [("done", 6), ("done", 0)]
    (run,) = _get_runs(suite, user, "tell me the weather")
    assert (run["state"], run["reason"]) == ("missed", "late")
    (run,) = _get_runs(suite, user, "stretch")
    assert (run["state"], run["missed_count"]) == ("done", 0)


# the clock


def _get_now(suite: SuiteHarness) -> datetime:
    """Return what the suite's clock shows in Berlin."""
    return _parse(suite.get_json("/clock")["now"])


def _move_clock(suite: SuiteHarness, day: date, moment: time) -> None:
    """Move the clock forward to a local time in Berlin, as the chat page does."""
    local_time = datetime.combine(day, moment).isoformat()
    body = {"local_time": local_time, "timezone": ZONE.key}
    suite.make_sandbox_client().post("/chat/clock", json=body).raise_for_status()


def _advance_clock(suite: SuiteHarness, step: timedelta) -> None:
    """Move the clock forward by the REST API."""
    with suite.make_admin_client() as admin:
        body = {"advance_seconds": int(step.total_seconds())}
        admin.post("/clock", json=body).raise_for_status()


def _find_day_after_change(suite: SuiteHarness, change: timedelta) -> date:
    """Return the next day whose distance to UTC differs by `change` from that of the day before."""
    days = (_get_now(suite).date() + number * DAY for number in count(2))
    return next(day for day in days if _get_offset(day) - _get_offset(day - DAY) == change)


def _get_offset(day: date) -> timedelta:
    offset = _combine(day, NOON).utcoffset()
    assert offset is not None
    return offset


def _combine(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, ZONE)


def _parse(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(ZONE)


def _format_date(day: date) -> str:
    """Format as in receipts of the same year, like "Sun 28 Mar"."""
    return f"{day:%a} {day.day} {day:%b}"


# users and their reminders


def _wait_for_text(user: SandboxUser, text: str) -> None:
    user.wait_for_message(0, lambda shown: shown == text)


def _ask_between(
    suite: SuiteHarness, user: SandboxUser, question: str
) -> tuple[str, tuple[datetime, datetime]]:
    """Return the answer, and what the clock showed before and after it."""
    before = _get_now(suite)
    answer = user.send_and_wait(question)
    return answer, (before, _get_now(suite))


def _create_reminder(suite: SuiteHarness, user: SandboxUser, text: str, at: datetime) -> None:
    body = {"user_id": suite.get_user_id(user), "text": text, "at": at.isoformat()}
    with suite.make_admin_client() as admin:
        admin.post("/cron-jobs", json=body).raise_for_status()


def _get_runs(suite: SuiteHarness, user: SandboxUser, text: str) -> list[dict[str, Any]]:
    """Return the runs of the user's job with this text, the oldest first, once all have ended."""
    jobs = suite.get_json("/cron-jobs", user_id=suite.get_user_id(user))["items"]
    (job,) = (job for job in jobs if job["text"] == text)

    def get_runs() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = suite.get_json(f"/cron-jobs/{job['id']}/runs")["items"]
        return sorted(runs, key=lambda run: str(run["scheduled_for"]))

    wait_until(lambda: {run["state"] for run in get_runs()} <= {"done", "missed"})
    return get_runs()


@contextmanager
def _outage(suite: SuiteHarness) -> Iterator[None]:
    """Stop all services between the database and the users."""
    suite.manage("stop", *(f"--service={name}" for name in STOPPED_SERVICES))
    try:
        yield
    finally:
        suite.manage("start")


def _make_costly_response() -> ScriptedResponse:
    completion = json.loads(make_text_response("Hello to you.").body)
    return make_response(completion | {"usage": {"prompt_tokens": 10**6, "completion_tokens": 1}})


@contextmanager
def _priced_assistant_user(suite: SuiteHarness, model_url: str) -> Iterator[SandboxUser]:
    """Create a user for whom the first answer costs more than the daily budget of 1 USD."""
    prices = {"input_price": "10", "output_price": "10"}
    with temporary_assistant(suite, ModelSpec("priced", model_url, fields=prices)) as assistant:
        user = assistant.create_user("Bob")
        assistant.records.update(f"/users/{suite.get_user_id(user)}", daily_budget="1")
        yield user
