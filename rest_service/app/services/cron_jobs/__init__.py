"""Reminders and scheduled prompts, and claiming their runs."""
