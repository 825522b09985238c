"""Commands that are the same in every mode."""
