"""The way of a file through the wizard, as a person goes it."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django import app

from zhike.customers.tests import factories
from zhike.masterdata.models import Upload
from zhike.organisation.models import Role

# By its name on the queue, as the worker finds it.
work_on_upload = app.tasks["zhike.masterdata.tasks.work_on_upload"]
CSV = "编号,姓名,身份证号,手机,性别,出生日期\n"


def operator() -> Client:
    """Somebody who may load, in an institution with a head office."""
    return factories.signed_in_client(Role.SYSTEM_ADMINISTRATOR, factories.unit())


def send(client: Client, content: bytes, name: str = "customers.csv", **more: Any) -> Any:
    """Upload a file; answers the response."""
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("masterdata:new"), {"file": file, **more})


def uploaded(client: Client, content: bytes, name: str = "customers.csv") -> Upload:
    answer = send(client, content, name)
    assert answer.status_code == 303, answer.content.decode()
    return Upload.objects.latest("pk")


def address(upload: Upload) -> str:
    return reverse("masterdata:upload", args=[upload.public_id])


def do(client: Client, upload: Upload, what: str, **more: Any) -> Any:
    """Press a button of the upload's page."""
    answer = client.post(address(upload), {"do": what, **more})
    upload.refresh_from_db()
    return answer


def suggested(client: Client, upload: Upload) -> dict[str, Any]:
    """What the form of the columns holds when it opens."""
    page = client.get(address(upload), {"step": "2"})
    form = page.context["form"]
    return {
        name: form[name].value() if form[name].value() is not None else "" for name in form.fields
    }


def mapped(client: Client, upload: Upload, **more: Any) -> Any:
    """The columns as suggested, of a new source; checked."""
    said = {**suggested(client, upload), "source_name": "样例文件", **more}
    answer = do(client, upload, "map", **said)
    if upload.state == Upload.State.CHECKING:
        work(upload)
    return answer


def work(upload: Upload) -> Upload:
    """Let the job at the upload run."""
    work_on_upload.func(upload=upload.pk)
    upload.refresh_from_db()
    return upload


def imported(client: Client, content: bytes, name: str = "customers.csv", **more: Any) -> Upload:
    """A file all the way."""
    upload = uploaded(client, content, name)
    mapped(client, upload, **more)
    assert upload.state == Upload.State.CHECKED, upload.error
    do(client, upload, "load")
    return work(upload)


def taken_back(client: Client, upload: Upload) -> Upload:
    """Its import taken back."""
    assert upload.run is not None
    address = reverse("masterdata:revert", args=[upload.run.public_id])
    assert client.post(address, {"reason": "传错了文件"}).status_code == 303
    upload.refresh_from_db()
    return work(upload)
