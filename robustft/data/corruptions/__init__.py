"""ImageNet-C's corruptions at any resolution: names.py lists them, corrupt.py applies one to one image."""
