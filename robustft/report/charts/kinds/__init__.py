"""A module for each kind of chart."""
