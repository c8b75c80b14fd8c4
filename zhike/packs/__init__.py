"""Industry packs: vocabulary, source mappings, metrics and samples of one trade each. Packs never import each other."""
