"""What people read: tables and figures, made from the study's numbers."""
