"""Rules and versions that concern the configuration as a whole."""
