"""Bad networks: two namespaces, a cable between them, and what is wrong with it."""
