"""What is no command: words for the secretary."""

import structlog

from smart_kit.contracts.queue import UserMessage, reply_id

from .incoming import HandlerResult, IncomingMessage

log = structlog.stdlib.get_logger()


def handle_message(incoming: IncomingMessage) -> HandlerResult | None:
    """The message to the secretary; a word to the person where there is nothing to read."""
    message = incoming.message
    if message.text_or_caption:
        return UserMessage(
            id=incoming.id,
            conversation=incoming.conversation,
            chat_id=incoming.chat_id,
            correlation_id=incoming.id,
            sender=incoming.sender,
            text=message.text_or_caption,
            telegram_message_id=message.message_id,
            attachments=message.attachments,
        )
    if not message.has_content:
        log.info("message without content ignored", fields=sorted(message.model_fields_set))
        return None
    notice = incoming.build_notice("text_only")
    if message.media_group_id is None:
        return notice
    album = f"{incoming.conversation}:album:{message.media_group_id}"  # one word for all of it
    return notice.model_copy(update={"id": reply_id(album)})
