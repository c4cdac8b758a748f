"""What somebody types behind `python -m robustft`."""
