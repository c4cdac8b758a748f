"""The model card of an exported state."""
