"""One command that shows the three nodes at work on a clip and measures them."""
