import datetime

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('masterdata', '0005_quality'),
    ]

    operations = [
        migrations.AddField(
            model_name='qualitytally',
            name='as_of',
            field=models.DateField(default=datetime.date(2000, 1, 1), verbose_name='as of'),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='qualitytally',
            name='by',
            field=models.CharField(choices=[('unit', 'unit'), ('owner', 'main manager'), ('system', 'source system'), ('rule', 'rule')], max_length=6),
        ),
        migrations.AddIndex(
            model_name='qualitytally',
            index=models.Index(fields=['by', 'as_of', 'unit'], name='quality_tally_by_day'),
        ),
        migrations.AddIndex(
            model_name='qualitytally',
            index=models.Index(fields=['by', 'key', 'as_of'], name='quality_tally_by_key'),
        ),
    ]
