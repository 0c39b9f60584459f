"""The things that scenes are made of: glyphs of an emoji font, and what people call them.

The names come from the table below, and for all other glyphs from Unicode's own character names.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

FURTHER = """
    ⌛⏱⏲⏳☹☺⚒⚓⚔⚰⚱⛩⛱⛸⛽🌂🌄🌚🌝🌠🌡🌫🍠🍲🍴🍶🍽🎀🎁🎆🎉🎊🎏🎐🎖🎗🎙🎣🎨🎫🎬🎭🎯🎰🎵🎶🎼🎿
    🏁🏅🏆🏌🏏🏑🏒🏓🏷🏸🏺🐚🐽🐾👣💄💅💈💉💊💌💎💣💪💰💳💸💺💼💽💿📁📅📋📌📍📎📏📐📜📝📠📢📣📮🔈🔌🔒
    🔮🕸🗄🗞🗿😋😌😏😑😒😔😕😖😗😞😟😣😥😧😨😩😪😫😬😯😲😳🙂🙃🚣🚦🚨🚩🛍🛎🛒🛝🛞🛟🛡🛤🤑🤗🤤🤥🤦🤧🥂
    🥄🥅🥇🥈🥉🥊🥋🥌🥍🥏🥘🥙🥠🥣🥱🥵🥸🥹🥻🥼🥿🦠🦪🧆🧊🧒🧝🧞🧨🧪🧫🧬🧭🧮🧱🧶🧷🧺🧻🧼🧽🧾🩸🩹🩺🩻🩼🪂
    🪃🪄🪅🪙🪠🪢🪦🪨🪩🪵🪶🪸🪹🪺🫓🫕🫙🫠🫡🫧
"""
"""Less common things, called by their Unicode names."""

NAMED = {
    "animal": """🐕 dog; 🐶 dog, puppy; 🦮 dog, guide dog; 🐩 poodle; 🐈 cat; 🐱 cat, kitten; 🐺 wolf;
        🦊 fox; 🐻 bear; 🐼 panda; 🐨 koala; 🐯 tiger; 🐅 tiger; 🐆 leopard; 🦁 lion; 🐴 horse, pony;
        🐎 horse; 🦄 unicorn; 🦓 zebra; 🦌 deer, stag; 🦬 bison, buffalo; 🐮 cow; 🐄 cow; 🐂 ox, bull;
        🐃 water buffalo; 🐷 pig, piglet; 🐖 pig; 🐗 boar, wild boar; 🐏 ram; 🐑 sheep, lamb; 🐐 goat;
        🐪 camel, dromedary; 🐫 camel; 🦙 llama, alpaca; 🦒 giraffe; 🐘 elephant; 🦣 mammoth;
        🦏 rhinoceros, rhino; 🦛 hippopotamus, hippo; 🐭 mouse; 🐁 mouse; 🐀 rat; 🐹 hamster;
        🐰 rabbit, bunny; 🐇 rabbit, bunny, hare; 🐿 squirrel, chipmunk; 🦫 beaver; 🦔 hedgehog; 🦇 bat;
        🦥 sloth; 🦦 otter; 🦨 skunk; 🦘 kangaroo; 🦡 badger; 🐒 monkey; 🐵 monkey; 🦍 gorilla, ape;
        🦧 orangutan, ape; 🦝 raccoon; 🐸 frog, toad; 🐊 crocodile, alligator; 🐢 turtle, tortoise;
        🦎 lizard, gecko; 🐍 snake, serpent; 🐉 dragon; 🐲 dragon; 🦕 dinosaur;
        🦖 dinosaur, tyrannosaurus; 🐳 whale; 🐋 whale; 🐬 dolphin; 🦭 seal; 🐙 octopus; 🐌 snail;
        🦀 crab; 🦞 lobster; 🦐 shrimp, prawn; 🦑 squid""",
    "animal bird": """🐦 bird; 🦃 turkey; 🐔 chicken, hen; 🐓 rooster, cock; 🐣 chick, hatching chick;
        🐤 chick; 🐥 chick; 🐧 penguin; 🕊 dove, pigeon; 🦅 eagle; 🦆 duck; 🦢 swan; 🦉 owl; 🦤 dodo;
        🦩 flamingo; 🦚 peacock; 🦜 parrot""",
    "animal fish": "🐟 fish; 🐠 fish, tropical fish; 🐡 blowfish, pufferfish; 🦈 shark",
    "animal insect": """🦋 butterfly; 🐛 caterpillar, bug; 🐜 ant; 🐝 bee, honeybee; 🪲 beetle;
        🐞 ladybird, ladybug; 🦗 cricket, grasshopper; 🪳 cockroach; 🪰 fly; 🦟 mosquito""",
    "animal creature": "🕷 spider; 🦂 scorpion; 🪱 worm",
    "plant flower": """💐 bouquet; 🌸 cherry blossom, blossom; 🌹 rose, red rose; 🌺 hibiscus;
        🌻 sunflower; 🌼 daisy; 🌷 tulip; 🥀 wilted flower; 🪷 lotus, water lily; 🏵 rosette""",
    "plant tree": "🌲 fir, pine, evergreen; 🌳 tree, oak; 🌴 palm, palm tree; 🎄 christmas tree",
    "plant": """🌱 seedling, sprout; 🌵 cactus; 🌾 rice plant, wheat; 🌿 herb, fern; ☘ shamrock;
        🍀 clover, four leaf clover; 🍁 maple leaf, red leaf; 🍂 fallen leaf, autumn leaf;
        🍃 leaf, green leaf; 🪴 potted plant, houseplant; 🍄 mushroom, toadstool""",
    "food fruit": """🍇 grapes, bunch of grapes; 🍈 melon; 🍉 watermelon; 🍊 orange, tangerine; 🍋 lemon;
        🍌 banana; 🍍 pineapple; 🥭 mango; 🍎 red apple, apple; 🍏 green apple, apple; 🍐 pear; 🍑 peach;
        🍒 cherries; 🍓 strawberry; 🫐 blueberries; 🥝 kiwi; 🍅 tomato; 🫒 olive; 🥥 coconut""",
    "food vegetable": """🥑 avocado; 🍆 aubergine, eggplant; 🥔 potato; 🥕 carrot; 🌽 corn, maize;
        🌶 chilli, hot pepper; 🫑 green pepper, bell pepper; 🥒 cucumber; 🥬 lettuce, cabbage;
        🥦 broccoli; 🧄 garlic; 🧅 onion; 🫘 beans""",
    "food": """🥜 peanut, peanuts; 🌰 chestnut; 🍞 bread, loaf of bread; 🥐 croissant; 🥖 baguette;
        🥨 pretzel; 🥯 bagel; 🥞 pancakes; 🧇 waffle; 🧀 cheese; 🍖 meat; 🍗 drumstick, chicken leg;
        🥩 steak; 🥓 bacon; 🍔 burger, hamburger; 🍟 fries, chips; 🍕 pizza, slice of pizza; 🌭 hot dog;
        🥪 sandwich; 🌮 taco; 🌯 burrito; 🥚 egg; 🍳 fried egg, frying pan; 🥗 salad; 🍿 popcorn;
        🧈 butter; 🧂 salt; 🥫 can, canned food; 🍱 bento, lunch box; 🍙 rice ball; 🍚 rice, bowl of rice;
        🍛 curry; 🍜 noodles, ramen, bowl of noodles; 🍝 spaghetti, pasta; 🍣 sushi; 🍤 fried shrimp;
        🥟 dumpling; 🍯 honey, pot of honey; 🥧 pie; 🍫 chocolate, chocolate bar; 🍬 candy, sweet;
        🍭 lollipop; 🍦 ice cream, ice cream cone; 🍧 shaved ice; 🍨 ice cream; 🍩 doughnut, donut;
        🍪 cookie, biscuit; 🎂 birthday cake, cake; 🍰 cake, slice of cake; 🧁 cupcake, muffin;
        🍮 custard, pudding""",
    "drink": """🥛 milk, glass of milk; ☕ coffee, cup of coffee; 🫖 teapot; 🍵 tea, cup of tea;
        🍾 champagne; 🍷 wine, glass of wine, red wine; 🍸 cocktail, martini; 🍹 tropical drink;
        🍺 beer, mug of beer; 🍻 beers; 🥃 whisky; 🥤 soda; 🧋 bubble tea; 🧃 juice, juice box;
        🍼 baby bottle""",
    "vehicle": """🚂 locomotive, steam train; 🚆 train; 🚄 train, fast train; 🚅 train, bullet train;
        🚇 metro; 🚊 tram; 🚝 monorail; 🚋 tram; 🚌 bus; 🚎 trolleybus, bus; 🚐 van, minibus;
        🚑 ambulance; 🚒 fire engine, fire truck; 🚓 police car; 🚕 taxi, yellow taxi; 🚗 car, red car;
        🚙 car, blue car; 🛻 pickup, pickup truck; 🚚 truck, delivery truck; 🚛 lorry, truck; 🚜 tractor;
        🏎 racing car; 🏍 motorcycle, motorbike; 🛵 scooter, moped; 🛺 rickshaw; 🚲 bicycle, bike;
        🛴 kick scooter; 🛹 skateboard; 🛼 roller skate; 🛷 sled, sledge; ⛵ sailboat, sailing boat;
        🚤 speedboat, boat; 🛶 canoe, kayak; 🛳 ship, cruise ship; ⛴ ferry; 🛥 motorboat; 🚢 ship;
        ✈ airplane, aeroplane, plane; 🛩 small plane, plane; 🚁 helicopter; 🚀 rocket;
        🛸 flying saucer, ufo; 🛰 satellite; 🦽 wheelchair; 🚠 cable car; 🚡 gondola""",
    "building": """🏠 house, home; 🏡 house; 🏚 ruin; 🏢 office building; 🏥 hospital; 🏦 bank; 🏨 hotel;
        🏫 school; 🏭 factory; 🏰 castle; 🏯 japanese castle; ⛪ church; 🕌 mosque; 🕍 synagogue;
        🛕 temple; 🛖 hut; 🏛 classical building; 🏟 stadium; 🗼 tower; ⛺ tent; 🎪 circus tent, circus;
        🗽 statue of liberty; ⛲ fountain; 🎡 ferris wheel; 🎢 roller coaster; 🎠 carousel; 🌉 bridge""",
    "weather": """☀ sun; 🌞 sun, sun with a face; ☁ cloud; ⛅ sun behind a cloud;
        ⛈ thunderstorm, storm; 🌧 rain, rain cloud; 🌨 snow, snow cloud; 🌩 lightning;
        🌪 tornado, whirlwind; 🌈 rainbow; ❄ snowflake; ⚡ lightning, lightning bolt; 🌀 cyclone;
        🌬 wind; ☂ umbrella; ☔ umbrella; ☄ comet; 🌙 moon, crescent; 🌕 full moon, moon; ⭐ star;
        🌟 star; 🔥 fire, flame; 💧 drop, water drop; 🌊 wave""",
    "toy snowman": "☃ snowman; ⛄ snowman",
    "tool": """🔨 hammer; 🪓 axe; ⛏ pickaxe; 🛠 tools; 🔧 wrench, spanner; 🪛 screwdriver; 🪚 saw;
        🔩 bolt, screw; ⚙ gear, cog; ⛓ chain; 🧰 toolbox; 🧲 magnet; 🪜 ladder; 🔪 knife, kitchen knife;
        🗡 dagger; ✂ scissors; 🪒 razor; 🧹 broom; 🪣 bucket; 🪝 hook; 🔦 torch, flashlight;
        🧯 fire extinguisher; 🔬 microscope; 🔭 telescope; ✏ pencil; 🖊 pen; 🖋 fountain pen, pen;
        🖌 paintbrush, brush; 🖍 crayon; 🪡 needle; 🔑 key; 🗝 old key, key; 🪤 mousetrap; 🪥 toothbrush;
        ⚖ scales""",
    "instrument": """🎸 guitar; 🎹 piano, keyboard; 🎺 trumpet; 🎻 violin; 🪕 banjo; 🥁 drum;
        🪘 long drum, drum; 🎷 saxophone; 🪗 accordion; 🔔 bell; 🎤 microphone""",
    "ball": """⚽ football, soccer ball; 🏀 basketball; 🏈 american football; ⚾ baseball; 🎾 tennis ball;
        🏐 volleyball; 🏉 rugby ball; 🎱 billiard ball; 🎳 bowling; 🥎 softball""",
    "toy": """🪁 kite; 🎈 balloon, red balloon; 🧸 teddy bear, teddy; 🎲 die, dice; 🪀 yoyo;
        🪆 nesting dolls; 🧩 jigsaw piece, puzzle; ♟ chess pawn, pawn""",
    "clothing": """👓 glasses; 🕶 sunglasses; 🥽 goggles; 👔 tie, shirt and tie; 👕 shirt;
        👖 jeans, trousers; 🧣 scarf; 🧤 gloves; 🧥 coat; 🧦 socks; 👗 dress; 👘 kimono; 👙 bikini;
        🩳 shorts; 👚 blouse; 👜 handbag, bag; 👛 purse; 🎒 backpack, rucksack; 👞 shoe, brown shoe;
        👟 trainer, sneaker, shoe; 🥾 boot, hiking boot; 👠 high heel, red shoe; 👢 boot; 👡 sandal;
        🩰 ballet shoes; 👑 crown; 👒 hat; 🎩 top hat, hat; 🎓 graduation cap; 🧢 cap, blue cap;
        🪖 helmet; 💍 ring; 👝 pouch""",
    "furniture": """🪑 chair; 🛏 bed; 🛋 sofa, couch; 🚪 door; 🪟 window; 🪞 mirror; 🚽 toilet;
        🛁 bath, bathtub; 🚿 shower; 🖼 painting, picture frame; 🗑 bin, wastebasket; 🕯 candle;
        💡 light bulb, bulb; 🏮 lantern; 🕰 clock; ⏰ alarm clock, clock""",
    "device": """⌚ watch; 📱 phone, mobile phone; ☎ telephone; 📞 telephone receiver;
        💻 laptop, computer; 🖥 computer, desktop computer; 🖨 printer; ⌨ computer keyboard;
        🖱 computer mouse; 📺 television, tv; 📻 radio; 📷 camera; 📸 camera with flash; 🎥 film camera;
        📹 video camera; 🔋 battery; 🎮 game controller; 🕹 joystick; 🎧 headphones; 🤖 robot;
        💾 floppy disk""",
    "book": """📕 red book, book; 📗 green book, book; 📘 blue book, book; 📙 orange book, book;
        📖 open book, book; 📚 books, stack of books; 📓 notebook; 📰 newspaper; 🗺 map;
        ✉ letter, envelope; 📦 parcel, box""",
    "heart": """❤ red heart, heart; 🧡 orange heart, heart; 💛 yellow heart, heart;
        💚 green heart, heart; 💙 blue heart, heart; 💜 purple heart, heart; 🖤 black heart, heart;
        🤍 white heart, heart; 🤎 brown heart, heart; 💔 broken heart; 💘 heart with an arrow;
        💝 heart with a ribbon""",
    "face": """😀 smiling face, smile; 😂 laughing face, tears of joy; 😉 winking face, wink;
        😊 happy face; 😍 face in love; 😎 face with sunglasses, cool face; 😐 neutral face;
        😢 crying face; 😭 sobbing face; 😠 angry face; 😡 furious face, red face; 😱 screaming face;
        😴 sleeping face; 😷 face with a mask; 🤢 sick face, green face; 🥶 freezing face, blue face;
        🤔 thinking face; 🤠 cowboy; 🤡 clown; 🥳 partying face; 🧐 face with a monocle;
        😇 angel face, halo; 😘 face blowing a kiss; 🙁 sad face; 😮 surprised face; 🤓 nerd;
        🤐 zipped mouth; 🤒 face with a thermometer; 🤕 face with a bandage; 👹 ogre; 👺 goblin; 👻 ghost;
        👽 alien; 👾 space invader; 💀 skull; 😈 devil; 🎃 pumpkin, jack o lantern""",
    "person": """👶 baby; 👦 boy; 👧 girl; 👨 man; 👩 woman; 👴 old man; 👵 old woman, grandmother;
        👮 police officer; 👷 builder; 👸 princess; 🤴 prince; 👰 bride; 🎅 santa, father christmas;
        🧙 wizard; 🧚 fairy; 🧛 vampire; 🧜 mermaid; 🧟 zombie; 🥷 ninja; 💃 dancer; 🏃 runner; 🏄 surfer;
        🏊 swimmer; 🚴 cyclist; ⛷ skier; 🏂 snowboarder; 🏇 jockey; 🧗 climber; 🤺 fencer""",
    "body part": """👀 eyes; 👁 eye; 👂 ear; 👃 nose; 👄 mouth, lips; 👅 tongue; 🦷 tooth; 🦴 bone;
        🧠 brain; 🦶 foot""",
    "landscape": """🌋 volcano; 🗻 mountain, mount fuji; ⛰ mountain; 🏔 snowy mountain, mountain;
        🏖 beach; 🏝 island, desert island; 🏜 desert; 🏞 park; 🌅 sunrise; 🌇 sunset;
        🌆 city at dusk, city; 🏙 skyline, city; 🌃 city at night; 🌌 milky way; 🌍 earth, globe;
        🌎 earth, globe; 🪐 planet, saturn""",
}
"""Common things by kind: a glyph and its names, the most usual one first, then the next glyph."""

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
    named = [
        Thing(entry.split()[0], _names(entry), _kinds(kinds))
        for kinds, entries in NAMED.items()
        for entry in entries.split(";")
    ]
    further = [_from_unicode(glyph) for glyph in "".join(FURTHER.split())]
    return tuple(sorted([*named, *further], key=lambda thing: thing.glyph))


def _names(entry: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in entry.strip().partition(" ")[2].split(","))


def _kinds(text: str) -> tuple[str, ...]:
    return (text,) if text == "body part" else tuple(text.split())


def _from_unicode(glyph: str) -> Thing:
    name = unicodedata.name(glyph).lower().removeprefix("white ").removeprefix("black ").replace("-", " ")
    return Thing(glyph, (name,), ("face",) if name.endswith(" face") else ())


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
