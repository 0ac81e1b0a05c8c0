"""A window on the hub for people: one page at ``/admin`` and what it reads.

Everything shown is data from the hub; the page writes it as text, never as
markup. What changes an instance goes through the management API, as any tool's
request does.
"""
