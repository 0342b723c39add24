"""Tables of published facts, as TOML, each row with its source."""
