"""What was measured: conditions, records, outcomes per sample, gates."""
