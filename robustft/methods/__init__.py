"""Fine-tuning methods: which parameters of a backbone move. The only room that imports `adapters`."""
