"""Run an Azure Functions (Python v2) app with Durable Functions 1.7 on one machine.

``python -m localhost --help`` explains how. Nothing here knows the app it runs:
the app is imported, its functions are listed, and they are called as the Azure
host would call them.

    loader   what functions are there       invoke   call one of them
    http     requests                       timers   schedules
    durable  orchestrations, activities and entities, kept in SQLite
    host     all of it, started and stopped in the right order
"""
