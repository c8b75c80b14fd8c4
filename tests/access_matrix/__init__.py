"""Who gets in where: every address the resolver knows, by method and by principal."""
