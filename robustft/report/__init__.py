"""Tables and figures of runs, from the numbers of study/."""
