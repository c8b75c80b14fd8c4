"""Which of our fields a column is, by its name in Chinese or English and by what is in it. Pure.

Where a customer stands (unit) is never suggested: a header alone must not move anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from unicodedata import normalize

from zhike.customers import identifiers
from zhike.masterdata.wizard.drafting import CONTACTS, CUSTOMERS, Draft, Filled
from zhike.masterdata.wizard.labels import DAYS, MOMENTS, SORTS
from zhike.masterdata.wizard.shapes import Look

MOST_OF = 0.8
FEW_WORDS = 40
DAY_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日",
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
MOMENT_FORMATS = (
    "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y年%m月%d日 %H:%M",
    "%Y/%m/%d", "%Y%m%d", "%Y%m%d%H%M%S", "%d/%m/%Y %H:%M",
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
CONTACT_NAMES: Mapping[str, str] = {
    "party": "客户号 客戶號 客户编号 客戶編號 客户id 客戶id 客户代码 customerid customerno custno custid clientid",
    "at": "联系时间 聯絡時間 联系日期 聯絡日期 拜访时间 拜訪時間 拜访日期 拜訪日期 跟进时间 跟進時間 通话时间 通話時間 "
    "时间 時間 日期 contactedat contacttime contactdate visittime visitdate time date at",
    "channel": "联系方式 聯絡方式 联系渠道 聯絡渠道 渠道 方式 跟进方式 跟進方式 channel medium",
    "direction": "方向 呼叫方向 direction",
    "title": "主题 主題 标题 標題 事由 联系主题 拜访主题 subject title topic",
    "body": "内容 內容 联系内容 聯絡內容 拜访内容 沟通内容 纪要 备注 備註 content body notes text",
    "result": "结果 結果 联系结果 聯絡結果 拜访结果 result outcome",
    "employee": "工号 工號 员工号 員工號 客户经理工号 客戶經理工號 employee employeeno employeeid staffid",
}  # fmt: skip
FIELD_BY_NAME = {
    into: {name: field for field, names in known.items() for name in names.split()}
    for into, known in ((CUSTOMERS, NAMES), (CONTACTS, CONTACT_NAMES))
}
CONTACT_KEYS = frozenset(
    "编号 編號 序号 序號 联系编号 记录编号 流水号 id no key contactid recordid".split()
)
KEYS = frozenset(
    "编号 編號 客户号 客戶號 客户编号 客戶編號 客户id 客戶id 序号 id no customerid customerno custno custid clientid "
    "客户代码 key code number".split()
)
WORDS: Mapping[str, Mapping[str, str]] = {
    "channel": {
        "visit": "visit 拜访 拜訪 上门 上門 走访 走訪 面谈 面談",
        "phone": "phone 电话 電話 通话 通話 call telephone",
        "wechat": "wechat 微信 企业微信",
        "sms": "sms 短信 簡訊 短訊",
        "email": "email 邮件 郵件 电子邮件 電子郵件",
        "counter": "counter 柜面 櫃面 网点 網點 到店",
    },
    "direction": {
        "in": "in 呼入 来电 來電 来访 客户 inbound",
        "out": "out 呼出 去电 去電 外呼 银行 outbound",
    },
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


def suggest(look: Look, into: str = "") -> Draft:
    """A draft for a file nobody described yet; of what its rows are where that is known."""
    into = into or _sort(look)
    columns = dict(
        zip(look.header, zip(*look.rows, strict=True) if look.rows else (), strict=False)
    )
    filled: dict[str, Filled] = {}
    for column in look.header:
        values = words_of(columns.get(column, ()))
        field = field_of(column, values, into)
        if field and field not in filled:
            filled[field] = filled_by(field, column, values, into)
    fixed = _fixed(filled) if into == CUSTOMERS else {}
    return Draft(key=_key(look, columns, into), filled=filled, fixed=fixed, into=into)


def _sort(look: Look) -> str:
    """Contacts when the columns say when and what about, and nothing but a number of whom; else customers."""
    names = {folded(column) for column in look.header}
    told = {FIELD_BY_NAME[CONTACTS].get(name) for name in names}
    person = {FIELD_BY_NAME[CUSTOMERS].get(name) for name in names} & {"resident_id", "credit_code"}
    return CONTACTS if {"party", "at", "title"} <= told and not person else CUSTOMERS


def filled_by(field: str, column: str, values: Sequence[str], into: str) -> Filled:
    """The field from this column, with the form of its days or the meaning of its words as far as they are plain."""
    if field in DAYS:
        return Filled(column, day_format(values))
    if field in MOMENTS:
        return Filled(column, day_format(values, ("%Y-%m-%d %H:%M:%S", *MOMENT_FORMATS)))
    return Filled(
        column, codes=codes_of(field, values, into) if field in SORTS[into].choices else {}
    )


def field_of(column: str, values: Sequence[str], into: str) -> str:
    """Our field, "" when nothing speaks for one. The name is a claim: values that contradict it outweigh it."""
    named = FIELD_BY_NAME[into].get(folded(column), "")
    checks = dict(BY_CONTENT) if into == CUSTOMERS else {}
    if named in checks and values and _share(values, checks[named]) < MOST_OF / 2:
        named = ""
    if named in SORTS[into].choices and values and not _plain(named, values, into):
        named = ""
    if named:
        return named
    if len(values) < 2:
        return ""
    return next((field for field, check in checks.items() if _share(values, check) >= MOST_OF), "")


def folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", normalize("NFKC", name).lower())


def words_of(values: Sequence[str]) -> list[str]:
    """The different values, without blanks, in the order they come."""
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))


def day_format(values: Sequence[str], forms: Sequence[str] = DAY_FORMATS) -> str:
    """The form that nearly all values have; "" for the first, and where none or more than one fits as well."""
    if not values:
        return ""
    shares = {form: sum(_is_day(each, form) for each in values) / len(values) for form in forms}
    best = max(shares.values())
    fitting = [form for form, share in shares.items() if share == best >= MOST_OF]
    return fitting[0] if len(fitting) == 1 and fitting[0] != forms[0] else ""


def codes_of(field: str, values: Sequence[str], into: str) -> dict[str, str]:
    """The file's words that have a plain meaning; none where they are ours already."""
    known = {word: ours for ours, words in WORDS.get(field, {}).items() for word in words.split()}
    ours = {value for value, _label in SORTS[into].choices[field]}
    if set(values) <= ours:
        return {}
    return {
        value: known.get(value, known.get(value.lower(), ""))
        for value in values[:FEW_WORDS]
        if known.get(value, known.get(value.lower()))
    }


def _plain(field: str, values: Sequence[str], into: str) -> bool:
    """Whether some word of the column is one the choice knows."""
    ours = dict(SORTS[into].choices[field])
    return bool(codes_of(field, values, into)) or any(value in ours for value in values)


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


def _key(look: Look, columns: Mapping[str, Sequence[str]], into: str) -> str:
    """The column that is called a key and is one in the rows seen; "" for none."""
    return next(
        (
            column
            for column in look.header
            if folded(column) in (KEYS if into == CUSTOMERS else CONTACT_KEYS)
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
