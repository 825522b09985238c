"""Builders of messages, replies and effects for the tests of the storm.

An `index` counts user messages from 0; the message with that index has FIRST_NUMBER + index.
"""

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, MessageKind, UserMessage
from tests.chaos.storm.message_record import EffectCounts, MessageRecord
from tg_bot.src.texts.notices import NOTICES

START_TIME = 1_795_000_000
FAILURE_TEXT = NOTICES["model_unavailable"][0]


def make_user_messages(*kinds: MessageKind, chat_id: int = 1) -> list[UserMessage]:
    return [
        UserMessage(FIRST_NUMBER + index, chat_id, kind, START_TIME + index)
        for index, kind in enumerate(kinds)
    ]


def make_bot_messages(*texts: str, chat_id: int = 1) -> list[BotMessage]:
    return [
        BotMessage(100 + position, chat_id, START_TIME + 10 * position, text)
        for position, text in enumerate(texts)
    ]


def make_answer_text(index: int, receipt: str = "") -> str:
    return f"That is {FIRST_NUMBER + index}. {receipt}"


def make_effects(*indexes: int) -> EffectCounts:
    counts = {FIRST_NUMBER + index: 1 for index in indexes}
    return EffectCounts(counts, counts)


def get_indexes(records: list[MessageRecord]) -> list[int]:
    return [record.user_message.number - FIRST_NUMBER for record in records]
