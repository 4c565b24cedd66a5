"""The conference: what may happen in it, and what it is after what has happened.

``decide(state, command, actor, now)`` refuses or answers with events, ``evolve(state, event)``
applies one. Both are pure; everything else that is known of a conference is a fold over its events.
"""
