"""What a run takes from others: a start, a reference, peers, an uncertainty set."""
