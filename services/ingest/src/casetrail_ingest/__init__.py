"""Turns WhatsApp webhooks into events."""
