"""A stand-in for Open-Meteo with invented weather."""
