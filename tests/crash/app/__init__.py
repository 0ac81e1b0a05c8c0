"""An app for the crash test."""
