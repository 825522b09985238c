"""Weather without the Internet: Open-Meteo's two routes, and weather that is made up."""
