"""What every simulator has: ledger, faults, clock, controls, and the way a call takes."""
