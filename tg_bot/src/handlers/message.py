"""A message that is no command."""

import structlog

from smart_kit.contracts.queue import UserMessage, reply_id

from .incoming import HandlerResult, IncomingMessage

log = structlog.stdlib.get_logger()


def handle_message(incoming: IncomingMessage) -> HandlerResult | None:
    """Return the message for the assistant, or a notice if it has no text to read."""
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
    # an album is several messages: one id for all of them makes the queue drop all notices but one
    album = f"{incoming.conversation}:album:{message.media_group_id}"
    return notice.model_copy(update={"id": reply_id(album)})
