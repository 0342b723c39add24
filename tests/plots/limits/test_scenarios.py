"""What the picture of scenarios says of designs."""

from __future__ import annotations

from modelsizer import Problem, plots, whatif
from tests.support.figure_checks import check

PROBLEM = Problem.from_tables(
    {
        "name": "one shape",
        "space": {
            "layers": 24,
            "d_model": 2048,
            "head_dim": 128,
            "kv_heads": [2, 8],
            "d_ff": [5504, 8192],
            "vocab_size": 32000,
        },
        "training": {"sequence_length": 4096},
        "serving": {"context_length": 4096},
        "budgets": {"training_flops": 1e22, "kv_cache": "1 GB", "serving_memory": "40 GB"},
    }
)


def test_designs_of_one_shape_are_the_same_only_if_nothing_else_differs() -> None:
    changes = {
        "less cache": {"budgets.kv_cache": "110 MB"},
        "less of both": {"budgets.kv_cache": "110 MB", "budgets.serving_memory": "3.2 GB"},
        "more FLOPs": {"budgets.training_flops": 1.2e22},
    }
    figure = plots.scenarios(whatif(PROBLEM, changes))
    check(figure)
    said = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "same shape, other kv_heads" in said
    assert "same shape, other 2 choices" in said
    assert "same design" in said
