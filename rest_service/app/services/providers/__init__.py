"""Model providers, and checks of their connections."""
