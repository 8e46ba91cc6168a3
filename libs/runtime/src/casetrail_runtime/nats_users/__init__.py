"""The users of NATS: what each service may publish and hear, and nothing else.

Only owners publish their nouns, only audit reads every event, and what they may is made from the
registry of events and the list of durables: a new event type is a new permission.
"""
