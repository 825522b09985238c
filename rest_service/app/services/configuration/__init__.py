"""Rules and versions of the whole configuration."""
