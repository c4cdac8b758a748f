"""Mirrors of runs and studies: Weights & Biases, and whatever Lightning has a logger for."""
