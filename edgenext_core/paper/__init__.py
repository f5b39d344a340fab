"""The paper's own figures, and ours held against them."""
