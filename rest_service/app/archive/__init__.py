"""Stores records of the stream `turns` in Postgres: turns, messages, usage and runs of jobs."""
