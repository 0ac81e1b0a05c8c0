"""What may go wrong, crossed with what Mend may do. Virtual time; the ledgers judge."""
