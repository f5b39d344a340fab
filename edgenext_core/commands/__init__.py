"""The commands of ``edgenext``, one module each, imported only when it is chosen."""
