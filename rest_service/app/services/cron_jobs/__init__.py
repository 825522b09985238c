"""Reminders and scheduled prompts, and the claims of their runs."""
