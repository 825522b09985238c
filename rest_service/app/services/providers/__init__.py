"""Providers of language models, and the check of their connection."""
