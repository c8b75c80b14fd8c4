from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('customers', '0003_claims'),
        ('masterdata', '0006_quality_history'),
    ]

    operations = [
        migrations.AlterField(
            model_name='pair',
            name='why',
            field=models.CharField(choices=[('band', 'likely, but not certain'), ('contradiction', 'alike, but their documents differ'), ('mixed', 'alike, but of different kinds'), ('large', 'would make a customer of too many records'), ('weak', 'would join two groups by one weak link'), ('apart', 'would join customers that somebody keeps apart'), ('hand', 'somebody asked for a comparison'), ('document', 'both claim one document')], default='band', max_length=14, verbose_name='why'),
        ),
    ]
