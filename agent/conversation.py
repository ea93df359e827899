"""One conversation: listen, think, speak."""
