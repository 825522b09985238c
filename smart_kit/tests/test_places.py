"""Places: time zones by name, similar names, the nearest city, and guesses from a language."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from smart_kit import places
from smart_kit.places import cities, languages, zones
from smart_kit.places.suggestions import count_typos

WINTER, SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
TABLE = [cities.parse_place(line) for line in cities.iter_city_lines()]


def read_names() -> list[list[str]]:
    """Return name, Russian name, other names and country of each line of the table."""
    return [line.split("\t")[:4] for line in cities.iter_city_lines()]


@pytest.mark.parametrize(
    ("names", "zone"),
    [
        ("Moscow|MOSKVA|Москва|москве|Москвы|в Москве|MSK|Москва, Россия", "Europe/Moscow"),
        ("Saint Petersburg|St. Petersburg|в Санкт-Петербурге|спб|Питер|Питере", "Europe/Moscow"),
        ("Nizhny Novgorod|Нижний Новгород|Нижнем Новгороде|Нижнего Новгорода", "Europe/Moscow"),
        ("Rostov-on-Don|Ростове-на-Дону|Ростов|Набережных Челнах", "Europe/Moscow"),
        ("Орёл|Орле|Череповце|Ельце|Старом Осколе|Йошкар-Оле|г. Тула|Иванове", "Europe/Moscow"),
        ("Пермь|Перми|Уфа|Уфе|в городе Челябинске|Ekaterinburg", "Asia/Yekaterinburg"),
        ("Улан-Удэ|Иркутске|на Байкале", "Asia/Irkutsk"),
        ("Комсомольске-на-Амуре|Находке|Vladivostok", "Asia/Vladivostok"),
        ("Алма-Ате|Алматы|Nur-Sultan|Казахстане", "Asia/Almaty"),
        ("Kyiv|Kiev|Киеве|Odessa|Львове|Украине", "Europe/Kyiv"),
        ("Lisbon|Lisboa|Лиссабон|Лиссабоне|Lisbon, Portugal|Порту", "Europe/Lisbon"),
        ("Munich|München|muenchen|Köln|Koeln|Кёльн|Кельне|Берлине|Germany", "Europe/Berlin"),
        ("Zürich|zurich|Женеве|Базеле", "Europe/Zurich"),
        ("Paris|Париже|в Ницце|Brest, France", "Europe/Paris"),
        ("Rome|Риме|Рим|Флоренции", "Europe/Rome"),
        ("The Hague|Гааге|the Netherlands|в Голландии", "Europe/Amsterdam"),
        ("Valencia|Севилье|Vigo|на Майорке|Ibiza, Spain", "Europe/Madrid"),
        ("Вене|Wien|in the city of Vienna", "Europe/Vienna"),
        ("Праге|Карловых Варах", "Europe/Prague"),
        ("London|Лондоне|Newcastle|UK|Шотландии", "Europe/London"),
        ("New York|new_york|NYC|в Нью Йорке|Washington, D.C.|Washington D.C.", "America/New_York"),
        ("Los Angeles|LA|Сан-Франциско|Калифорнии", "America/Los_Angeles"),
        ("Birmingham, USA|Чикаго|Saint Louis", "America/Chicago"),
        ("São Paulo|sao paulo|Сан-Паулу", "America/Sao_Paulo"),
        ("Tokyo|Tokyo, |Токио|Осаке|Япония|Japan", "Asia/Tokyo"),
        ("Xi'an|Xian|Пекин|в Китае|Гуанчжоу", "Asia/Shanghai"),
        ("Hanoi|Ханое|Ho Chi Minh City|Сайгон|Нячанге", "Asia/Ho_Chi_Minh"),
        ("Goa|в Дели|Bombay", "Asia/Kolkata"),
        ("Дубае|ОАЭ|Abu Dhabi", "Asia/Dubai"),
        ("на Кипре|Лимассол", "Asia/Nicosia"),
        ("Нигерии|Лагосе", "Africa/Lagos"),
        ("на Бали|Ubud|Bali, Indonesia", "Asia/Makassar"),
        ("Крым|в Крыму|Симферополе", "Europe/Simferopol"),
        ("Europe/Berlin|europe/berlin|EUROPE BERLIN", "Europe/Berlin"),
        ("UTC|GMT|Гринвич", "UTC"),
        ("Troll", "Antarctica/Troll"),
        ("EST|EDT|Eastern time|Florida|во Флориде", "America/New_York"),
        ("MST|Colorado", "America/Denver"),
        ("CST|Texas|Техасе", "America/Chicago"),
        ("Ontario|Онтарио", "America/Toronto"),
        ("Kosovo|в Косово", "Europe/Belgrade"),
        ("Newcastle, Australia", "Australia/Sydney"),
        ("Валенсия, Венесуэла", "America/Caracas"),
    ],
)
def test_zone_is_found_by_the_names_people_use(names: str, zone: str) -> None:
    assert {name: places.find_zone(name) for name in names.split("|")} == dict.fromkeys(
        names.split("|"), zone
    )


@pytest.mark.parametrize(
    "name",
    [
        *("Russia", "в России", "США", "Spain", "Atlantis", "Eastern", "GMT+3", "localtime"),
        *("", " , ", "???", "привет", "да", "Portland, Oregon", "Moscow, France", "Lisbn"),
        *("France, Italy", "Nowhere, Italy", "Factory", "Осле"),
    ],
)
def test_ambiguous_or_unknown_name_has_no_zone(name: str) -> None:
    assert places.find_zone(name) is None


@pytest.mark.parametrize(
    ("name", "country"),
    [("San Jose", "US"), ("Birmingham", "GB"), ("Hyderabad", "IN"), ("Barcelona", "ES")],
)
def test_of_cities_with_the_same_name_the_largest_is_meant(name: str, country: str) -> None:
    same = [place for place in TABLE if place.name == name]

    assert len(same) > 1
    assert max(same, key=lambda place: place.population).country == country
    assert places.find_zone(name) == same[0].zone


def test_each_zone_is_found_by_its_name() -> None:
    found = {zone: places.find_zone(zone.lower()) for zone in available_timezones() if "/" in zone}

    assert found == {zone: zone for zone in found}


def test_each_city_and_region_has_a_known_zone() -> None:
    regions = zones._load_regions()[1]

    assert {place.zone for place in TABLE} <= available_timezones()
    assert {region.zone for region in regions} - {""} <= available_timezones()


def test_each_name_of_a_region_leads_to_its_zone() -> None:
    for region in zones._load_regions()[1]:
        for name in region.names.split(", "):
            assert places.find_zone(name) == (region.zone or None), name


def test_the_table_is_sorted_and_small() -> None:
    assert [place.population for place in TABLE] == sorted(
        (place.population for place in TABLE), reverse=True
    )
    assert Path(cities.__file__).with_name("cities.tsv").stat().st_size < 600_000


def test_russian_names_have_russian_letters_only() -> None:
    named = [russian for _, russian, _, _ in read_names() if russian]

    assert len(named) > 4000
    assert [name for name in named if not re.fullmatch("[А-ЯЁ][А-ЯЁа-яё '’-]*", name)] == []


def test_each_corrected_spelling_is_in_the_table() -> None:
    """`build_table` has to run again after a change of spellings.tsv."""
    table: dict[tuple[str, str], tuple[str, str]] = {}
    for name, russian, others, country in read_names():
        table.setdefault((name, country), (russian, others))

    for line in cities.iter_table("spellings.tsv"):
        name, country, russian, others = line.split("\t")
        assert table[name, country] == (russian or table[name, country][0], others)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lisbn", "Lisbon"),
        ("Lisbom, Portugal", "Lisbon"),
        ("Lisobn", "Lisbon"),
        ("Moskow", "Moscow"),
        ("Масква", "Moscow"),
        ("в Маскве", "Moscow"),
        ("Лисобоне", "Lisbon"),
        ("Санкт-Петерсбург", "Saint Petersburg"),
        ("Краснояраск", "Krasnoyarsk"),
        ("Екат", "Yekaterinburg"),
        ("Новгород", "Nizhniy Novgorod"),
        ("Frankfurt am", "Frankfurt am Main"),
        ("Vigo Spain", "Vigo"),
        ("Portland, Oregon", "Portland"),
        ("York", "York"),
    ],
)
def test_most_similar_name_is_suggested_first(name: str, expected: str) -> None:
    suggested = places.suggest_places(name, WINTER)

    assert suggested[0].name == expected
    assert len(suggested) <= 4


def test_names_with_more_errors_than_the_best_one_are_not_suggested() -> None:
    """Dortmund and Port Said have three errors."""
    assert [place.name for place in places.suggest_places("Portland, Oregon", WINTER)] == [
        "Portland"
    ]


@pytest.mark.parametrize(
    ("one", "other", "typos"),
    [
        ("рига", "рига", 0),
        ("рига", "риг", 1),
        ("рига", "ирга", 1),
        ("рига", "вена", 3),
        ("", "a", 1),
    ],
)
def test_typing_errors_are_counted(one: str, other: str, typos: int) -> None:
    assert count_typos(one, other) == count_typos(other, one) == typos


def test_of_equally_similar_names_the_largest_city_comes_first() -> None:
    suggested = [place.name for place in places.suggest_places("Новгород", WINTER, limit=2)]

    assert suggested == ["Nizhniy Novgorod", "Velikiy Novgorod"]


@pytest.mark.parametrize("name", ["", "???", "qwertyuiop", "Ленинградская область России"])
def test_nothing_is_suggested_for_what_is_like_no_name(name: str) -> None:
    assert places.suggest_places(name, WINTER) == []


@pytest.mark.parametrize("name", ["Russia", "России", "РФ"])
def test_for_a_country_the_largest_city_of_each_zone_is_suggested(name: str) -> None:
    suggested = places.suggest_places(name, WINTER, limit=3)

    assert [(place.name_ru, place.zone) for place in suggested] == [
        ("Москва", "Europe/Moscow"),
        ("Новосибирск", "Asia/Novosibirsk"),
        ("Екатеринбург", "Asia/Yekaterinburg"),
    ]


@pytest.mark.parametrize(
    ("name", "now", "expected"),
    [
        ("UTC+3", WINTER, ["Istanbul", "Moscow", "Baghdad", "Dar es Salaam"]),
        ("GMT +03:00", SUMMER, ["Istanbul", "Moscow", "Cairo", "Baghdad"]),
        ("MSK+2", WINTER, ["Lahore", "Tashkent", "Almaty", "Yekaterinburg"]),
        ("+5:30", WINTER, ["Mumbai", "Colombo"]),
        ("utc-5", WINTER, ["New York City", "Lima", "Bogotá", "Toronto"]),
        ("UTC\u22125", SUMMER, ["Lima", "Bogotá", "Quito", "Chicago"]),
        ("+99", WINTER, []),
    ],
)
def test_for_an_offset_the_largest_cities_that_have_it_now_are_suggested(
    name: str, now: datetime, expected: list[str]
) -> None:
    assert [place.name for place in places.suggest_places(name, now)] == expected


@pytest.mark.parametrize(
    ("latitude", "longitude", "city", "zone"),
    [
        (42.23, -8.72, "Vigo", "Europe/Madrid"),
        (48.39, -4.49, "Brest", "Europe/Paris"),
        (52.10, 23.70, "Brest", "Europe/Minsk"),
        (43.12, 131.89, "Vladivostok", "Asia/Vladivostok"),
        (55.75, 37.62, "Moscow", "Europe/Moscow"),
        (59.94, 30.31, "Saint Petersburg", "Europe/Moscow"),
        (54.71, 20.51, "Kaliningrad", "Europe/Kaliningrad"),
        (38.72, -9.14, "Lisbon", "Europe/Lisbon"),
        (40.71, -74.00, "New York City", "America/New_York"),
        (35.69, 139.69, "Tokyo", "Asia/Tokyo"),
        (1.29, 103.85, "Singapore", "Asia/Singapore"),
        (-36.85, 174.76, "Auckland", "Pacific/Auckland"),
        (21.31, -157.86, "Honolulu", "Pacific/Honolulu"),
        (-54.80, -68.30, "Ushuaia", "America/Argentina/Ushuaia"),
        (64.15, -21.94, "Reykjavík", "Atlantic/Reykjavik"),
        (-18.14, 178.44, "Suva", "Pacific/Fiji"),
        (-16.80, 179.99, "Nasinu", "Pacific/Fiji"),
        (-16.80, -179.99, "Nasinu", "Pacific/Fiji"),
        (-13.83, -171.76, "Apia", "Pacific/Apia"),
        (66.00, -172.00, "Anadyr", "Asia/Anadyr"),
        (90.00, 0.00, "Longyearbyen", "Arctic/Longyearbyen"),
        (90.00, 180.00, "Longyearbyen", "Arctic/Longyearbyen"),
        (-90.00, 45.00, "Ushuaia", "America/Argentina/Ushuaia"),
        (0.00, 0.00, "Takoradi", "Africa/Accra"),
    ],
)
def test_nearest_city(latitude: float, longitude: float, city: str, zone: str) -> None:
    nearest = places.find_nearest_city(latitude, longitude)

    assert (nearest.name, nearest.zone) == (city, zone)


def test_russian_name_is_the_english_one_where_it_is_not_known() -> None:
    line = "Wuzhong\t\t\tCN\tAsia/Shanghai\t37.99\t106.20\t7202654"

    assert cities.parse_place(line) == places.Place(
        "Wuzhong", "Wuzhong", "CN", "Asia/Shanghai", 37.99, 106.2, 7202654
    )


@pytest.mark.parametrize(
    ("language_code", "first"),
    [
        ("ru", ["Europe/Moscow", "Asia/Yekaterinburg"]),
        ("en", ["America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Sydney"]),
        ("en-GB", ["Europe/London"]),
        ("en_US", ["America/New_York", "America/Chicago", "America/Los_Angeles"]),
        ("pt-br", ["America/Sao_Paulo"]),
        ("pt-PT", ["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"]),
        ("de", ["Europe/Berlin"]),
        ("de-AT", ["Europe/Vienna"]),
        ("es", ["Europe/Madrid", "Atlantic/Canary"]),
        ("es-419", ["America/Mexico_City"]),
        ("uk", ["Europe/Kyiv"]),
        ("kk", ["Asia/Almaty"]),
        ("zh-hans", ["Asia/Shanghai"]),
        ("zh-hant", ["Asia/Taipei"]),
        ("sr-Latn-ME", ["Europe/Podgorica"]),
        ("vi", ["Asia/Ho_Chi_Minh"]),
        ("ru-XX", ["Europe/Moscow"]),
        (None, ["UTC"]),
        ("", ["UTC"]),
        ("-", ["UTC"]),
        ("tlh", ["UTC"]),
        ("\t", ["UTC"]),
    ],
)
def test_zones_are_guessed_from_the_language(language_code: str | None, first: list[str]) -> None:
    guessed = places.guess_zones(language_code, None)

    assert guessed[: len(first)] == first
    assert len(guessed) == len(set(guessed))


def test_each_language_has_a_country_with_zones() -> None:
    for language in languages._COUNTRIES:
        assert places.guess_zones(language, None) != ["UTC"], language


def test_default_zone_is_the_first_guess() -> None:
    assert places.guess_zones("de", "Asia/Tokyo") == ["Asia/Tokyo", "Europe/Berlin"]
    assert places.guess_zones("de", "Europe/Berlin") == ["Europe/Berlin"]
    assert places.guess_zones(None, "Asia/Tokyo") == ["Asia/Tokyo"]


@pytest.mark.parametrize(
    ("zone", "city"),
    [("America/Argentina/Buenos_Aires", "Buenos Aires"), ("UTC", None), ("US/Pacific", None)],
)
def test_city_of_a_zone(zone: str, city: str | None) -> None:
    assert places.get_city_of_zone(zone) == city


def test_import_reads_no_table_and_no_builder() -> None:
    code = """
import pathlib, sys
pathlib.Path.open = None
from smart_kit.places import cities, zones
assert not cities.load_city_names.cache_info().currsize
assert not zones._load_regions.cache_info().currsize
assert not [name for name in sys.modules if name.startswith("smart_kit.places.build")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
