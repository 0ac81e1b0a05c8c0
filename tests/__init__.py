"""Tests. This file must exist: azure-functions-durable ships a top-level ``tests`` package."""
