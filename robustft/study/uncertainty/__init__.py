"""How sure a comparison is: draws of every area, intervals, pairs."""
