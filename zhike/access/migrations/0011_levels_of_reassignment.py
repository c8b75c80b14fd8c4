from django.db import migrations, models

USUAL = {"team_lead": 500, "branch_head": 2_000, "security_administrator": None}
"""Up to how many customers handed over at once a role agrees to; None without end."""


def usual_levels(apps, schema_editor):
    level = apps.get_model("access", "ApprovalLevel")
    for role, up_to in USUAL.items():
        level.objects.create(role=role, kind="reassign", up_to=up_to)


def no_levels(apps, schema_editor):
    apps.get_model("access", "ApprovalLevel").objects.filter(kind="reassign").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_honey_and_directory"),
    ]

    operations = [
        migrations.AlterField(
            model_name="approvallevel",
            name="kind",
            field=models.CharField(
                choices=[
                    ("file", "files of masked values, by rows"),
                    ("clear", "files with values in clear, by rows"),
                    ("merge", "judgements on many pairs at once, by records"),
                    ("reassign", "customers handed over at once, by customers"),
                ],
                max_length=10,
                verbose_name="what is agreed to",
            ),
        ),
        migrations.RunPython(usual_levels, no_levels),
    ]
