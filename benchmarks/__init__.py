"""Every speed and every figure of the documentation, each by one command."""
