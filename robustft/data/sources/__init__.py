"""Where a data set's images come from."""
