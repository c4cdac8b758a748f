"""What runs will cost: counted work, times rates, on a simulated cluster. Needs no torch."""
