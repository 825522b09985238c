"""Users, who of them may talk, and invitations."""
