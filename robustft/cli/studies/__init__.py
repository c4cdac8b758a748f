"""Studies: a sweep's runs are checked and listed, what is missing goes to a launcher, the end is read from files."""
