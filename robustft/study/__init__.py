"""What was measured and what follows from it: records, trade-off points, frontier, area, statistics. No torch."""
