"""Assistants and the tools that they may use."""
