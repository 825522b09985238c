"""What is no command: words for the secretary."""

import structlog

from smart_kit.contracts.queue import UserMessage, reply_id

from .incoming import Answer, Incoming

log = structlog.stdlib.get_logger()


def handle_message(incoming: Incoming) -> Answer | None:
    """The message to the secretary; a word to the person where there is nothing to read."""
    message = incoming.message
    if message.words:
        return UserMessage(
            id=incoming.id,
            conversation=incoming.conversation,
            chat_id=incoming.chat_id,
            correlation_id=incoming.id,
            sender=incoming.sender,
            text=message.words,
            telegram_message_id=message.message_id,
            attachments=message.attachments,
        )
    if not message.has_content:
        log.info("message without content", fields=sorted(message.model_fields_set))
        return None
    notice = incoming.notice("text_only")
    if message.media_group_id is None:
        return notice
    album = f"{incoming.conversation}:album:{message.media_group_id}"  # one word for all of it
    return notice.model_copy(update={"id": reply_id(album)})
