"""What people may have said and heard in a storm."""

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, MessageKind, UserMessage
from tests.chaos.storm.message_record import EffectCounts, MessageRecord
from tg_bot.src.texts.notices import NOTICES

START_TIME = 1_795_000_000
FAILURE_TEXT = NOTICES["model_unavailable"][0]


def make_user_messages(*kinds: MessageKind, chat_id: int = 1) -> list[UserMessage]:
    return [
        UserMessage(FIRST_NUMBER + place, chat_id, kind, START_TIME + place)
        for place, kind in enumerate(kinds)
    ]


def make_bot_messages(*texts: str, chat_id: int = 1) -> list[BotMessage]:
    return [
        BotMessage(100 + place, chat_id, START_TIME + 10 * place, text)
        for place, text in enumerate(texts)
    ]


def make_answer_text(place: int, receipt: str = "") -> str:
    return f"That is {FIRST_NUMBER + place}. {receipt}"


def make_effects(*places: int) -> EffectCounts:
    made = {FIRST_NUMBER + place: 1 for place in places}
    return EffectCounts(made, made)


def get_numbers(records: list[MessageRecord]) -> list[int]:
    return [record.user_message.number - FIRST_NUMBER for record in records]
