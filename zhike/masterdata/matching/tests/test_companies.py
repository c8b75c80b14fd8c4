"""Company names: what tells them apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.masterdata.matching.normalise import company_name, folded
from zhike.masterdata.matching.tests.given import public

FORMS = ("有限公司", "有限责任公司", "股份有限公司", "集团有限公司", "(集团)有限公司", "")


@pytest.mark.parametrize(
    ("raw", "core", "place"),
    [
        ("北京华为技术有限公司", "华为技术", "北京"),
        ("华為技術（北京）有限公司", "华为技术", "北京"),
        ("浙江省交通投资集团有限公司", "交通投资", "浙江省"),
        ("杭州市西湖区丰源农产品有限责任公司滨江分公司", "丰源农产品滨江", "杭州市西湖区"),
        ("中国工商银行股份有限公司杭州分行", "中国工商银行杭州分行", None),
        ("阿里巴巴(中国)有限公司", "阿里巴巴", "中国"),
        ("重庆长安汽车股份有限公司", "长安汽车", "重庆"),
        ("沄浦县禾源粮油农民专业合作社", "禾源粮油", "沄浦县"),
        ("杭州有限公司", "杭州有限公司", None),
        ("有限公司", "有限公司", None),
    ],
)
def test_companies(raw: str, core: str, place: str | None) -> None:
    found = company_name(raw)
    assert (found.core, found.place) == (core, place)


@settings(deadline=None)
@given(st.sampled_from(("禾丰", "棠润", "Acme")), st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_the_form_does_not_tell_companies_apart(brand: str, one: str, other: str) -> None:
    names = [f"{brand}食品{form}" for form in (one, other)]
    assert (
        company_name(names[0]).core
        == company_name(f"浙江{names[1]}").core
        == folded(f"{brand}食品")
    )


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_has_a_core_of_its_own_signs(text: str) -> None:
    core = company_name(text).core
    assert (core is None) == (not folded(text))


@pytest.mark.data
def test_short_names_of_companies_stay_whole() -> None:
    """Trade names carry no place and no form: what is cut off them is cut off wrongly."""
    names = [row["name"] for row in public("cn_companies/company_short_names_a.csv.gz")]
    whole = sum(company_name(name).core == (folded(name) or None) for name in names)
    assert whole / len(names) > 0.93
