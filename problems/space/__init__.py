"""The design space: choices, width options, parallel layouts and the number of designs."""
