"""The samples of deploy/, checked by the programs that read them."""
