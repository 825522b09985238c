"""Effects: the changes that tools made for a user."""
