// The precompiled header of the unit tests belongs to a target, and a target needs a source.
