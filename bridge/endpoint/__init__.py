"""The other end of a session: a site's device without a browser, and synthetic sites.

Clients of the same doors as a page. Nothing of the node imports them.
"""
