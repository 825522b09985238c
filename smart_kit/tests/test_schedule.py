"""Fire times. Results are in UTC; the tables have local times, as users see them."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_kit import local_time
from smart_kit.errors import InvalidRequest
from smart_kit.schedule import CronSchedule
from smart_kit.tests.schedule_times import BERLIN, parse_utc, to_utc

NEVER_FIRING = "0 9 */29 2 1#5"
"""The fifth Monday of a February that is also day 1 or 30: it never occurs."""


@pytest.fixture
def tokyo_system_timezone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the machine's time zone to one that no test uses."""
    monkeypatch.setenv("TZ", "JST-9")
    tzset()
    yield
    monkeypatch.undo()
    tzset()


def list_fires(expression: str, zone: str, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        fire = CronSchedule(expression, zone).get_next_fire(after)
        assert fire is not None
        found.append(fire)
        after = fire
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("0 9 * * *", "UTC", "2026-01-01T08:59:59", "2026-01-01T09:00"),
        ("0 9 * * *", "UTC", "2026-01-01T09:00:00", "2026-01-02T09:00"),
        ("0 9 * * *", BERLIN, "2026-01-01T00:00", "2026-01-01T08:00"),
        ("0 9 * * *", BERLIN, "2026-07-01T00:00", "2026-07-01T07:00"),
        ("0 9 * * 1-5", "UTC", "2026-11-20T10:00", "2026-11-23T09:00"),
        ("0 9 * * 7", "UTC", "2026-11-20T10:00", "2026-11-22T09:00"),
        ("0 9 * * SUN", "UTC", "2026-11-20T10:00", "2026-11-22T09:00"),
        ("0 9 13 * 5", "UTC", "2026-11-14T00:00", "2026-11-20T09:00"),
        ("0 9 L * *", "UTC", "2026-02-01T00:00", "2026-02-28T09:00"),
        ("0 9 * * 1#2", "UTC", "2026-11-01T00:00", "2026-11-09T09:00"),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("*/20 8 * * *", "UTC", "2026-01-01T08:20:00.000001", "2026-01-01T08:40"),
    ],
)
def test_next_fire(expression: str, zone: str, after: str, expected: str) -> None:
    CronSchedule(expression, "UTC").check(datetime.now(UTC))
    assert CronSchedule(expression, zone).get_next_fire(parse_utc(after)) == parse_utc(expected)


def test_expression_that_never_fires_has_no_fire_times() -> None:
    first, last = parse_utc("2025-01-01T00:00"), parse_utc("2026-01-01T00:00")

    assert CronSchedule(NEVER_FIRING, BERLIN).get_next_fire(last) is None
    assert CronSchedule(NEVER_FIRING, BERLIN).list_fires_between(first, last, 5) == []


@pytest.mark.usefixtures("tokyo_system_timezone")
def test_results_are_in_utc_whatever_the_machines_zone() -> None:
    after, fire = parse_utc("2026-01-01T07:00"), parse_utc("2026-01-01T08:00")
    found = CronSchedule("0 9 * * *", BERLIN).get_next_fire(after)
    back = CronSchedule("0 9 * * *", BERLIN).list_fires_between(after, fire, 5)
    resolved = local_time.to_utc(datetime.fromisoformat("2026-01-01T09:00"), BERLIN)

    assert [found, *back, resolved] == [fire] * 3
    assert {instant.tzinfo for instant in (found, *back, resolved) if instant} == {UTC}


@pytest.mark.parametrize(
    ("expression", "zone", "day_before", "expected"),
    [
        # What falls into the gap comes at the first valid instant, once.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00", ["2026-03-29T03:00", "2026-03-30T02:30"]),
        ("0,30 2 * * *", BERLIN, "2026-03-28T12:00", ["2026-03-29T03:00", "2026-03-30T02:00"]),
        ("0 3 * * *", BERLIN, "2026-03-28T12:00", ["2026-03-29T03:00", "2026-03-30T03:00"]),
        ("0 0 * * *", "America/Santiago", "2026-09-05T12:00", ["2026-09-06T01:00"]),
        ("45 23 * * *", "America/Nuuk", "2026-03-28T12:00", ["2026-03-29T00:00"]),
        # A whole day is left out.
        ("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00", ["2011-12-31T00:00", "2011-12-31T09:00"]),
    ],
)
def test_job_in_a_gap_fires_at_the_first_valid_instant(
    expression: str, zone: str, day_before: str, expected: list[str]
) -> None:
    after = to_utc(zone, day_before)
    assert list_fires(expression, zone, after, len(expected)) == [
        to_utc(zone, instant) for instant in expected
    ]


def test_job_in_a_fold_fires_in_the_first_pass_only() -> None:
    found = list_fires("30 2 * * *", BERLIN, to_utc(BERLIN, "2026-10-24T12:00"), 2)

    assert found == [to_utc(BERLIN, "2026-10-25T02:30", fold=0), to_utc(BERLIN, "2026-10-26T02:30")]


def test_second_pass_of_a_fold_does_not_repeat_fires() -> None:
    after = to_utc(BERLIN, "2026-10-25T02:10", fold=1)

    assert CronSchedule("30 2 * * *", BERLIN).get_next_fire(after) == to_utc(
        BERLIN, "2026-10-26T02:30"
    )


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_wildcards_count_elapsed_time_through_a_clock_change(day: str, hours: int) -> None:
    midnight = to_utc(BERLIN, f"{day}T00:00")
    hourly = list_fires("0 * * * *", BERLIN, midnight, hours)
    quarterly = list_fires("*/15 * * * *", BERLIN, midnight, hours * 4)

    assert {later - earlier for earlier, later in pairwise(hourly)} == {timedelta(hours=1)}
    assert {later - earlier for earlier, later in pairwise(quarterly)} == {timedelta(minutes=15)}
    assert hourly[-1] == quarterly[-1]
    assert hourly[-1].astimezone(ZoneInfo(BERLIN)).time() == time(0)


@pytest.mark.parametrize(
    ("expression", "listed"),
    [
        ("*/30 2 * * *", "0,30 2 * * *"),
        ("* 2 * * 0", ",".join(map(str, range(60))) + " 2 * * SUN"),
        ("*,5 1-3 * * *", ",".join(map(str, range(60))) + " 1-3 * * *"),
    ],
)
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_wildcard_minutes_of_listed_hours_are_local_times(
    expression: str, listed: str, day: str
) -> None:
    """They neither fail to appear in a gap nor appear twice in a fold."""
    midnight = to_utc(BERLIN, f"{day}T00:00")
    last = midnight + timedelta(days=1)
    wildcard, plain = CronSchedule(expression, BERLIN), CronSchedule(listed, BERLIN)

    assert list_fires(expression, BERLIN, midnight, 5) == list_fires(listed, BERLIN, midnight, 5)
    found = wildcard.list_fires_between(midnight, last, 200)
    assert found == plain.list_fires_between(midnight, last, 200)
    assert found != []


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        ("2026-01-01T09:00", BERLIN, "2026-01-01T08:00"),
        ("2026-01-01T09:00+05:00", BERLIN, "2026-01-01T04:00"),
        ("2026-03-29T02:30", BERLIN, "2026-03-29T01:30"),  # the gap: 02:30+01:00 is 03:30+02:00
        ("2026-10-25T02:30", BERLIN, "2026-10-25T00:30"),  # the fold: the first of the two
        ("2026-01-01T09:00Z", "Asia/Tokyo", "2026-01-01T09:00"),
    ],
)
def test_resolve(at: str, zone: str, expected: str) -> None:
    assert local_time.to_utc(datetime.fromisoformat(at), zone) == parse_utc(expected)


def test_ambiguous_time_is_the_first_despite_its_fold() -> None:
    second_pass = datetime.fromisoformat("2026-10-25T02:30").replace(fold=1)

    assert local_time.to_utc(second_pass, BERLIN) == parse_utc("2026-10-25T00:30")


@pytest.mark.parametrize(
    ("at", "shown_time"),
    [
        ("0001-01-01T00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("9999-12-31T23:59-12:00", "9999-12-31T23:59:00-12:00"),
    ],
)
def test_time_beyond_the_calendar_is_refused(at: str, shown_time: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        local_time.to_utc(datetime.fromisoformat(at), "UTC")
    assert refused.value.message == f"{shown_time} is beyond the calendar."


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "it does not have five fields"),
        ("@daily", "it does not have five fields"),
        ("0 9 * *", "it does not have five fields"),
        ("0 0 9 * * *", "it does not have five fields"),
        ("60 9 * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 9 32 * *", "bad day-of-month"),
        ("0 9 * 13 *", "bad month"),
        ("0 9 * * 8", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("0 9 31 4 *", "bad day-of-month"),
        ("0 9 30 2 *", "bad day-of-month"),
        (NEVER_FIRING, "it never fires"),
    ],
)
def test_invalid_expression_is_refused_with_a_reason(expression: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CronSchedule(expression, "UTC").check(datetime.now(UTC))
    assert refused.value.message == (
        f"{expression!r} is not a usable cron expression: {reason}. It has five fields, minute"
        " hour day-of-month month day-of-week, e.g. '0 9 * * 1-5' for weekdays at nine."
    )


@given(st.text(alphabet="0123456789*/,-#L?W MONJAN\t\n²", max_size=30))
def test_check_accepts_only_expressions_that_fire(expression: str) -> None:
    try:
        CronSchedule(expression, "UTC").check(datetime.now(UTC))
    except InvalidRequest:
        return
    assert CronSchedule(expression, BERLIN).get_next_fire(parse_utc("2026-01-01T00:00")) is not None


@pytest.mark.parametrize("zone", [BERLIN, "America/Santiago", "Australia/Lord_Howe", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "expression",
    ["30 2 * * *", "15 1,2,3 * * *", "*/7 2 * * *", "0 * * * *", "0 0 * * 1", "45 1 1 * *"],
)
def test_backward_search_finds_the_same_fires_as_forward_search(expression: str, zone: str) -> None:
    first = parse_utc("2026-01-01T00:00")
    forward = list_fires(expression, zone, first, 400)

    for earliest, latest in ((0, 399), (50, 60), (7, 7)):
        last = forward[latest] + timedelta(seconds=30)
        back = CronSchedule(expression, zone).list_fires_between(forward[earliest], last, 1000)
        assert back == forward[earliest : latest + 1]


def test_backward_search_returns_the_newest_up_to_the_limit() -> None:
    last = parse_utc("2026-01-01T12:00")
    found = CronSchedule("* * * * *", "UTC").list_fires_between(
        parse_utc("2025-12-01T00:00"), last, 3
    )

    assert found == [last - timedelta(minutes=2), last - timedelta(minutes=1), last]


def test_backward_search_finds_nothing_after_the_end() -> None:
    first, fire = parse_utc("2026-01-01T00:00"), parse_utc("2026-01-02T09:00")
    a_microsecond_before = fire - timedelta(microseconds=1)

    for last, found in ((fire, [fire]), (a_microsecond_before, [])):
        assert CronSchedule("0 9 2 * *", "UTC").list_fires_between(first, last, 5) == found


def test_backward_search_finds_merged_fires_of_a_gap_once() -> None:
    last, first = to_utc(BERLIN, "2026-03-29T12:00"), to_utc(BERLIN, "2026-03-28T12:00")

    found = CronSchedule("0,30 2 * * *", BERLIN).list_fires_between(first, last, 5)
    assert found == [to_utc(BERLIN, "2026-03-29T03:00")]


def test_backward_search_from_a_second_pass_finds_the_first() -> None:
    now = to_utc(BERLIN, "2026-10-25T02:10", fold=1)
    found = CronSchedule("30 2 * * *", BERLIN).list_fires_between(now - timedelta(days=1), now, 5)

    assert found[-1] == to_utc(BERLIN, "2026-10-25T02:30", fold=0)


@pytest.mark.parametrize(
    ("at", "local"),
    [
        ("2026-01-01T09:00", "2026-01-01T09:00"),
        ("2026-01-01T09:00+01:00", "2026-01-01T09:00"),
        ("2026-07-01T09:00+01:00", None),  # Berlin is two hours ahead then
        ("2026-01-01T09:00Z", None),
        ("2026-10-25T02:30+02:00", None),  # one of two passes: only the instant is exact
        ("2026-03-29T02:30+01:00", None),  # skipped
    ],
)
def test_offset_of_the_zone_states_a_local_time(at: str, local: str | None) -> None:
    expected = None if local is None else datetime.fromisoformat(local)

    assert local_time.find_local(datetime.fromisoformat(at), BERLIN) == expected
