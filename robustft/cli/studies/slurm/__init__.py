"""SLURM: submission of a study, what runs in its jobs, what its queue says."""
