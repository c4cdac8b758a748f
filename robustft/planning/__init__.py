"""What runs will cost: work counted from their settings, time from rates, wall-clock from a simulated cluster. No torch."""
