"""What users write: the Landscape, its loading with line numbers, and the regulation packs."""
