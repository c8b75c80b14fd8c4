from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('customers', '0002_merges'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='identifier',
            constraint=models.UniqueConstraint(fields=('party', 'kind', 'blind'), name='identifier_once_a_party'),
        ),
        migrations.AddIndex(
            model_name='identifier',
            index=models.Index(fields=['blind'], name='identifier_by_blind'),
        ),
        migrations.RemoveConstraint(
            model_name='identifier',
            name='identifier_names_one_party',
        ),
    ]
