"""What the sample hospital charges for. Codes are invented; prices, classes and limits make the two published stories.

One row: code tail, item kind, charge class, name, spec, form, unit, price in 元, class A|B|C, own share before
the pool, price limit.
"""

from dataclasses import dataclass
from decimal import Decimal

CATEGORY_NAMES = {
    "01": "床位费", "02": "诊察费", "03": "检查费", "04": "化验费", "05": "治疗费", "06": "手术费", "07": "护理费",
    "08": "卫生材料费", "09": "西药费", "10": "中药饮片费", "11": "中成药费", "12": "一般诊疗费",
    "13": "挂号费", "14": "其他费",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    nat_code: str
    hosp_code: str
    item_kind: str
    category: str
    name: str
    spec: str
    form: str
    unit: str
    price: Decimal
    class_level: str
    self_ratio: Decimal
    price_limit: Decimal
    """0 = no limit."""


_PREFIXES = {("drug", "09"): "XTST", ("drug", "11"): "ZTST", ("material", "08"): "CTST"}


def _item(row: str) -> Item:
    tail, kind, category, name, spec, form, unit, price, level, ratio, limit = (cell.strip() for cell in row.split("|"))
    prefix = _PREFIXES.get((kind, category), "00TST")
    width = {"XTST": 19, "ZTST": 19, "CTST": 16, "00TST": 10}[prefix]
    nat_code = prefix + tail.zfill(width)
    return Item(
        nat_code, f"YN{tail.zfill(5)}", kind, category, name, spec, form, unit,
        Decimal(price), level, Decimal(ratio), Decimal(limit),
    )  # fmt: skip


_ROWS = """
1|treatment|02|普通门诊诊查费|||次|25|A|0|0
2|treatment|04|血常规(五分类)|||次|20|A|0|0
3|treatment|04|C反应蛋白测定|||次|35|A|0|0
4|treatment|03|胸部正位片|||次|80|B|0.1|0
5|drug|09|阿莫西林胶囊|0.25g*24粒|胶囊剂|盒|18.6|A|0|0
6|drug|09|氨溴索片|30mg*20片|片剂|片|3.333333|B|0.2|0
7|drug|11|清热颗粒|10g*9袋|颗粒剂|盒|56.8|B|0.15|0
8|material|08|一次性雾化器|成人型||个|28|C|1|0
9|drug|09|头孢克肟分散片|0.1g*12片|分散片|盒|138|B|0.3|120
101|facility|01|普通病房床位费(三人间)|||日|60|A|0|50
102|treatment|07|二级护理|||日|30|A|0|0
103|treatment|02|住院诊查费|||日|22|A|0|0
104|treatment|04|肝功能五项|||次|85|A|0|0
105|treatment|04|凝血四项|||次|120|A|0|0
106|treatment|04|术前免疫八项|||次|210|B|0.1|0
107|treatment|03|常规心电图|||次|30|A|0|0
108|treatment|03|腹部CT平扫|||次|320|B|0.1|0
109|treatment|03|术后病理检查|||次|180|B|0.1|0
110|treatment|06|腹腔镜阑尾切除术|||次|2600|A|0|0
111|treatment|05|全身麻醉|||次|780|B|0.1|0
112|material|08|一次性穿刺器|12mm||个|486.5|B|0.3|0
113|material|08|可吸收缝线|2-0||根|95.2|B|0.2|0
114|material|08|防粘连膜|5cm*5cm||片|365|C|1|0
115|material|08|一次性敷料|10cm*10cm||片|12.8|A|0|0
116|drug|09|头孢曲松注射剂|1g|注射剂|支|38.4567|B|0.1|0
117|drug|09|氯化钠注射液|100ml|注射剂|袋|4.25|A|0|0
118|drug|09|葡萄糖注射液|500ml|注射剂|袋|6.8|A|0|0
119|drug|09|术后镇痛泵药盒|100ml|注射剂|盒|168|C|1|0
120|drug|09|泮托拉唑注射剂|40mg|注射剂|支|45.6|B|0.1|0
121|drug|09|丙泊酚注射液|20ml|注射剂|支|52|B|0.1|0
122|drug|11|通便胶囊|0.35g*18粒|胶囊剂|盒|48.9|B|0.15|0
123|treatment|05|静脉输液|||次|15|A|0|0
124|treatment|05|伤口换药|||次|25|A|0|0
125|treatment|05|心电监护(术后)|||次|40|A|0|0
126|treatment|05|吸氧|||小时|4|A|0|0
"""

ITEMS = {int(row.split("|")[0]): _item(row) for row in _ROWS.strip().splitlines()}
