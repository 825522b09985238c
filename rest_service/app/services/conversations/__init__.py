"""Threads, messages and turns."""
