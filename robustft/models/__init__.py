"""A backbone with a method in it, and its states on disk."""
