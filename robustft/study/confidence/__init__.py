"""How far a model's confidence can be trusted: its calibration, and whether it tells images of no class apart."""
