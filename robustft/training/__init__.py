"""Fine-tuning with Lightning: the module, the data module and thin callbacks."""
