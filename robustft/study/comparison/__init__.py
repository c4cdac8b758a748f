"""Runs beside each other: settings, strategies, and which is best."""
