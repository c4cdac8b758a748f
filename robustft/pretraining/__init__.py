"""The lab's backbone and the letters it is pre-trained on."""
