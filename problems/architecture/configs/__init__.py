"""Read configurations of other frameworks into architectures, and write them."""
