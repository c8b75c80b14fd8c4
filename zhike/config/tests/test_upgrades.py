"""From every earlier schema with rows in it to the newest: each migration runs on full tables and loses nothing.

The walk begins with an empty database and applies one migration after the other; under every schema on the way each
table gets one more row, written in plain SQL as that schema wants it. At the end every row stands with what it said.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from zhike.kernel.tests.factories import empty_database

WALK = r"""
import json, sys
import django
django.setup()
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from zhike.config.tests.rows_of_schemas import Rows

rooms = {each.label for each in apps.get_app_configs() if each.name.startswith("zhike.")}
executor = MigrationExecutor(connection)
plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
state = executor._create_project_state(with_applied_migrations=True)
executor.recorder.ensure_schema()
rows = Rows(connection, rooms)
schemas = 0
for migration, _backwards in plan:
    try:
        state = executor.migrate(None, plan=[(migration, False)], state=state)
    except Exception as error:
        print(json.dumps({"stopped": f"{migration.app_label}.{migration.name}: {error}"}))
        sys.exit()
    if migration.app_label in rooms:
        schemas += 1
        rows.add()
print(json.dumps({"schemas": schemas, "empty": rows.empty(), "rows": rows.count(), "lost": rows.lost()}))
"""
# A trigger writes the standing; the others ask for two keys that differ, or for one of several alone.
NEVER_FILLED = {
    "access_grant",
    "customers_relation",
    "customers_standing",
    "insight_target",
    "masterdata_pair",
}


@pytest.mark.usefixtures("django_db_setup")
def test_every_earlier_schema_is_carried_over(
    tmp_path: Path, django_db_blocker: Any, record_property: Any
) -> None:
    with empty_database(f"{connection.settings_dict['NAME']}_upgrade") as environment:
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", WALK],
            env={**environment, "ZHIKE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(told.stdout.splitlines()[-1])
    assert "stopped" not in found, found
    assert found["lost"] == []
    assert set(found["empty"]) == NEVER_FILLED
    assert found["schemas"] >= 30
    assert found["rows"] > 500
    record_property("schemas", found["schemas"])
    record_property("rows", found["rows"])
