"""Users, their access, and invitations."""
