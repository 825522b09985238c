"""What assistants changed for a user, and how it is undone."""
