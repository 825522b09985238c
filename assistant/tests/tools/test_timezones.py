"""The time zones of places, as tools give them to models."""

import pytest

from assistant.src.tools import timezones
from assistant.tests.snapshot_builders import SENT_AT
from smart_kit.errors import InvalidInputError

HINT = (
    "Call again with a large city nearby, in English, or an IANA time zone such as Asia/Tokyo; a"
    " country with several zones needs a city."
)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("в Санкт-Петербурге", "Europe/Moscow"),
        ("Lisbon, Portugal", "Europe/Lisbon"),
        ("на Кипре", "Asia/Nicosia"),
        ("europe/berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
    ],
)
def test_a_place_is_found_by_the_names_people_use(place: str, zone: str) -> None:
    assert timezones.zone_for(place, SENT_AT) == zone


@pytest.mark.parametrize("place", ["Qwertyuiop", "", "???"])
def test_unknown_place_explains_how_to_call_again(place: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        timezones.zone_for(place, SENT_AT)
    assert raised.value.message == f"No single time zone is known for {place!r}. {HINT}"


@pytest.mark.parametrize(
    ("place", "question"),
    [
        ("Lisbn", "Did you mean Lisbon (Europe/Lisbon), "),
        ("Лисобон", "Did you mean Lisbon (Europe/Lisbon)? "),
        ("Portland, Oregon", "Did you mean Portland (America/Los_Angeles)"),
        ("Spain", "Did you mean Madrid (Europe/Madrid), Las Palmas de Gran Canaria (Atlantic/"),
        ("США", "Did you mean New York City (America/New_York), "),
    ],
)
def test_unknown_or_ambiguous_place_is_answered_with_similar_names(
    place: str, question: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        timezones.zone_for(place, SENT_AT)
    assert raised.value.message.startswith(
        f"No single time zone is known for {place!r}. {question}"
    )
    assert raised.value.message.endswith(f"? {HINT}")


@pytest.mark.parametrize(
    ("zone", "city"),
    [
        ("Europe/Berlin", "Berlin"),
        ("America/New_York", "New York"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires"),
        ("UTC", None),
        ("US/Pacific", None),
        ("Etc/GMT+3", None),
    ],
)
def test_city_of_a_zone(zone: str, city: str | None) -> None:
    assert timezones.city_for(zone) == city
