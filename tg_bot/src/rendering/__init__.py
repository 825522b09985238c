"""Renders a model's Markdown as Telegram messages: text with entities, or rich messages."""
