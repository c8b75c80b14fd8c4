"""Which of our fields a column is, by its name in Chinese or English and by what is in it. Pure.

Where a customer stands (unit) is never suggested: a header alone must not move anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from unicodedata import normalize

from zhike.customers import identifiers
from zhike.masterdata.wizard.drafting import Draft, Filled
from zhike.masterdata.wizard.labels import CHOICES, DAYS
from zhike.masterdata.wizard.shapes import Look

MOST_OF = 0.8
FEW_WORDS = 40
DAY_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日",
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
# Names as files write them, folded: lower case, without spaces and marks; simplified and traditional.
NAMES: Mapping[str, str] = {
    "name": "姓名 名称 名稱 客户名称 客戶名稱 客户姓名 客戶姓名 企业名称 企業名稱 公司名称 公司名稱 单位名称 户名 戶名 "
    "name fullname customername clientname companyname custname",
    "sex": "性别 性別 sex gender",
    "birth_on": "出生日期 出生年月日 生日 birthday birthdate dateofbirth dob birthon 成立日期",
    "resident_id": "身份证 身份证号 身份证号码 身分證 身份證號 身份證號碼 证件号 证件号码 證件號碼 "
    "idno idcard idnumber residentid nationalid idcardno certno",
    "passport": "护照 护照号 护照号码 護照 護照號碼 passport passportno passportnumber",
    "credit_code": "统一社会信用代码 統一社會信用代碼 信用代码 社会信用代码 creditcode uscc",
    "mobile": "手机 手机号 手机号码 手機 手機號 手機號碼 移动电话 行動電話 联系手机 "
    "mobile mobileno mobilephone cellphone phonenumber",
    "phone": "电话 電話 电话号码 電話號碼 固定电话 固定電話 座机 联系电话 聯繫電話 phone telephone tel landline",
    "email": "邮箱 郵箱 电子邮箱 電子郵箱 电子邮件 電子郵件 邮件 email mail emailaddress",
    "wechat": "微信 微信号 微信號 wechat wechatid",
    "home_address": "地址 住址 家庭住址 家庭地址 居住地址 联系地址 聯繫地址 address homeaddress",
    "work_address": "单位地址 單位地址 工作地址 办公地址 辦公地址 workaddress officeaddress",
    "registered_address": "注册地址 註冊地址 户籍地址 戶籍地址 registeredaddress",
    "mailing_address": "通讯地址 通訊地址 邮寄地址 郵寄地址 mailingaddress",
    "occupation": "职业 職業 岗位 occupation job profession",
    "industry": "行业 行業 所属行业 所屬行業 industry",
    "education": "学历 學歷 教育程度 education",
    "marital_status": "婚姻 婚姻状况 婚姻狀況 maritalstatus",
    "employees_count": "员工人数 員工人數 职工人数 employees employeescount headcount",
    "since_on": "开户日期 開戶日期 建档日期 入行日期 customersince since openedon",
    "until_on": "销户日期 銷戶日期 离行日期 closedon until",
    "note": "备注 備註 说明 說明 note notes remark remarks comment",
    "kind": "客户性质 客戶性質 主体类型 kind",
    "stage": "客户阶段 客戶階段 客户状态 客戶狀態 stage",
    "observed_on": "数据日期 數據日期 更新日期 asof observedon",
}  # fmt: skip
FIELD_BY_NAME = {name: field for field, names in NAMES.items() for name in names.split()}
KEYS = frozenset(
    "编号 編號 客户号 客戶號 客户编号 客戶編號 客户id 客戶id 序号 id no customerid customerno custno custid clientid "
    "客户代码 key code number".split()
)
WORDS: Mapping[str, Mapping[str, str]] = {
    "sex": {"M": "M 男 男性 m male 先生 1", "F": "F 女 女性 f female 女士 2 0"},
    "kind": {
        "person": "person 个人 個人 自然人 individual 对私 對私 p",
        "organisation": "organisation organization 企业 企業 单位 單位 公司 机构 法人 对公 對公 company o",
    },
    "stage": {
        "prospect": "prospect 潜在 潛在 潜在客户 意向 lead",
        "customer": "customer 客户 客戶 正式 有效 active 正常",
        "former": "former 流失 销户 銷戶 历史 closed inactive",
    },
}
BY_CONTENT: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("resident_id", identifiers.resident_id),
    ("credit_code", identifiers.credit_code),
    ("mobile", identifiers.mobile),
    ("email", identifiers.email),
)


def suggest(look: Look) -> Draft:
    """A draft for a file nobody described yet."""
    columns = dict(
        zip(look.header, zip(*look.rows, strict=True) if look.rows else (), strict=False)
    )
    filled: dict[str, Filled] = {}
    for column in look.header:
        values = words_of(columns.get(column, ()))
        field = field_of(column, values)
        if field and field not in filled:
            filled[field] = filled_by(field, column, values)
    return Draft(key=_key(look, columns), filled=filled, fixed=_fixed(filled))


def filled_by(field: str, column: str, values: Sequence[str]) -> Filled:
    """The field from this column, with the form of its days or the meaning of its words as far as they are plain."""
    if field in DAYS:
        return Filled(column, day_format(values))
    return Filled(column, codes=codes_of(field, values) if field in CHOICES else {})


def field_of(column: str, values: Sequence[str]) -> str:
    """Our field, "" when nothing speaks for one. The name is a claim: values that contradict it outweigh it."""
    named = FIELD_BY_NAME.get(folded(column), "")
    checks = dict(BY_CONTENT)
    if named in checks and values and _share(values, checks[named]) < MOST_OF / 2:
        named = ""
    if named in CHOICES and values and not _plain(named, values):
        named = ""
    if named:
        return named
    if len(values) < 2:
        return ""
    return next((field for field, check in BY_CONTENT if _share(values, check) >= MOST_OF), "")


def folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", normalize("NFKC", name).lower())


def words_of(values: Sequence[str]) -> list[str]:
    """The different values, without blanks, in the order they come."""
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))


def day_format(values: Sequence[str]) -> str:
    """The form that nearly all values have; "" for YYYY-MM-DD, and where none or more than one fits as well."""
    if not values:
        return ""
    shares = {
        form: sum(_is_day(each, form) for each in values) / len(values) for form in DAY_FORMATS
    }
    best = max(shares.values())
    fitting = [form for form, share in shares.items() if share == best >= MOST_OF]
    return fitting[0] if len(fitting) == 1 and fitting[0] != DAY_FORMATS[0] else ""


def codes_of(field: str, values: Sequence[str]) -> dict[str, str]:
    """The file's words that have a plain meaning; none where they are ours already."""
    known = {word: ours for ours, words in WORDS.get(field, {}).items() for word in words.split()}
    ours = {value for value, _label in CHOICES[field]}
    if set(values) <= ours:
        return {}
    return {
        value: known.get(value, known.get(value.lower(), ""))
        for value in values[:FEW_WORDS]
        if known.get(value, known.get(value.lower()))
    }


def _plain(field: str, values: Sequence[str]) -> bool:
    """Whether some word of the column is one the choice knows."""
    return bool(codes_of(field, values)) or any(value in dict(CHOICES[field]) for value in values)


def _is_day(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)  # noqa: DTZ007  a day has no zone
    except ValueError:
        return False
    return True


def _share(values: Sequence[str], check: Callable[[str], object]) -> float:
    return sum(_passes(value, check) for value in values) / len(values)


def _passes(value: str, check: Callable[[str], object]) -> bool:
    try:
        check(value)
    except identifiers.Implausible:
        return False
    return True


def _key(look: Look, columns: Mapping[str, Sequence[str]]) -> str:
    """The column that is called a key and is one in the rows seen; "" for none."""
    return next(
        (
            column
            for column in look.header
            if folded(column) in KEYS
            and columns.get(column)
            and all(each.strip() for each in columns[column])
            and len(set(columns[column])) == len(columns[column])
        ),
        "",
    )


def _fixed(filled: Mapping[str, Filled]) -> dict[str, str]:
    if "kind" in filled:
        return {}
    firms = "credit_code" in filled and "resident_id" not in filled
    return {"kind": "organisation" if firms else "person"}
