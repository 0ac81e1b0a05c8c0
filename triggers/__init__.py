"""Somebody asks: parse, authorise, one use case, answer. A file per resource.

POST v1/tickets/webhook/{source}        webhook.py
GET  v1/tickets, v1/tickets/{id}, …     tickets.py
GET/PUT v1/settings/…                   settings.py
GET  health, ready                      health.py
every 15 seconds                        outbox.py
"""
