"""Released weights: what there is, downloads, and where they are kept. Without torch."""
