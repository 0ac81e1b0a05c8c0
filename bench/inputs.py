"""Inputs of orchestrations, as the durable client of SDK 1.x puts them on the wire."""

import json


def encode(value: object) -> str:
    """Return ``value`` as JSON inside a JSON string, which is what the SDK decodes."""
    return json.dumps(json.dumps(value))
