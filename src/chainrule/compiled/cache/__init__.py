"""Machine code on disk: how it is built, named, found again and protected from other processes."""
