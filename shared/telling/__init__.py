"""What people are told about a ticket, whatever the channel. Pure."""
