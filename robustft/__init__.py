"""robustft: what fine-tuning does to the accuracy and the robustness of a vision model."""
