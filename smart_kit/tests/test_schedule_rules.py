"""Fire times of recurrence rules, and what rules are refused. Results are in UTC."""

import re
from datetime import datetime, timedelta
from itertools import islice

import pytest

from smart_kit.errors import InvalidRequest
from smart_kit.schedule import CronSchedule, RruleSchedule
from smart_kit.tests.schedule_times import BERLIN, parse_utc, to_utc


def parse_local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("rule", "start", "after", "expected"),
    [
        (  # every second Friday
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
            "2026-11-27T09:00",
            "2026-11-26T00:00",
            ["2026-11-27T09:00", "2026-12-11T09:00", "2026-12-25T09:00"],
        ),
        (  # counted from the start, not from the question
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
            "2026-11-27T09:00",
            "2026-11-27T09:00",
            ["2026-12-11T09:00", "2026-12-25T09:00", "2027-01-08T09:00"],
        ),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=-1FR;",
            "2026-11-01T12:00",
            "2026-11-01T00:00",
            ["2026-11-27T12:00", "2026-12-25T12:00", "2027-01-29T12:00"],
        ),
        (
            "freq=daily;interval=3;count=2",
            "2026-11-01T12:00",
            "2026-11-01T00:00",
            ["2026-11-01T12:00", "2026-11-04T12:00"],
        ),
        (
            "FREQ=DAILY;UNTIL=20261102",
            "2026-11-01T12:00",
            "2026-11-01T00:00",
            ["2026-11-01T12:00", "2026-11-02T12:00"],
        ),
        (
            "FREQ=DAILY;UNTIL=20261102T110000Z",  # 12:00 in Berlin
            "2026-11-01T12:00",
            "2026-11-01T00:00",
            ["2026-11-01T12:00", "2026-11-02T12:00"],
        ),
        (
            "FREQ=DAILY;UNTIL=20261102T115959",
            "2026-11-01T12:00",
            "2026-11-01T00:00",
            ["2026-11-01T12:00"],
        ),
        (
            "FREQ=DAILY;INTERVAL=2;BYHOUR=9,18;BYMINUTE=30",
            "2026-11-01T09:30",
            "2026-11-01T09:30",
            ["2026-11-01T18:30", "2026-11-03T09:30", "2026-11-03T18:30"],
        ),
        (
            "FREQ=DAILY;INTERVAL=1;BYMONTH=1;BYDAY=MO",
            "2026-11-01T12:00",
            "2026-11-01T00:00",
            ["2027-01-04T12:00", "2027-01-11T12:00"],
        ),
        (  # a day that exists every four years
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            "2026-01-01T10:00",
            "2026-01-01T00:00",
            ["2028-02-29T10:00", "2032-02-29T10:00"],
        ),
        (  # no 02:30 on 29 March: the first valid instant is 03:00
            "FREQ=DAILY;INTERVAL=1",
            "2026-03-28T02:30",
            "2026-03-28T00:00",
            ["2026-03-28T02:30", "2026-03-29T03:00", "2026-03-30T02:30"],
        ),
        (  # two times in the gap are one fire
            "FREQ=DAILY;BYHOUR=2;BYMINUTE=15,45",
            "2026-03-29T02:15",
            "2026-03-29T00:00",
            ["2026-03-29T03:00", "2026-03-30T02:15", "2026-03-30T02:45"],
        ),
        (  # of 02:30 on 25 October, the first
            "FREQ=DAILY",
            "2026-10-24T02:30",
            "2026-10-24T03:00",
            ["2026-10-25T02:30", "2026-10-26T02:30", "2026-10-27T02:30"],
        ),
        (  # elapsed time: the clock goes from 02:00 to 03:00
            "FREQ=MINUTELY;INTERVAL=90",
            "2026-03-29T00:00",
            "2026-03-29T00:00",
            ["2026-03-29T01:30", "2026-03-29T04:00", "2026-03-29T05:30"],
        ),
        (
            "FREQ=HOURLY;COUNT=2",
            "2026-03-29T00:00",
            "2026-03-28T12:00",
            ["2026-03-29T00:00", "2026-03-29T01:00"],
        ),
        ("FREQ=HOURLY;COUNT=2", "2026-03-29T00:00", "2026-03-29T01:00", []),
        (
            "FREQ=HOURLY;UNTIL=20260329T010000",
            "2026-03-29T00:00",
            "2026-03-28T12:00",
            ["2026-03-29T00:00", "2026-03-29T01:00"],
        ),
    ],
)
def test_fires_of_rule_are_at_local_times(
    rule: str, start: str, after: str, expected: list[str]
) -> None:
    plan = RruleSchedule(rule, parse_local(start), BERLIN)

    found = list(islice(plan.iter_fires(to_utc(BERLIN, after)), len(expected) or 1))

    assert found == [to_utc(BERLIN, text) for text in expected][:3]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "it needs FREQ"),
        ("every second Friday", "it needs FREQ"),
        ("INTERVAL=2", "it needs FREQ"),
        ("FREQ", "it needs FREQ"),
        ("RRULE:FREQ", "it needs FREQ"),
        ("FREQ;INTERVAL=2", "it needs FREQ"),
        ("FREQ=DAILY;INTERVAL=1\u0662", "INTERVAL has no valid value"),  # an Arabic digit
        ("FREQ=DAILY;FREQ=WEEKLY", "each part only once"),
        ("FREQ=SECONDLY", "FREQ has no valid value"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL has no valid value"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL has no valid value"),
        ("FREQ=DAILY;INTERVAL", "INTERVAL has no valid value"),
        ("FREQ=DAILY;;INTERVAL=2", "an empty part is not supported"),
        ("FREQ=DAILY;BYEASTER=0", "BYEASTER is not supported"),
        ("FREQ=DAILY;DTSTART=20260101T000000", "DTSTART is not supported"),
        ("FREQ=MINUTELY;BYHOUR=9", "BYHOUR is not supported"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY has no valid value"),
        ("FREQ=WEEKLY;BYDAY=1FR", "need FREQ=MONTHLY or FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY has no valid value"),
        ("FREQ=DAILY;UNTIL=20260231", "UNTIL has no valid value"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL has no valid value"),
        ("FREQ=DAILY;UNTIL=20991231;COUNT=3", "exclude each other"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5", "more than 24 times a day"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it never fires"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "BYMONTHDAY is not supported"),
        ("FREQ=DAILY;BYSETPOS=2", "BYSETPOS is not supported"),
        ("FREQ=WEEKLY;BYSETPOS=2", "BYSETPOS is not supported"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "BYDAY cannot be combined with INTERVAL"),
        ("FREQ=WEEKLY;INTERVAL=52;BYMONTH=2", "BYMONTH cannot be combined with INTERVAL"),
        ("FREQ=DAILY;UNTIL=20200101", "it never fires"),
    ],
)
def test_rule_that_cannot_be_used_is_refused_with_the_reason(rule: str, reason: str) -> None:
    plan = RruleSchedule(rule, parse_local("2026-11-01T09:00"), BERLIN)

    with pytest.raises(InvalidRequest, match=re.escape(reason)):
        plan.check(parse_utc("2026-11-01T00:00"))


def test_newest_fires_of_a_rule_between_two_times() -> None:
    plan = RruleSchedule("FREQ=DAILY;INTERVAL=2", parse_local("2026-11-01T09:00"), "UTC")
    first, last = parse_utc("2026-11-03T09:00"), parse_utc("2026-11-09T09:00")

    fires = plan.list_fires_between(first, last, 3)

    assert fires == [parse_utc(f"2026-11-0{day}T09:00") for day in (5, 7, 9)]
    assert plan.list_fires_between(first, last, 9)[0] == first


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("*/20 * * * *", 20), ("0,50 * * * *", 10), ("0-1 0 29 2 *", 1), ("0 9 * * *", 1440)],
)
def test_shortest_interval_of_an_expression(expression: str, minutes: int) -> None:
    plan = CronSchedule(expression, "UTC")

    assert plan.find_shortest_interval(parse_utc("2026-11-01T00:30")) == timedelta(minutes=minutes)


def test_single_fire_has_no_shortest_interval() -> None:
    plan = RruleSchedule("FREQ=DAILY;COUNT=1", parse_local("2026-11-02T09:00"), "UTC")

    assert plan.find_shortest_interval(parse_utc("2026-11-01T00:00")) is None


@pytest.mark.parametrize(
    ("rule", "follows"),
    [("FREQ=DAILY", True), ("FREQ=HOURLY;INTERVAL=5", False), ("FREQ=MINUTELY", False)],
)
def test_rules_of_hours_and_minutes_do_not_follow_local_time(rule: str, follows: bool) -> None:
    plan = RruleSchedule(rule, parse_local("2026-11-02T09:00"), "UTC")
    plan.check(parse_utc("2026-11-01T00:00"))

    assert plan.follows_local_time is follows
    assert CronSchedule("* * * * *", "UTC").follows_local_time
