"""The words of the world: what can be said of a scene, in Chinese and in Tibetan.

A word is a concept with its Chinese forms and its Tibetan forms, the usual one first and a synonym, if any, second.
Tibetan forms are syllables joined by tsheg, without the last one; verbs stand in the past stem. In each table the
first words (`NARROW`) are those of the narrow fine-tuning domain.
"""

from dataclasses import dataclass

TSHEG = "་"
SHAD = "།"


@dataclass(frozen=True)
class Word:
    """A concept: its name, its forms in both languages and, for a countable thing, its Chinese classifier."""

    name: str
    chinese: tuple[str, ...]
    tibetan: tuple[str, ...]
    classifier: str = ""


def _words(table: str) -> tuple[Word, ...]:
    """Read a table of `name chinese[/synonym][classifier after :] tibetan[/synonym]`, a word a line."""
    words = []
    for line in table.strip().splitlines():
        name, chinese, tibetan = line.split()
        chinese, _, classifier = chinese.partition(":")
        words.append(Word(name, tuple(chinese.split("/")), tuple(tibetan.split("/")), classifier))
    return tuple(words)


PEOPLE = _words("""
teacher 老师/教师 དགེ་རྒན/སློབ་དཔོན
student 学生 སློབ་མ/སློབ་ཕྲུག
doctor 医生/大夫 སྨན་པ/ཨེམ་ཆི
farmer 农民/农夫 ཞིང་པ
herder 牧民/牧人 འབྲོག་པ
merchant 商人 ཚོང་པ
monk 僧人 གྲྭ་པ
nun 尼姑 བཙུན་མ
girl 女孩/姑娘 བུ་མོ
painter 画家/画师 ལྷ་བྲིས་པ
driver 司机 ཁ་ལོ་བ
soldier 士兵 དམག་མི
police 警察 ཉེན་རྟོག
singer 歌手 གླུ་བ
reporter 记者 གསར་འགོད་པ
carpenter 木匠 ཤིང་བཟོ
hunter 猎人 རྔོན་པ
tailor 裁缝 འཚེམ་བུ་བ
cook 厨师 མ་བྱན
boy 男孩 བུ་ཆུང
""")

COMPANIONS = _words("""
mother 母亲/妈妈 ཨ་མ
friend 朋友/好友 གྲོགས་པོ
brother 哥哥/兄长 ཨ་ཇོ
sister 姐姐 ཨ་ཅེ
father 父亲/爸爸 ཨ་ཕ
neighbour 邻居 ཁྱིམ་མཚེས
grandfather 爷爷/祖父 མེས་པོ
grandmother 奶奶/祖母 རྨོ་མོ
guest 客人/来客 མགྲོན་པོ
uncle 叔叔 ཨ་ཁུ
aunt 阿姨 ཨ་ནེ
child 孩子 ཕྲུ་གུ
""")

TIMES = _words("""
yesterday 昨天/昨日 ཁ་སང
today 今天/今日 དེ་རིང
morning 早上/清晨 ཞོགས་པ
evening 晚上/傍晚 དགོང་མོ
spring 春天 དཔྱིད་ཀ
last_year 去年 ན་ནིང
noon 中午 ཉིན་གུང
night 夜里 མཚན་མོ
summer 夏天 དབྱར་ཁ
autumn 秋天 སྟོན་ཀ
winter 冬天 དགུན་ཁ
recently 最近 ཉེ་ཆར
""")

PLACES = _words("""
school 学校 སློབ་གྲྭ
market 市场/集市 ཁྲོམ་ར
hospital 医院 སྨན་ཁང
monastery 寺院/寺庙 དགོན་པ
shop 商店 ཚོང་ཁང
restaurant 饭馆/餐馆 ཟ་ཁང
village 村庄/村子 གྲོང་གསེབ
grassland 草原 རྩྭ་ཐང
teahouse 茶馆 ཇ་ཁང
library 图书馆 དཔེ་མཛོད
airport 机场 གནམ་ཐང
station 车站 འབབ་ཚུགས
bank 银行 དངུལ་ཁང
factory 工厂 བཟོ་གྲྭ
park 公园 གླིང་ཀ
riverside 河边 ཆུ་འགྲམ
forest 森林 ནགས་ཚལ
city 城市/城里 གྲོང་ཁྱེར
""")

ACTIONS = _words("""
buy 买/购买 ཉོས
sell 卖/出售 བཙོངས
see 看见/看到 མཐོང
find 找到 རྙེད
bring 带来 འཁྱེར
lose 丢失/弄丢 བོར/བརླགས
send 送 བསྐུར
steal 偷/偷走 བརྐུས
hide 藏/藏起 སྦས
wash 洗 བཀྲུས
choose 选/挑选 བདམས
borrow 借 གཡར
""")

OBJECTS = _words("""
book 书:本 དེབ/དཔེ་ཆ
clothes 衣服:件 གྱོན་ཆས/གོས
hat 帽子:顶 ཞྭ་མོ
horse 马:匹 རྟ
sheep 羊:只 ལུག
bowl 碗:个 ཕོར་པ
flower 花:朵 མེ་ཏོག
knife 刀:把 གྲི
apple 苹果:个 ཀུ་ཤུ
letter 信:封 འཕྲིན་ཡིག
pen 笔:支 སྨྱུ་གུ
shoes 鞋子:双 ལྷམ
table 桌子:张 ཅོག་ཙེ
chair 椅子:把 རྐུབ་བཀྱག
car 汽车:辆 རླངས་འཁོར
bicycle 自行车:辆 རྐང་འཁོར
yak 牦牛:头 གཡག
dog 狗:只 ཁྱི
cat 猫:只 ཞི་མི
bird 鸟:只 བྱ
painting 画:幅 རི་མོ
lamp 灯:盏 སྒྲོན་མེ
box 箱子:个 སྒམ
carpet 地毯:张 གདན
""")

QUALITIES = _words("""
red 红色 དམར་པོ
white 白色 དཀར་པོ
big 大 ཆེན་པོ
new 新 གསར་པ
small 小 ཆུང་ཆུང
black 黑色 ནག་པོ
yellow 黄色 སེར་པོ
green 绿色 ལྗང་ཁུ
old 旧 རྙིང་པ
beautiful 漂亮/美丽 མཛེས་པོ
""")

NUMBERS = _words("""
1 一 གཅིག
2 两 གཉིས
3 三 གསུམ
4 四 བཞི
5 五 ལྔ
6 六 དྲུག
7 七 བདུན
8 八 བརྒྱད
9 九 དགུ
10 十 བཅུ
""")

THINGS = _words("""
weather 天气 གནམ་གཤིས
road 路 ལམ
water 水 ཆུ
wind 风 རླུང
sun 太阳 ཉི་མ
moon 月亮 ཟླ་བ
snow 雪 གངས
tea 茶 ཇ
""")

CONDITIONS = _words("""
good 好 ཡག་པོ
cold 冷 གྲང་མོ
hot 热 ཚ་པོ
long 长 རིང་པོ
clear 清楚 གསལ་པོ
quiet 安静 ཁུ་སིམ་པོ
fast 快 མགྱོགས་པོ
soft 柔和 འཇམ་པོ
""")

SLOTS: dict[str, tuple[Word, ...]] = {
    "time": TIMES,
    "subject": PEOPLE,
    "place": PLACES,
    "companion": COMPANIONS,
    "action": ACTIONS,
    "number": NUMBERS,
    "quality": QUALITIES,
    "object": OBJECTS,
}

NARROW = {"time": 6, "subject": 10, "place": 8, "companion": 6, "action": 6, "number": 5, "quality": 5, "object": 10}

STATE_SLOTS: dict[str, tuple[Word, ...]] = {"thing": THINGS, "condition": CONDITIONS}

_BY_NAME = {slot: {word.name: word for word in words} for slot, words in (SLOTS | STATE_SLOTS).items()}


def word(slot: str, name: str) -> Word:
    """The word of a slot's value, as in `word("object", "book")`. Raises KeyError if there is none."""
    return _BY_NAME[slot][name]
