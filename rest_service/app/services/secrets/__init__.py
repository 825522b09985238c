"""Secrets of rest tools, and the search for credentials in stored texts."""
