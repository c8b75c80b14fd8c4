"""The forms of the wizard: how a file is read, and what each of its columns is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.masterdata.wizard.drafting import CONTACTS, CUSTOMERS, Draft, Filled
from zhike.masterdata.wizard.labels import DAYS, MOMENTS, SORTS
from zhike.masterdata.wizard.shapes import Look, Reading
from zhike.masterdata.wizard.suggesting import (
    DAY_FORMATS,
    FEW_WORDS,
    MOMENT_FORMATS,
    filled_by,
    words_of,
)

SEPARATORS = (
    (",", gettext_lazy("comma")),
    (";", gettext_lazy("semicolon")),
    ("\t", gettext_lazy("tab")),
    ("|", gettext_lazy("vertical bar")),
)
ENCODINGS = (
    ("utf-8", "UTF-8"),
    ("gb18030", "GB18030 / GBK（简体）"),
    ("big5", "Big5（繁體）"),
    ("cp1252", "Windows 1252"),
)
LONG = re.compile(r"[0-9A-Za-z][0-9A-Za-z._\-]{4,}[0-9A-Za-z]")


def guarded(text: str) -> str:
    """A cell of the file as a page may show it: of long numbers and words the middle is hidden."""
    return LONG.sub(
        lambda found: found[0][:2] + "•" * min(len(found[0]) - 4, 8) + found[0][-2:], text
    )


class ReadingForm(forms.Form):
    """How the file is read; what is not asked of its format is not there."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), widget=forms.RadioSelect)
    separator = forms.ChoiceField(label=gettext_lazy("Separator"), choices=SEPARATORS)
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"))
    header = forms.IntegerField(
        label=gettext_lazy("Line of the column names"), min_value=1, max_value=1000
    )

    def __init__(self, data: Any, look: Look) -> None:
        initial = {
            "encoding": look.encoding,
            "separator": look.separator,
            "sheet": look.sheet,
            "header": look.skip_rows + 1,
        }
        super().__init__(data, initial=initial)
        if look.format != "csv" or not look.readings:
            del self.fields["encoding"]
        else:
            readable = {name for name, _lines in look.readings}
            self._choices("encoding", [each for each in ENCODINGS if each[0] in readable])
        if look.format != "csv" or not look.encoding:
            del self.fields["separator"]
        if look.format != "xlsx":
            del self.fields["sheet"]
        else:
            self._choices("sheet", [(name, name) for name in look.sheets])
        if look.format == "parquet" or not look.encoding:
            del self.fields["header"]

    def _choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def reading(self) -> Reading:
        said = self.cleaned_data
        return Reading(
            encoding=said.get("encoding"),
            separator=said.get("separator"),
            sheet=said.get("sheet"),
            skip_rows=said["header"] - 1 if "header" in said else None,
        )


NEW_SOURCE = ""


class MappingForm(forms.Form):
    """What each column of the file is. `field_<n>` names our field, `format_<n>` the form of its days, and
    `code_<n>_<m>` what the m-th word of the column means.
    """

    into = forms.ChoiceField(
        label=gettext_lazy("The rows are"),
        choices=[(into, sort.label) for into, sort in SORTS.items()],
        required=False,
    )
    owners = forms.ChoiceField(
        label=gettext_lazy("The customer’s numbers are those of"),
        help_text=gettext_lazy("An import or a source that brought the customers."),
    )
    source = forms.ChoiceField(label=gettext_lazy("Source system"), required=False)
    source_name = forms.CharField(
        label=gettext_lazy("Name of the new source"), max_length=120, required=False
    )
    trust = forms.IntegerField(
        label=gettext_lazy("Trust in it (0 to 100)"),
        min_value=0,
        max_value=99,
        help_text=gettext_lazy("Where sources differ, the more trusted one's word stands."),
    )
    key = forms.ChoiceField(
        label=gettext_lazy("What tells one row from another"),
        required=False,
        help_text=gettext_lazy("The next file of this source corrects the rows it knows by it."),
    )
    every = forms.ChoiceField(label=gettext_lazy("Every row is"), required=False)
    keep_as = forms.CharField(
        label=gettext_lazy("Keep this mapping as"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("It is then offered for the next file of this shape."),
    )

    def __init__(
        self,
        data: Any,
        look: Look,
        draft: Draft,
        sources: Sequence[tuple[str, str, int]],
        owners: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__(None if data is None else dict(data.items()))
        self.target = self.data.get("into") or draft.into
        self.sort = SORTS.get(self.target, SORTS[CUSTOMERS])
        self.fields["into"].initial = draft.into
        if self.target == CONTACTS:
            first = owners[0][0] if owners else ""
            self._choose("owners", owners, draft.owners or first)
        else:
            del self.fields["owners"]
        self.look, self.sources = look, {code: (name, trust) for code, name, trust in sources}
        columns = list(zip(*look.rows, strict=True)) if look.rows else [()] * len(look.header)
        self.words = [words_of(column) for column in columns]
        self._head(draft)
        by_column = {each.column: (name, each) for name, each in draft.filled.items()}
        for number, column in enumerate(look.header):
            name, filled = by_column.get(column, ("", Filled(column)))
            self._column(number, name, filled)

    def _head(self, draft: Draft) -> None:
        known = [(code, name) for code, (name, _trust) in self.sources.items()]
        self._choose("source", [(NEW_SOURCE, _("a new one")), *known], draft.source)
        self.fields["source_name"].initial = (
            "" if draft.source in self.sources else draft.source_name
        )
        self.fields["trust"].initial = draft.trust
        columns = [(column, column) for column in self.look.header]
        self._choose("key", [("", _("nothing: every row stands for itself")), *columns], draft.key)
        every = self.sort.every
        self._choose("every", [("", "—"), *self.sort.choices[every]], draft.fixed.get(every, ""))

    def _choose(self, name: str, choices: Sequence[tuple[str, Any]], chosen: str) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.initial = chosen

    def _column(self, number: int, name: str, filled: Filled) -> None:
        choices: list[tuple[str, str | Promise]] = [
            ("", _("leave out")),
            *self.sort.fields.items(),
        ]
        self.fields[f"field_{number}"] = forms.ChoiceField(
            label=self.look.header[number], choices=choices, initial=name, required=False
        )
        chosen = self.data.get(f"field_{number}", name) if self.is_bound else name
        words = self.words[number]
        if chosen != name and chosen in self.sort.fields:
            filled = filled_by(chosen, filled.column, words, self.target)
        if chosen in DAYS or chosen in MOMENTS:
            usual, others = "2026-11-22", DAY_FORMATS[1:]
            if chosen in MOMENTS:
                usual, others = "2026-11-22 09:30:00", MOMENT_FORMATS
            formats = [("", usual), *((form, _example(form)) for form in others)]
            self.fields[f"format_{number}"] = forms.ChoiceField(
                label=_("Written as"), choices=formats, initial=filled.format, required=False
            )
            self._propose(f"format_{number}", filled.format)
        elif chosen in self.sort.choices:
            ours_of = dict(self.sort.choices[chosen])
            for place, word in enumerate(words[:FEW_WORDS]):
                ours = filled.codes.get(word, word if word in ours_of else "")
                self.fields[f"code_{number}_{place}"] = forms.ChoiceField(
                    label=guarded(word),
                    choices=[("", _("unknown: refuse the row")), *self.sort.choices[chosen]],
                    initial=ours,
                    required=False,
                )
                self._propose(f"code_{number}_{place}", ours)

    def _propose(self, name: str, value: str) -> None:
        """What is asked for the first time, since a column became something else, begins with what its values say."""
        if self.is_bound:
            self.data = {name: value, **self.data}

    def lines(self) -> list[dict[str, Any]]:
        """A line for each column: its name, samples, and the fields to fill in."""
        return [
            {
                "column": column,
                "samples": [guarded(word)[:40] for word in self.words[number][:3]],
                "field": self[f"field_{number}"],
                "format": self._bound(f"format_{number}"),
                "codes": [self[name] for name in self.fields if name.startswith(f"code_{number}_")],
            }
            for number, column in enumerate(self.look.header)
        ]

    def _bound(self, name: str) -> BoundField | None:
        return self[name] if name in self.fields else None

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if not said.get("source") and not said.get("source_name", "").strip():
            self.add_error("source_name", _("Say what the source is called, or choose one."))
        chosen: dict[str, str] = {}
        for number, column in enumerate(self.look.header):
            field = said.get(f"field_{number}", "")
            if field and field in chosen:
                self.add_error(
                    f"field_{number}",
                    _("“%(column)s” is this already.") % {"column": chosen[field]},
                )
            if field:
                chosen[field] = column
        for field, lacking in self.sort.needed.items():
            if field not in chosen:
                self.add_error(None, str(lacking))
        if self.sort.every not in chosen and not said.get("every"):
            self.add_error("every", _("Choose a column for it, or say what every row is."))
        return said

    def draft(self) -> Draft:
        """What was said, as a draft; call it when the form is valid."""
        said = self.cleaned_data
        filled: dict[str, Filled] = {}
        for number, column in enumerate(self.look.header):
            if name := said[f"field_{number}"]:
                filled[name] = Filled(
                    column, said.get(f"format_{number}", ""), self._codes(number, said)
                )
        code = said["source"] or new_code(said["source_name"].strip())
        name = self.sources[code][0] if code in self.sources else said["source_name"].strip()
        every = self.sort.every
        fixed = {} if every in filled else {every: said["every"]}
        owners = said.get("owners", "")
        return Draft(code, name, said["trust"], said["key"], filled, fixed, self.target, owners)

    def _codes(self, number: int, said: Mapping[str, Any]) -> dict[str, str]:
        found = {
            word: said[name]
            for place, word in enumerate(self.words[number][:FEW_WORDS])
            if said.get(name := f"code_{number}_{place}")
        }
        return {} if all(word == ours for word, ours in found.items()) else found


def new_code(name: str) -> str:
    """The code of a source that only has a name: the same for the same name."""
    return f"file-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _example(form: str) -> str:
    from datetime import datetime

    return datetime(2026, 11, 22, 9, 30).strftime(form)  # noqa: DTZ001  only to show a form


class RevertForm(forms.Form):
    reason = forms.CharField(label=pgettext_lazy("why", "Reason"), max_length=200)
