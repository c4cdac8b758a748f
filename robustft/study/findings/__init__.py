"""What a comparison says beside its areas: a file for each kind of finding."""
