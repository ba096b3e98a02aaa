"""What a release is made of. Each file makes one artefact; the same sources give the same bytes."""
