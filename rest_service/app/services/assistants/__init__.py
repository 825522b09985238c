"""Assistants and the tools they may use."""
