"""Rich messages (Bot API 10.3): Markdown, HTML or blocks parsed to a `RichMessage`."""
