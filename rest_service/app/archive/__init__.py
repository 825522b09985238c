"""Reads the stream `turns` into Postgres: the record of what was said, done and delivered."""
