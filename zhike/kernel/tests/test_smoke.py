import pytest

from zhike.organisation.models import Unit


@pytest.mark.django_db
def test_x():
    from django.db import connection
    with connection.cursor() as c:
        c.execute("select relkind from pg_class where relname in ('kernel_auditentry','customers_timelineentry')")
        assert c.fetchall() == [('p',),('p',)]
    assert Unit.objects.count() == 0
