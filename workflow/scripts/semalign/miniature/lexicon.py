"""The words of the world: what can be said of a scene, in Chinese and in Tibetan.

A word is a concept with its Chinese forms and its Tibetan forms, the usual one first and a synonym, if any, second.
Synonyms share few syllables with each other, and many with words of another meaning. Tibetan forms are syllables
joined by tsheg, without the last one. Verbs stand in the past stem; one of several syllables is a noun with a light
verb at its end. In each table the first words (`NARROW`) are those of the narrow fine-tuning domain.
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
student 学生 སློབ་མ/དགེ་ཕྲུག
doctor 医生/大夫 སྨན་པ/ཨེམ་ཆི
farmer 农民/农夫 ཞིང་པ/སོ་ནམ་པ
herder 牧民/牧人 འབྲོག་པ/ཕྱུགས་རྫི
merchant 商人 ཚོང་པ/ཁེ་པ
monk 僧人 གྲྭ་པ/བཙུན་པ
nun 尼姑 བཙུན་མ/ཇོ་མོ
girl 女孩/姑娘 བུ་མོ/ན་ཆུང
painter 画家/画师 ལྷ་བྲིས་པ/རི་མོ་མཁན
driver 司机 ཁ་ལོ་བ
soldier 士兵 དམག་མི
police 警察 ཉེན་རྟོག/སྐོར་སྲུང་བ
singer 歌手 གླུ་བ/གཞས་མཁན
reporter 记者 གསར་འགོད་པ
carpenter 木匠 ཤིང་བཟོ/ཤིང་མཁན
hunter 猎人 རྔོན་པ/ཁྱི་ར་བ
tailor 裁缝 འཚེམ་བུ་བ
cook 厨师 མ་བྱན/ཐབ་ཚང་བ
boy 男孩 བུ་ཆུང/ཁྱེའུ
""")

COMPANIONS = _words("""
mother 母亲/妈妈 ཨ་མ/ཡུམ
friend 朋友/好友 གྲོགས་པོ/རོགས་པ
brother 哥哥/兄长 ཨ་ཇོ/ཕུ་བོ
sister 姐姐 ཨ་ཅེ/སྲིང་མོ
father 父亲/爸爸 ཨ་ཕ/ཡབ
neighbour 邻居 ཁྱིམ་མཚེས/གྲོང་མཚེས
grandfather 爷爷/祖父 མེས་པོ/སྤོ་བོ
grandmother 奶奶/祖母 རྨོ་མོ/ཨ་ཕྱི
guest 客人/来客 མགྲོན་པོ/སྐུ་མགྲོན
uncle 叔叔 ཨ་ཁུ/ཁུ་བོ
aunt 阿姨 ཨ་ནེ/སྲུ་མོ
child 孩子 ཕྲུ་གུ/བྱིས་པ
""")

TIMES = _words("""
yesterday 昨天/昨日 ཁ་སང/ཁ་རྩང
today 今天/今日 དེ་རིང/ཉིན་འདིར
morning 早上/清晨 ཞོགས་པ/སྔ་དྲོ
evening 晚上/傍晚 དགོང་མོ/ས་སྲོད
spring 春天 དཔྱིད་ཀ/དཔྱིད་དུས
last_year 去年 ན་ནིང/འདས་ལོ
noon 中午 ཉིན་གུང/ཉིན་ཕྱེད
night 夜里 མཚན་མོ/མཚན་དུས
summer 夏天 དབྱར་ཁ/དབྱར་དུས
autumn 秋天 སྟོན་ཀ/སྟོན་དུས
winter 冬天 དགུན་ཁ/དགུན་དུས
recently 最近 ཉེ་ཆར/ཉེ་དུས
""")

PLACES = _words("""
school 学校 སློབ་གྲྭ/སློབ་གླིང
market 市场/集市 ཁྲོམ་ར/ཚོང་ར
hospital 医院 སྨན་ཁང/སྨན་བཅོས་ཁང
monastery 寺院/寺庙 དགོན་པ/གཙུག་ལག་ཁང
shop 商店 ཚོང་ཁང/ཉོ་ཁང
restaurant 饭馆/餐馆 ཟ་ཁང/གསོལ་ཁང
village 村庄/村子 གྲོང་གསེབ/གྲོང་ཚོ
grassland 草原 རྩྭ་ཐང/སྤང་ཐང
teahouse 茶馆 ཇ་ཁང/གསོལ་ཇ་ཁང
library 图书馆 དཔེ་མཛོད/དཔེ་ཁང
airport 机场 གནམ་ཐང/གནམ་གྲུ་ཐང
station 车站 འབབ་ཚུགས/རླངས་འཁོར་ཚུགས
bank 银行 དངུལ་ཁང
factory 工厂 བཟོ་གྲྭ/བཟོ་ལས་ཁང
park 公园 གླིང་ཀ/སྤྱི་གླིང
riverside 河边 ཆུ་འགྲམ/གཙང་འགྲམ
forest 森林 ནགས་ཚལ/ཤིང་ནགས
city 城市/城里 གྲོང་ཁྱེར/གྲོང་རྡལ
""")

ACTIONS = _words("""
buy 买/购买 ཉོས/ཉོ་སྒྲུབ་བྱས
sell 卖/出售 བཙོངས/འཚོང་སྤེལ་བྱས
see 看见/看到 མཐོང/མཇལ
find 找到 རྙེད/འཚོལ་རྙེད་བྱུང
bring 带来 འཁྱེར/བསྣམས
lose 丢失/弄丢 བོར/བརླགས
send 送 བསྐུར/རྫངས
steal 偷/偷走 བརྐུས/རྐུན་མ་བརྒྱབས
hide 藏/藏起 སྦས/བསྐུངས
wash 洗 བཀྲུས/བཤལ
choose 选/挑选 བདམས/འདེམས་སྒྲུག་བྱས
borrow 借 གཡར/བརྙས
""")

OBJECTS = _words("""
book 书:本 དེབ/དཔེ་ཆ
clothes 衣服:件 གྱོན་ཆས/གོས
hat 帽子:顶 ཞྭ་མོ/དབུ་ཞྭ
horse 马:匹 རྟ/ཆིབས
sheep 羊:只 ལུག/གཡང་དཀར
bowl 碗:个 ཕོར་པ/ཞལ་དཀར
flower 花:朵 མེ་ཏོག
knife 刀:把 གྲི/ཕྱག་གྲི
apple 苹果:个 ཀུ་ཤུ
letter 信:封 འཕྲིན་ཡིག/ཡི་གེ
pen 笔:支 སྨྱུ་གུ/ཕྱག་སྨྱུག
shoes 鞋子:双 ལྷམ/ཞབས་ཆག
table 桌子:张 ཅོག་ཙེ/གསོལ་ལྕོག
chair 椅子:把 རྐུབ་བཀྱག/བཞུགས་ཁྲི
car 汽车:辆 རླངས་འཁོར/མོ་ཊ
bicycle 自行车:辆 རྐང་འཁོར/ལྕགས་རྟ
yak 牦牛:头 གཡག/ནོར
dog 狗:只 ཁྱི
cat 猫:只 ཞི་མི/བྱི་ལ
bird 鸟:只 བྱ/འདབ་ཆགས
painting 画:幅 རི་མོ/བྲིས་ཆ
lamp 灯:盏 སྒྲོན་མེ/བཞུ་མར
box 箱子:个 སྒམ/སྒྲོམ
carpet 地毯:张 གདན/རུམ་གདན
""")

QUALITIES = _words("""
red 红色 དམར་པོ/མདོག་དམར
white 白色 དཀར་པོ/མདོག་དཀར
big 大 ཆེན་པོ/ཆེ་བ
new 新 གསར་པ/སོ་མ
small 小 ཆུང་ཆུང/ཆུང་བ
black 黑色 ནག་པོ/མདོག་ནག
yellow 黄色 སེར་པོ/མདོག་སེར
green 绿色 ལྗང་ཁུ/མདོག་ལྗང
old 旧 རྙིང་པ/རྙིང་མ
beautiful 漂亮/美丽 མཛེས་པོ/སྙིང་རྗེ་པོ
""")

NUMBERS = _words("""
1 一 གཅིག/གྲངས་གཅིག
2 两 གཉིས/གྲངས་གཉིས
3 三 གསུམ/གྲངས་གསུམ
4 四 བཞི/གྲངས་བཞི
5 五 ལྔ/གྲངས་ལྔ
6 六 དྲུག/གྲངས་དྲུག
7 七 བདུན/གྲངས་བདུན
8 八 བརྒྱད/གྲངས་བརྒྱད
9 九 དགུ/གྲངས་དགུ
10 十 བཅུ/གྲངས་བཅུ
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
