"""LivePortrait's networks, written here to hold the weights that its authors publish (Guo et al. 2024, arXiv 2407.03168)."""
