"""Class names and colours of the data sets that the project knows."""
