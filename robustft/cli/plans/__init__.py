"""Plans: from words to composed runs, their counted work, and the rates to time it with."""
