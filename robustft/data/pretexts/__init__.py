"""Pretext tasks: versions of images that tell which one they are, so that no labels are needed."""
