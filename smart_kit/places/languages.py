"""Guesses time zones from the language of a person."""

import re
from collections import Counter

from .cities import iter_city_lines, parse_place

_LIKELY_COUNTRIES = """
af:ZA am:ET ar:EG az:AZ be:BY bg:BG bn:BD bs:BA ca:ES cs:CZ cy:GB da:DK de:DE el:GR en:US/GB/IN/AU
es:ES es-419:MX et:EE eu:ES fa:IR fi:FI fil:PH fr:FR ga:IE gl:ES gu:IN ha:NG he:IL hi:IN hr:HR
hu:HU hy:AM id:ID ig:NG is:IS it:IT iw:IL ja:JP jv:ID ka:GE kk:KZ km:KH kn:IN ko:KR ky:KG lb:LU
lo:LA lt:LT lv:LV mg:MG mk:MK ml:IN mn:MN mr:IN ms:MY mt:MT my:MM nb:NO ne:NP nl:NL nn:NO no:NO
pa:IN pl:PL ps:AF pt:BR ro:RO ru:RU rw:RW sd:PK si:LK sk:SK sl:SI so:SO sq:AL sr:RS sv:SE sw:TZ
ta:IN te:IN tg:TJ th:TH tk:TM tl:PH tr:TR tt:RU ug:CN uk:UA ur:PK uz:UZ vi:VN wo:SN xh:ZA yo:NG
yue:HK zh:CN zh-hant:TW zu:ZA
"""
"""The country of a language without a region: CLDR's likely subtag. English has several, because
many people use Telegram in it who do not live in the USA: one zone of each is a better guess than
all those of the USA."""
_COUNTRIES = dict(pair.split(":") for pair in _LIKELY_COUNTRIES.split())


def guess_zones(language_code: str | None, default_zone: str | None) -> list[str]:
    """Return time zones, the likeliest first; UTC if there is nothing to guess from.

    The default zone comes first. Then come the zones of the country of a language, written as in
    Telegram (ru, en-GB, pt-br, zh-hans): that of its largest city, then the others by population.
    """
    ranked = [zones for code in _find_countries(language_code) if (zones := _rank_zones(code))]
    guesses = [default_zone] if default_zone else []
    guesses += [zones[0] for zones in ranked] + [zone for zones in ranked for zone in zones]
    return list(dict.fromkeys(guesses)) or ["UTC"]


def _find_countries(language_code: str | None) -> list[str]:
    language, *subtags = re.split("[-_]", (language_code or "").casefold())
    region = subtags[-1].upper() if subtags else ""
    if re.fullmatch("[A-Z]{2}", region) and any(iter_city_lines(region)):
        return [region]
    known = _COUNTRIES.get("-".join((language, *subtags))) or _COUNTRIES.get(language)
    return known.split("/") if known else []


def _rank_zones(country: str) -> list[str]:
    """Return the zones of a country, that of its largest city first, the others by population."""
    places = [parse_place(line) for line in iter_city_lines(country)]
    people = Counter[str]()
    for place in places:
        people[place.zone] += place.population
    ranked = [zone for zone, _ in people.most_common()]
    return list(dict.fromkeys([place.zone for place in places[:1]] + ranked))
