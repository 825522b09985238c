"""What the services of all resources share: reading, ownership, references."""
