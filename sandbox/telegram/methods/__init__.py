"""All methods of the sandbox's Bot API."""

from sandbox.telegram.method_call import ApiMethod
from sandbox.telegram.methods import commands, editing, sending, updates
from sandbox.telegram.rate_limiter import CHAT_ACTION, MESSAGE

_SEND = (
    "business_connection_id chat_id message_thread_id direct_messages_topic_id "
    "disable_notification protect_content allow_paid_broadcast message_effect_id "
    "suggested_post_parameters reply_parameters reply_markup ephemeral_message_parameters "
)
_TEXT = "text parse_mode entities "
_TEXT_OPTIONS = "link_preview_options disable_web_page_preview "
_DRAFT = "chat_id message_thread_id draft_id can_stop keep_on_stop "
_EDIT = "business_connection_id chat_id message_id inline_message_id reply_markup "

METHODS = (
    ApiMethod("getMe", "", updates.get_me),
    ApiMethod("getUpdates", "offset limit timeout allowed_updates", updates.get_updates),
    ApiMethod(
        "setWebhook",
        "url certificate ip_address max_connections allowed_updates drop_pending_updates "
        "secret_token",
        updates.set_webhook,
    ),
    ApiMethod("deleteWebhook", "drop_pending_updates", updates.delete_webhook),
    ApiMethod("getWebhookInfo", "", updates.get_webhook_info),
    ApiMethod(
        "sendMessage",
        _SEND + _TEXT + _TEXT_OPTIONS + "reply_to_message_id allow_sending_without_reply",
        sending.send_message,
        MESSAGE,
    ),
    ApiMethod("sendRichMessage", _SEND + "rich_message", sending.send_rich_message, MESSAGE),
    ApiMethod(
        "sendChatAction",
        "business_connection_id chat_id message_thread_id action",
        sending.send_chat_action,
        CHAT_ACTION,
    ),
    ApiMethod("sendMessageDraft", _DRAFT + _TEXT, sending.send_message_draft, CHAT_ACTION),
    ApiMethod(
        "sendRichMessageDraft",
        _DRAFT + "rich_message",
        sending.send_rich_message_draft,
        CHAT_ACTION,
    ),
    ApiMethod(
        "answerCallbackQuery",
        "callback_query_id text show_alert url cache_time",
        sending.answer_callback_query,
    ),
    ApiMethod(
        "editMessageText",
        _EDIT + _TEXT + _TEXT_OPTIONS + "rich_message",
        editing.edit_message_text,
        MESSAGE,
    ),
    ApiMethod("editMessageReplyMarkup", _EDIT, editing.edit_message_reply_markup, MESSAGE),
    ApiMethod("deleteMessage", "chat_id message_id", editing.delete_message),
    ApiMethod("setMyCommands", "commands scope language_code", commands.set_my_commands),
    ApiMethod("getMyCommands", "scope language_code", commands.get_my_commands),
    ApiMethod("deleteMyCommands", "scope language_code", commands.delete_my_commands),
)
