"""What people may have said and heard in a storm."""

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, Kind, UserMessage
from tests.chaos.storm.message_record import Effects, MessageRecord
from tg_bot.src.texts.notices import NOTICES

BEGUN = 1_795_000_000
SORRY = NOTICES["model_unavailable"][0]


def said(*kinds: Kind, chat_id: int = 1) -> list[UserMessage]:
    return [
        UserMessage(FIRST_NUMBER + place, chat_id, kind, BEGUN + place)
        for place, kind in enumerate(kinds)
    ]


def heard(*texts: str, chat_id: int = 1) -> list[BotMessage]:
    return [
        BotMessage(100 + place, chat_id, BEGUN + 10 * place, text)
        for place, text in enumerate(texts)
    ]


def answer(place: int, receipt: str = "") -> str:
    return f"That is {FIRST_NUMBER + place}. {receipt}"


def made_once(*places: int) -> Effects:
    made = {FIRST_NUMBER + place: 1 for place in places}
    return Effects(made, made)


def numbers(records: list[MessageRecord]) -> list[int]:
    return [record.said.number - FIRST_NUMBER for record in records]
