"""Everything that crosses a process boundary: identifiers, messages, error codes, encoding.

The one leaf that every room may import. It imports none of them.
"""
