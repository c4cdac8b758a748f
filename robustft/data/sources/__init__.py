"""Readers of data sets: folders, parquet files, the Hugging Face hub, installed packages."""
