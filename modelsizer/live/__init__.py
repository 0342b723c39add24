"""The live page: a problem in the hand, whose answer follows every limit and setting."""
