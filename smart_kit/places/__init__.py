"""Places and their time zones: found by name, near a point, or guessed from a language.

No network is used. `cities.tsv` has cities by population, with names in English and Russian. It is
made by `build_table` from data of GeoNames (https://www.geonames.org), licensed under CC BY 4.0.
`regions.tsv` and `spellings.tsv` are written by hand. All are read at the first use.
"""

from .cities import Place, find_nearest_city
from .languages import guess_zones
from .suggestions import suggest_places
from .zones import find_zone, get_city_of_zone

__all__ = [
    "Place",
    "find_nearest_city",
    "find_zone",
    "get_city_of_zone",
    "guess_zones",
    "suggest_places",
]
