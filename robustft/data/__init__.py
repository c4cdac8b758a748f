"""Where images come from: one file per source, pixels as uint8, splits and data order as pure functions of a seed."""
