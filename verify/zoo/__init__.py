"""The errata zoo: published formulas that are wrong, ill-typed or right in one reading only, one document each."""
