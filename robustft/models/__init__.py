"""A backbone with a fine-tuning method applied, and its states on disk."""
