"""Keys of a configuration that say how its weights are stored."""

QUANTISED = ("quantization_config", "compression_config", "quantization")
"""The one of the library, its name until 2024, and MLX's own."""
