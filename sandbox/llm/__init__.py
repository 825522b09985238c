"""A rule-based demo model with an OpenAI-compatible API; its tool calls are real."""
