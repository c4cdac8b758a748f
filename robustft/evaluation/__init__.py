"""Measuring one model state: what is measured (suite), when (schedule), and the evaluator that does it."""
