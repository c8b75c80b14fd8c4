"""Who is who: records normalised, compared, joined into clusters. No Django, no database; docs/matching.md."""
