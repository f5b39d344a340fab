"""What of a machine works and what does not, each with its remedy: the checks of the doctor."""
