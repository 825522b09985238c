"""The time zones of places."""

from zoneinfo import available_timezones

import pytest

from assistant.src.tools import timezones
from smart_kit.errors import InvalidInputError


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("токио", "Asia/Tokyo"),
        ("Токио", "Asia/Tokyo"),
        ("Tokyo, ", "Asia/Tokyo"),
        ("New York", "America/New_York"),
        ("new_york", "America/New_York"),
        ("NYC", "America/New_York"),
        ("Нью-Йорк", "America/New_York"),
        ("Нью-Йорке", "America/New_York"),
        ("в Нью Йорке", "America/New_York"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("Берлине", "Europe/Berlin"),
        ("Москве", "Europe/Moscow"),
        ("Москвы", "Europe/Moscow"),
        ("в Санкт-Петербурге", "Europe/Moscow"),
        ("Нижнем Новгороде", "Europe/Moscow"),
        ("Ростове-на-Дону", "Europe/Moscow"),
        ("Набережных Челнах", "Europe/Moscow"),
        ("Алма-Ате", "Asia/Almaty"),
        ("Кёльн", "Europe/Berlin"),
        ("Кельне", "Europe/Berlin"),
        ("в Китае", "Asia/Shanghai"),
        ("Япония", "Asia/Tokyo"),
        ("на Кипре", "Asia/Nicosia"),
        ("São Paulo", "America/Sao_Paulo"),
        ("sao paulo", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("St. Petersburg", "Europe/Moscow"),
        ("Washington D.C.", "America/New_York"),
        ("Troll", "Antarctica/Troll"),
        ("UTC", "UTC"),
    ],
)
def test_a_place_is_found_by_the_names_people_use(place: str, zone: str) -> None:
    assert timezones.zone_for(place) == zone


@pytest.mark.parametrize("place", ["Atlantis", "Russia", "США", "GMT+3", "", "???", "Eastern"])
def test_unknown_or_ambiguous_place_explains_how_to_call_again(place: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        timezones.zone_for(place)
    assert raised.value.message == (
        f"No single time zone is known for {place!r}. Call again with a large city nearby, in"
        " English, or an IANA time zone such as Asia/Tokyo; a country with several zones needs a"
        " city."
    )


def test_every_zone_of_the_table_exists() -> None:
    assert {zone for _, zone in timezones._read_cities()} <= available_timezones()


def test_each_name_of_the_table_stands_by_itself() -> None:
    cities = dict(timezones._read_cities())

    assert cities["Tokyo"] == cities["Токио"] == "Asia/Tokyo"
    assert not any("," in name for name in cities)


def test_every_name_of_the_table_leads_to_its_zone() -> None:
    """So no name has two zones."""
    for name, zone in timezones._read_cities():
        assert timezones.zone_for(name) == zone, name


def test_every_zone_is_known_by_its_own_name() -> None:
    for zone in available_timezones():
        if "/" in zone:
            assert timezones.zone_for(zone.lower()) == zone


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
