"""The media worker: what stores, decodes or encodes, in a process of its own.

It joins the bridge as one more subscriber or publisher, so that the packet path keeps its promise.
Nothing of the node imports it.
"""
