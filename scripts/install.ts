// Everything is installed by the time this runs: the entry, scripts/bootstrap.mjs, has done it.
