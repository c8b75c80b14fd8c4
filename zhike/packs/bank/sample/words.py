"""The words names and places are put together from. Written for this sample; nothing is taken from a register."""

from __future__ import annotations

from itertools import product
from typing import Final

BANK: Final = "岫禾农村商业银行（示例）"
CITY: Final = "岫禾市"

SURNAMES: Final = (
    *"王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾萧田董潘袁蔡蒋余于杜叶程苏魏吕丁",
    *"任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔",
    *("欧阳", "上官", "司马", "诸葛"),
)

# Given-name characters by sex (0 male, 1 female) and by when the bearer was born.
_GIVEN: Final = {
    (0, "old"): "建国军华明德福贵祥生荣根长永振兴保卫文武正义忠良善庆万金水林山海清平安学成",
    (0, "middle"): "伟强磊勇涛鹏辉斌杰超亮刚峰波飞浩东海宁凯锋健龙俊志宏立新文博春晓旭阳雷翔",
    (0, "young"): "子轩宇浩然梓豪天佑俊熙睿泽晨阳奕辰一诺铭哲皓博文嘉懿昊明远航思源景行知乐",
    (1, "old"): "秀英兰桂珍玉凤淑芬素琴翠莲菊香春梅月娥金花巧云爱彩霞荣美惠贞银娣招妹",
    (1, "middle"): "丽娜静敏艳娟芳霞燕玲红梅婷慧莉雪倩颖洁琳萍晶蕾薇佳璐莹丹妍虹瑶君洋",
    (1, "young"): "梓涵欣怡诗雨萱思彤语桐可馨佳琪若汐一诺悦妍心艺婉清芷晴念安舒窈曼宁嘉禾",
}
ERAS: Final = ("old", "middle", "young")


def _given_names() -> tuple[tuple[str, ...], dict[tuple[int, int], tuple[int, int, int]]]:
    """All given names, and for (sex, era): where its one-character names start, how many, how many pairs."""
    names: list[str] = []
    spans: dict[tuple[int, int], tuple[int, int, int]] = {}
    for sex, (era, word) in product((0, 1), enumerate(ERAS)):
        single = sorted(set(_GIVEN[sex, word]))
        pairs = [a + b for a, b in product(single, single) if a != b]
        spans[sex, era] = (len(names), len(single), len(pairs))
        names += single + pairs
    return tuple(names), spans


GIVEN_NAMES, GIVEN_SPANS = _given_names()

# Traditional forms of characters that occur above; the other characters are written alike.
TRADITIONAL: Final = str.maketrans(
    "张刘陈杨黄赵吴孙马罗郑谢许韩邓冯萧蒋叶苏吕卢钟谭陆贾韦邹贺顾龚万钱严欧阳龙闫国军华贵荣长"
    "兴卫义庆学伟强涛鹏辉杰刚飞东宁锋志丽静艳兰凤莲云爱银晓梦诺铭泽轩远诗语宝莹颖洁萤红",
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭蔣葉蘇呂盧鍾譚陸賈韋鄒賀顧龔萬錢嚴歐陽龍閆國軍華貴榮長"
    "興衛義慶學偉強濤鵬輝傑剛飛東寧鋒誌麗靜豔蘭鳳蓮雲愛銀曉夢諾銘澤軒遠詩語寶瑩穎潔螢紅",
)

# Counties are two syllables that no county of China joins in this way, so that no address can be real.
_COUNTY_FIRST: Final = "澍沄溱浥漪汀泓沚湄涟浬"
_COUNTY_SECOND: Final = "浦垟墟塬埠岗坪畈"
COUNTIES: Final = tuple(
    _COUNTY_FIRST[i % 11] + _COUNTY_SECOND[i % 8] for i in range(len(_COUNTY_FIRST) * 8)
)
TOWNS: Final = tuple(a + b for a, b in product("青白红南北东西上下大", "石桥河塘湖岭溪坝店庙"))
VILLAGES: Final = tuple(
    a + b for a, b in product("柳杏桃槐枣柏杨竹松梅荷麦", "湾庄沟坡岗圩洼林园墩")
)
ROADS: Final = tuple(
    a + b
    for a, b in product(
        ("丰收", "团结", "兴农", "滨河", "文昌", "迎宾", "学府", "仓前"), ("路", "街", "大道")
    )
)

BRANDS: Final = tuple(
    a + b for a, b in product("禾丰稻粟谷麦棠樟岚沐昕恒", "源润和盛泰达兴顺通茂隆康")
)
TRADES: Final = (
    ("农产品", "农林牧渔业"),
    ("粮油", "农林牧渔业"),
    ("养殖", "农林牧渔业"),
    ("食品", "制造业"),
    ("纺织", "制造业"),
    ("机械", "制造业"),
    ("木业", "制造业"),
    ("塑料制品", "制造业"),
    ("建材", "批发和零售业"),
    ("商贸", "批发和零售业"),
    ("农资", "批发和零售业"),
    ("物流", "交通运输业"),
    ("餐饮管理", "住宿和餐饮业"),
    ("建筑工程", "建筑业"),
    ("装饰工程", "建筑业"),
    ("信息技术", "信息技术服务业"),
)
FIRM_FORMS: Final = ("有限公司", "有限责任公司", "股份有限公司", "农民专业合作社")

OCCUPATIONS: Final = {
    "salary": (
        "教师",
        "职员",
        "工人",
        "护士",
        "司机",
        "工程师",
        "公务员",
        "会计",
        "技术员",
        "保安",
    ),
    "farmer": ("种植户", "养殖户", "农民", "果农", "菜农"),
    "shop": ("个体户", "店主", "餐馆经营", "农资经营", "运输户"),
    "retired": ("退休", "退休教师", "退休工人"),
    "student": ("学生", "大学生", "高中生"),
}
INDUSTRIES: Final = (
    "教育", "制造业", "卫生", "公共管理", "批发和零售业", "交通运输业", "建筑业", "农林牧渔业", "居民服务业",
)  # fmt: skip
EDUCATION: Final = ("小学", "初中", "高中", "中专", "大专", "本科", "硕士")
MARITAL: Final = ("未婚", "已婚", "离异", "丧偶")

CONTACTS: Final = {
    "visit": (
        "上门拜访，了解近期资金安排", "走访客户，介绍整村授信政策", "到店走访，商户收款码使用正常", "上门收集贷款资料",
        "陪同支行长拜访，客户关心存款利率",
    ),
    "phone": (
        "电话提醒定期存款到期", "电话回访，客户表示近期有装修打算", "致电问候，约下周见面", "电话介绍大额存单",
        "提醒贷款还款日",
    ),
    "wechat": ("微信发送理财产品说明", "微信节日问候", "客户微信询问转账限额", "微信发送网点营业时间"),
    "sms": ("短信提醒存款到期", "短信祝福生日", "短信通知贷款利率调整"),
    "counter": ("柜面办理取款时简短交流", "柜面咨询贷款", "柜面办理社保卡激活", "到厅堂咨询手机银行"),
}  # fmt: skip
CONTACT_RESULTS: Final = ("已沟通", "有意向", "无意向", "未接通", "待跟进", "已办理")

LIKES: Final = (
    "喝茶",
    "钓鱼",
    "广场舞",
    "书法",
    "太极",
    "爱打麻将",
    "摄影",
    "养花",
    "象棋",
    "种菜",
    "戏曲",
    "跑步",
)
NOTES: Final = (
    "孩子在外地读书", "有意买房", "利率敏感", "老客户，逢年过节要走动", "对理财有顾虑", "他行也有存款", "准备扩大养殖",
    "明年退休", "喜欢面谈，不爱接电话", "拆迁款已到", "儿子结婚要用钱", "夏收后还款", "可介绍同村客户",
)  # fmt: skip
HONORIFICS: Final = (("先生", "老师", "师傅", "大哥"), ("女士", "老师", "大姐", "阿姨"))
