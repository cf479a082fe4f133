"""A network and labelled sequences in; the same network trained, and the record of it, out."""
