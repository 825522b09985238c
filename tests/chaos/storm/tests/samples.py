"""What people may have said and heard in a storm."""

from tests.chaos.storm.entry import Deeds, Entry
from tests.chaos.storm.message import FIRST_NUMBER, Heard, Kind, Said
from tg_bot.src.texts.notices import NOTICES

BEGUN = 1_795_000_000
SORRY = NOTICES["model_unavailable"][0]


def said(*kinds: Kind, chat_id: int = 1) -> list[Said]:
    return [
        Said(FIRST_NUMBER + place, chat_id, kind, BEGUN + place) for place, kind in enumerate(kinds)
    ]


def heard(*texts: str, chat_id: int = 1) -> list[Heard]:
    return [
        Heard(100 + place, chat_id, BEGUN + 10 * place, text) for place, text in enumerate(texts)
    ]


def answer(place: int, receipt: str = "") -> str:
    return f"That is {FIRST_NUMBER + place}. {receipt}"


def once(*places: int) -> Deeds:
    made = {FIRST_NUMBER + place: 1 for place in places}
    return Deeds(made, made)


def numbers(entries: list[Entry]) -> list[int]:
    return [entry.said.number - FIRST_NUMBER for entry in entries]
