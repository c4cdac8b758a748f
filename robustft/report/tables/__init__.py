"""What a study found as tables: for programs, for papers, for a terminal."""
