"""Models as people have them: folders, the cache of the hub, GGUF and safetensors files."""
