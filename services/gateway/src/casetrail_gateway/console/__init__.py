"""The console for people: server-rendered pages over the same use cases as the API."""
