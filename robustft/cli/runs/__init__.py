"""What a run is: its identity, its directory, and what it was made with."""
