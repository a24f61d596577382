"""The decision: from a Landscape to the cheapest Topology that meets every requirement, with its reasons."""
