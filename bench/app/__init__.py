"""The Functions app that is measured; the host runs it by its folder."""
