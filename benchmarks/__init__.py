"""Us beside the peers: same work, one process, interleaved, checked equal before it is timed."""
