"""Models behind one signature: pixels in [0, 1] to logits. A backbone owns its resolution and its normalisation."""
