"""Layers that methods put into a network, where `adapters` has none that fits."""
