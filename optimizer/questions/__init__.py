"""The questions after the answer: what if, what is it worth, why does nothing fit."""
