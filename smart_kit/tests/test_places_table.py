"""The program that builds the table of cities from GeoNames' data."""

import json
from pathlib import Path
from typing import Any

import pytest

from smart_kit.places import build_table
from smart_kit.places.build_names import choose_russian_name
from smart_kit.places.build_table import City

COUNTRIES: dict[str, Any] = {
    "DE": {"capital": "Berlin", "continentcode": "EU"},
    "PL": {"capital": "Warszawa", "continentcode": "EU"},
    "BY": {"capital": "Minsk", "continentcode": "EU"},
    "VN": {"capital": "Hanoi", "continentcode": "AS"},
    "VU": {"capital": "Port Vila", "continentcode": "OC"},
    "FJ": {"capital": "", "continentcode": "OC"},
}


def make_city(name: str, country: str, zone: str, where: str, population: int, **more: Any) -> City:
    """Return a city at "latitude longitude"."""
    latitude, longitude = map(float, where.split())
    alternates, region = more.get("alternates", ()), more.get("region", "1")
    return City(name, alternates, country, region, zone, latitude, longitude, population)


BERLIN = make_city("Berlin", "DE", "Europe/Berlin", "52.52 13.41", 3_400_000)
WARSAW = make_city(
    "Warsaw", "PL", "Europe/Warsaw", "52.23 21.01", 1_700_000, alternates=("Warszawa",)
)
MINSK = make_city("Minsk", "BY", "Europe/Minsk", "53.90 27.57", 1_700_000)
VILA = make_city("Port-Vila", "VU", "Pacific/Efate", "-17.74 168.31", 35_000)
HANOI = make_city("Hanoi", "VN", "Asia/Ho_Chi_Minh", "21.02 105.84", 8_000_000)


def select(*cities: City) -> list[str]:
    """Return the names of those that are chosen in addition to the capitals."""
    capitals = (BERLIN, WARSAW, MINSK, VILA, HANOI)
    known = sorted((*capitals, *cities), key=lambda city: -city.population)
    chosen = build_table.select_cities(known, COUNTRIES)
    assert set(capitals) <= set(chosen)
    assert chosen == [city for city in known if city in chosen]
    return [city.name for city in chosen if city not in capitals]


def test_smaller_cities_are_chosen_in_europe() -> None:
    munich = make_city("Munich", "DE", "Europe/Berlin", "48.14 11.58", 40_000)
    village = make_city("Village", "DE", "Europe/Berlin", "50.00 10.00", 39_999)
    hue = make_city("Huế", "VN", "Asia/Ho_Chi_Minh", "16.46 107.59", 99_999)
    da_nang = make_city("Da Nang", "VN", "Asia/Ho_Chi_Minh", "16.07 108.22", 100_000)

    assert select(munich, village, hue, da_nang) == ["Da Nang", "Munich"]


def test_parts_of_cities_are_left_out() -> None:
    spandau = make_city("Spandau", "DE", "Europe/Berlin", "52.54 13.30", 240_000)
    potsdam = make_city("Potsdam", "DE", "Europe/Berlin", "52.40 13.07", 180_000)
    suburb = make_city("Suburb", "DE", "Europe/Berlin", "52.54 13.30", 200_000, region="2")
    twin = make_city("Twin", "DE", "Europe/Berlin", "52.54 13.30", 1_200_000)
    district = make_city(
        "District", "BY", "Europe/Minsk", "52.00 27.00", 90_000, alternates=("Первый район",)
    )

    assert select(spandau, potsdam, suburb, twin, district) == ["Twin", "Suburb", "Potsdam"]


def test_border_towns_whose_nearest_city_has_another_time_are_chosen() -> None:
    """Biała Podlaska is nearest to Warsaw until Brest is in the table, too."""
    beyond = make_city("Biała Podlaska", "PL", "Europe/Warsaw", "52.03 23.12", 20_000)
    near_border = make_city("Brest", "BY", "Europe/Minsk", "52.10 23.70", 17_000)
    same_time = make_city("Słubice", "PL", "Europe/Warsaw", "52.35 14.56", 16_000)

    assert select(near_border, same_time, beyond) == ["Biała Podlaska", "Brest"]


def test_largest_city_of_a_zone_is_chosen_beside_the_capital() -> None:
    luganville = make_city("Luganville", "VU", "Pacific/Efate", "-15.53 167.17", 36_000)
    village = make_city("Village", "VU", "Pacific/Efate", "-15.53 167.16", 34_000)

    assert select(luganville, village) == ["Luganville"]


def test_border_is_found_across_the_date_line_and_far_from_everything() -> None:
    taveuni = make_city("Taveuni", "FJ", "Pacific/Fiji", "-16.84 -179.97", 16_000)
    suva = make_city("Suva", "FJ", "Pacific/Fiji", "-18.14 178.44", 90_000)
    island = make_city("Island", "FJ", "Pacific/Fiji", "-50.00 -120.00", 15_000)

    assert select(taveuni, suva, island) == ["Suva"]


@pytest.mark.parametrize(
    ("name", "country", "alternates", "chosen"),
    [
        ("Lisbon", "PT", "Лисабон Лиссабон Лісабон", "Лиссабон"),
        ("Tyumen", "RU", "Тюмен Тюмень Цюмень", "Тюмень"),
        ("Rybinsk", "RU", "Рибинск Рыбинск", "Рыбинск"),
        ("Ottawa", "CA", "Атава Отава Оттава", "Оттава"),
        ("Kazan", "RU", "Казан_ош Қазан", ""),
        ("Chita", "RU", "Чита Чытæ", "Чита"),
        ("Matsuyama", "JP", "Матсуяма Мацуяма", "Мацуяма"),
        ("Grand Prairie", "US", "Гранд_Прери Гранд-Прери", "Гранд-Прери"),
    ],
)
def test_russian_name_is_chosen_among_those_of_other_languages(
    name: str, country: str, alternates: str, chosen: str
) -> None:
    names = [each.replace("_", " ") for each in alternates.split()]

    assert choose_russian_name(name, names, country) == chosen


def test_row_has_the_corrected_spelling() -> None:
    corrected = build_table.format_row(WARSAW, "Варшава", "Warszawa")

    assert corrected == ("Warsaw\tВаршава\tWarszawa\tPL\tEurope/Warsaw\t52.23\t21.01\t1700000\n")
    assert build_table.format_row(VILA, "", "").startswith("Port-Vila\t\t\tVU\t")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return GeoNames' file with Hanoi only, and pass it to the program."""
    row = {
        "geonameid": 1581130,
        "name": "Hanoi",
        "alternatenames": ["Ханой", "Hà Nội"],
        "countrycode": "VN",
        "admin1code": "44",
        "timezone": "Asia/Bangkok",
        "latitude": 21.0245,
        "longitude": 105.84117,
        "population": 8_053_663,
    }
    path = tmp_path / "cities15000.json"
    path.write_text(json.dumps({"1581130": row}), encoding="utf-8")
    (tmp_path / "countries.json").write_text(json.dumps(COUNTRIES), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["build_table", str(path)])
    return path


@pytest.mark.usefixtures("source")
def test_program_writes_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_table, "read_spellings", lambda: {("Hanoi", "VN"): ("", "Hà Nội")})

    build_table.main()

    *header, row = capsys.readouterr().out.splitlines()
    assert "GeoNames (https://www.geonames.org)" in " ".join(header)
    assert row == "Hanoi\tХаной\tHà Nội\tVN\tAsia/Ho_Chi_Minh\t21.02\t105.84\t8053663"


@pytest.mark.usefixtures("source")
def test_program_fails_for_a_spelling_of_a_city_that_is_not_in_the_table() -> None:
    with pytest.raises(SystemExit, match="Moscow"):
        build_table.main()
