"""The page of a study: one HTML file that asks nothing of any network."""
