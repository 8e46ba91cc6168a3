"""Routing: opens cases, gives them owners, flags complaints; owns users and their shifts."""
