"""From directories to what of each run is compared."""
