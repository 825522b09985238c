"""Secrets of HTTP tools, and the rotation of master keys."""
