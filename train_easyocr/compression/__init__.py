"""Small networks: pruned by the sensitivity of their layers, trained again, quantised, and held beside each other."""
