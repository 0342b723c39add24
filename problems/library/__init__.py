"""Ready problems, as TOML."""
