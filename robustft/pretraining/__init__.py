"""Pre-training of the lab's backbone on rendered letters."""
