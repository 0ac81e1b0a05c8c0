"""The same five-step chain on several durable engines, each a program of its own."""
