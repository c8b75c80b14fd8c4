from django.db import migrations

# PostgreSQL shows its statistics of a table to nobody who stands behind the policies of that table (kernel.wall).
COMMON = """
CREATE FUNCTION customers_common(asked text[]) RETURNS TABLE (customers real, token text, share real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.reltuples, common.token, common.share
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stats s
        ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'search_tokens',
        unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) common (token, share)
    WHERE c.oid = 'customers_party'::regclass AND common.token = ANY(asked)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_claims")]
    operations = [migrations.RunSQL(COMMON, "DROP FUNCTION customers_common(text[])")]
