"""Stores of the sandbox's Telegram, in one SQLite file."""
