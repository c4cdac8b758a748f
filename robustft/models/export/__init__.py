"""A state in a form that needs no robustft: a folder that timm loads, or a program of torch.export."""
