"""`make bench`: what the service does in a second, beside a bare route, a bare driver and a peer, in one run."""
