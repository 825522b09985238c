"""What the sandbox's Telegram remembers, in one SQLite file."""
