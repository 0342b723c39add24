"""The five questions, with answers as examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelsizer.first_file.answers import Kind
from modelsizer.first_file.reading import read_goal, read_serving, read_training
from modelsizer.first_file.sizes import read_load, read_model
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One of the five questions.

    Parameters
    ----------
    name : str
        Of its option, ``--train``.
    words : str
        The question.
    examples : tuple of str
        Answers; the first is the default.
    small : str
        The default for a small device, if it is another.
    read : callable
        From text to the answer; raises ValueError with what would be right.
    """

    name: str
    words: str
    examples: tuple[str, ...]
    read: Callable[[str], Any]
    small: str = ""

    def default(self, kind: Kind) -> str:
        """The answer that is taken where none is given."""
        return self.small if kind == "small" and self.small else self.examples[0]


QUESTIONS = (
    Question(
        "model",
        "What kind of model? Dense, mixture (of experts) or small; perhaps its size.",
        ("dense", "mixture of 30B with 3B active", "small", "dense 7B"),
        read_model,
    ),
    Question(
        "train",
        "What is there to train with? Accelerators and a time, FLOPs, or money.",
        ("256 H100-SXM for 30 days", "1e24 FLOPs", "2M USD on 512 H100-SXM at 2.5"),
        read_training,
    ),
    Question(
        "serve",
        "What is it served on? Accelerators, the memory of a device, or none.",
        ("one H100-SXM", "8 H200-SXM at 8 bits", "one L40S at 1 USD an hour", "2 GB", "none"),
        read_serving,
        small="2 GB",
    ),
    Question(
        "users",
        "How much context has a user, and how many are served at once?",
        ("8192 tokens for 16 users", "131072 tokens for 4 users at 20 tokens/s"),
        read_load,
        small="4096 tokens for 1 user",
    ),
    Question(
        "goal",
        "What is sought? The least loss, or the least of something at a loss.",
        ("loss", "parameters at 2.1", "serving_memory", "training_flops"),
        read_goal,
    ),
)
"""The questions, in the order in which they are asked."""
