"""A small problem as the text of its file."""

from __future__ import annotations

GOOD = """
name = "good"
[space]
layers = {min = 8, max = 16}
d_model = {min = 1024, max = 2048}
head_dim = 128
kv_heads = [4, 8]
ffn_ratio = 3.5
ffn_multiple = 256
vocab_size = 32000
[training]
sequence_length = 2048
[serving]
batch_size = 4
[budgets]
training_flops = 1e21
[objective]
minimize = "loss"
"""
