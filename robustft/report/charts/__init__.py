"""Charts of a comparison as Vega-Lite specs with their data, and the figures that are made of them."""
