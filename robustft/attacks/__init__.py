"""Adversarial attacks: threat models, the search that checks every success, one file per attack."""
