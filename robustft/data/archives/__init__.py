"""Data sets in the archives that their authors publish."""
