"""From a model's Markdown to what Telegram takes: plain text with entities, in pieces."""
