"""The commands, one implementation for both modes."""
