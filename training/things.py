"""The things that scenes are made of: glyphs of an emoji font, and what people call them.

Unicode's own character names are not what people say ("face with tears of joy"), so they are written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

NAMED = {
    "animal": """🐕 dog; 🐶 dog, puppy; 🦮 dog, guide dog; 🐈 cat; 🐱 cat, kitten; 🐺 wolf; 🦊 fox;
        🐻 bear; 🐼 panda; 🐨 koala; 🐅 tiger; 🦁 lion; 🐴 horse, pony; 🐎 horse; 🦄 unicorn; 🦓 zebra;
        🦌 deer, stag; 🐮 cow; 🐄 cow; 🐷 pig, piglet; 🐖 pig; 🐑 sheep, lamb; 🐐 goat; 🐫 camel;
        🦒 giraffe; 🐘 elephant; 🦏 rhinoceros, rhino; 🐭 mouse; 🐁 mouse; 🐇 rabbit, bunny, hare;
        🐿 squirrel, chipmunk; 🦔 hedgehog; 🦇 bat; 🦘 kangaroo; 🐒 monkey; 🐵 monkey; 🐸 frog, toad;
        🐢 turtle, tortoise; 🦎 lizard, gecko; 🐍 snake, serpent; 🐉 dragon; 🦖 dinosaur,
        tyrannosaurus; 🐳 whale; 🐋 whale; 🐬 dolphin; 🐙 octopus; 🐌 snail; 🦀 crab""",
    "animal bird": """🐦 bird; 🐔 chicken, hen; 🐤 chick; 🐧 penguin; 🦅 eagle; 🦆 duck; 🦉 owl;
        🦚 peacock; 🦜 parrot""",
    "animal fish": "🐟 fish; 🐠 fish, tropical fish; 🐡 blowfish, pufferfish; 🦈 shark",
    "animal insect": "🦋 butterfly; 🐛 caterpillar, bug; 🐜 ant; 🐝 bee, honeybee; 🐞 ladybird, ladybug",
    "animal creature": "🕷 spider; 🦂 scorpion",
    "plant flower": "💐 bouquet; 🌸 cherry blossom, blossom; 🌹 rose, red rose; 🌻 sunflower; 🌷 tulip",
    "plant tree": "🌲 fir, pine, evergreen; 🌳 tree, oak; 🌴 palm, palm tree; 🎄 christmas tree",
    "plant": """🌵 cactus; 🍀 clover, four leaf clover; 🍁 maple leaf, red leaf; 🍂 fallen leaf,
        autumn leaf; 🍄 mushroom, toadstool""",
    "food fruit": """🍇 grapes, bunch of grapes; 🍉 watermelon; 🍊 orange, tangerine; 🍋 lemon;
        🍌 banana; 🍍 pineapple; 🍎 red apple, apple; 🍏 green apple, apple; 🍐 pear; 🍒 cherries;
        🍓 strawberry; 🍅 tomato; 🥥 coconut""",
    "food vegetable": """🥑 avocado; 🍆 aubergine, eggplant; 🥕 carrot; 🌽 corn, maize; 🌶 chilli, hot
        pepper; 🥦 broccoli; 🧅 onion""",
    "food": """🍞 bread, loaf of bread; 🥐 croissant; 🥨 pretzel; 🧀 cheese; 🍔 burger, hamburger;
        🍟 fries, chips; 🍕 pizza, slice of pizza; 🌭 hot dog; 🥚 egg; 🍳 fried egg, frying pan;
        🍿 popcorn; 🍝 spaghetti, pasta; 🍣 sushi; 🍭 lollipop; 🍦 ice cream, ice cream cone;
        🍩 doughnut, donut; 🍪 cookie, biscuit; 🎂 birthday cake, cake; 🍰 cake, slice of cake""",
    "drink": """🥛 milk, glass of milk; ☕ coffee, cup of coffee; 🫖 teapot; 🍷 wine, glass of wine,
        red wine; 🍺 beer, mug of beer; 🥤 soda""",
    "vehicle": """🚂 locomotive, steam train; 🚆 train; 🚄 train, fast train; 🚅 train, bullet train;
        🚌 bus; 🚑 ambulance; 🚒 fire engine, fire truck; 🚓 police car; 🚕 taxi, yellow taxi; 🚗 car,
        red car; 🚙 car, blue car; 🚚 truck, delivery truck; 🚜 tractor; 🏍 motorcycle, motorbike;
        🚲 bicycle, bike; 🛹 skateboard; ⛵ sailboat, sailing boat; 🚤 speedboat, boat; 🛶 canoe,
        kayak; 🚢 ship; ✈ airplane, aeroplane, plane; 🚁 helicopter; 🚀 rocket; 🛸 flying saucer,
        ufo""",
    "building": """🏠 house, home; 🏡 house; 🏭 factory; 🏰 castle; ⛪ church; 🗼 tower; ⛺ tent;
        🎪 circus tent, circus; 🗽 statue of liberty; ⛲ fountain; 🎡 ferris wheel; 🌉 bridge""",
    "weather": """☀ sun; 🌞 sun, sun with a face; ☁ cloud; 🌧 rain, rain cloud; 🌪 tornado,
        whirlwind; 🌈 rainbow; ❄ snowflake; ⚡ lightning, lightning bolt; ☂ umbrella; ☔ umbrella;
        🌙 moon, crescent; 🌕 full moon, moon; ⭐ star; 🌟 star; 🔥 fire, flame; 💧 drop, water drop;
        🌊 wave""",
    "toy snowman": "☃ snowman; ⛄ snowman",
    "tool": """⚓ anchor; 🔨 hammer; 🪓 axe; 🔧 wrench, spanner; 🪚 saw; ⚙ gear, cog; 🧲 magnet;
        🪜 ladder; 🔪 knife, kitchen knife; ✂ scissors; 🧹 broom; 🪣 bucket; 🔦 torch, flashlight;
        🔭 telescope; ✏ pencil; 🖌 paintbrush, brush; 🔑 key; 🗝 old key, key""",
    "instrument": """🎸 guitar; 🎹 piano, keyboard; 🎺 trumpet; 🎻 violin; 🥁 drum; 🎷 saxophone;
        🔔 bell; 🎤 microphone""",
    "ball": """⚽ football, soccer ball; 🏀 basketball; 🏈 american football; ⚾ baseball; 🎾 tennis
        ball; 🎱 billiard ball""",
    "toy": "🪁 kite; 🎈 balloon, red balloon; 🧸 teddy bear, teddy; 🎲 die, dice; 🧶 ball of yarn, yarn",
    "clothing": """👓 glasses; 🕶 sunglasses; 👔 tie, shirt and tie; 👕 shirt; 👖 jeans, trousers;
        🧣 scarf; 🧤 gloves; 🧦 socks; 👗 dress; 👜 handbag, bag; 🎒 backpack, rucksack; 👟 trainer,
        sneaker, shoe; 👢 boot; 👑 crown; 👒 hat; 🎩 top hat, hat; 🧢 cap, blue cap; 💍 ring""",
    "furniture": """🪑 chair; 🛏 bed; 🛋 sofa, couch; 🚪 door; 🪟 window; 🚽 toilet; 🛁 bath, bathtub;
        🕯 candle; 💡 light bulb, bulb; ⏰ alarm clock, clock""",
    "device": """⌚ watch; 📱 phone, mobile phone; ☎ telephone; 💻 laptop, computer; 📺 television,
        tv; 📻 radio; 📷 camera; 🔋 battery; 🎮 game controller; 🎧 headphones; 🤖 robot""",
    "book": """📕 red book, book; 📗 green book, book; 📘 blue book, book; 📖 open book, book;
        📚 books, stack of books; 📰 newspaper; 🗺 map; ✉ letter, envelope; 📦 parcel, box; 💌 love
        letter""",
    "heart": """❤ red heart, heart; 💛 yellow heart, heart; 💚 green heart, heart; 💙 blue heart,
        heart; 💜 purple heart, heart; 💔 broken heart""",
    "face": """😀 smiling face, smile; 😂 laughing face, tears of joy; 😍 face in love; 😎 face with
        sunglasses, cool face; 😢 crying face; 😡 furious face, red face; 😱 screaming face;
        😴 sleeping face; 😷 face with a mask; 🤢 sick face, green face; 🤠 cowboy; 🤡 clown; 👻 ghost;
        👽 alien; 💀 skull; 😈 devil; 🎃 pumpkin, jack o lantern""",
    "person": """👶 baby; 👦 boy; 👧 girl; 👨 man; 👩 woman; 👮 police officer; 👸 princess; 🎅 santa,
        father christmas; 🧙 wizard; 🧜 mermaid; 💃 dancer; 🏃 runner; 🏄 surfer""",
    "body part": "👁 eye; 👂 ear; 👃 nose; 👄 mouth, lips; 🦷 tooth; 🦴 bone",
    "landscape": """🌋 volcano; 🗻 mountain, mount fuji; ⛰ mountain; 🏖 beach; 🏝 island, desert
        island; 🏜 desert; 🌅 sunrise; 🏙 skyline, city; 🌍 earth, globe; 🪐 planet, saturn""",
}
"""Things by kind: a glyph and its names, the most usual one first, then the next glyph."""

PLURALS = {
    "wolf": "wolves", "mouse": "mice", "sheep": "sheep", "fish": "fish", "deer": "deer", "goose": "geese",
    "ox": "oxen", "leaf": "leaves", "knife": "knives", "foot": "feet", "tooth": "teeth", "man": "men",
    "woman": "women", "die": "dice", "loaf": "loaves", "shrimp": "shrimp", "squid": "squid", "bison": "bison",
    "child": "children", "wolves": "wolves", "person": "people", "tomato": "tomatoes", "potato": "potatoes",
    "mango": "mangoes", "dice": "dice", "scissors": "scissors", "glass": "glasses", "axe": "axes",
    "hippopotamus": "hippopotamuses", "rhinoceros": "rhinoceroses", "octopus": "octopuses", "cactus": "cacti",
    "bus": "buses", "trolleybus": "trolleybuses", "hibiscus": "hibiscuses", "lotus": "lotuses",
    "compass": "compasses", "snowman": "snowmen",
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """One glyph and what it is called.

    Attributes:
        glyph: The character.
        names: What it is called, the most usual name first.
        kinds: What sort of thing it is, such as `animal`; may be empty.
    """

    glyph: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """The most usual name."""
        return self.names[0]

    def is_called(self, words: str) -> bool:
        """Whether `words` is one of its names or kinds."""
        return words in self.names or words in self.kinds


@cache
def things() -> tuple[Thing, ...]:
    """All things, in the order of their characters."""
    named = (
        Thing(entry.split()[0], _names(entry), _kinds(kinds))
        for kinds, entries in NAMED.items()
        for entry in entries.split(";")
    )
    return tuple(sorted(named, key=lambda thing: thing.glyph))


def _names(entry: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in entry.strip().partition(" ")[2].split(","))


def _kinds(text: str) -> tuple[str, ...]:
    return (text,) if text == "body part" else tuple(text.split())


def plural(name: str) -> str:
    """The plural of a thing's name: of its first noun in "slice of pizza", otherwise of its last word."""
    for joint in (" of ", " with ", " in ", " behind ", " and ", " at ", " on "):
        if joint in name:
            head, _, tail = name.partition(joint)
            return plural(head) + joint + tail
    before, _, word = name.rpartition(" ")
    return f"{before} {_plural_word(word)}".strip()


def _plural_word(word: str) -> str:
    if word in PLURALS:
        return PLURALS[word]
    if word.endswith("s") and not word.endswith("ss"):
        return word
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"
