"""What can be seen from outside: spans and log lines, both with the ticket they belong to."""
