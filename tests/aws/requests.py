"""Requests made up from a service's model: every one is as the model wants it, by chance alone."""

from datetime import datetime, timezone

TEXTS = ("", "a", "ami-0123456789abcdef0", "Zürich", "a b+c&d=e/f?g%20h", "~*'()!;:@,$#[]", "\n\t",
         "日本", "😀", "x" * 300)


class Requests:
    """Grown from one source of chance, so that a seed gives the same again."""

    def __init__(self, chance, fullness=0.4):
        self.chance = chance
        self.fullness = fullness   # of an object: how likely each member that may be is there

    def of(self, shape, depth=0):
        return getattr(self, f"_{shape.type_name}")(shape, depth)

    def _structure(self, shape, depth):
        fullness = self.fullness if depth else self.chance.random()
        names = [name for name in shape.members
                 if name in shape.required_members or self.chance.random() < fullness]
        self.chance.shuffle(names)
        return {name: self.of(shape.members[name], depth + 1) for name in names}

    def _list(self, shape, depth):
        count = self.chance.choice((0, 1, 1, 2, 3, 11))
        return [self.of(shape.member, depth + 1) for _ in range(count)]

    def _string(self, shape, _depth):
        if getattr(shape, "enum", None) and self.chance.random() < 0.8:
            return self.chance.choice(shape.enum)
        return self.chance.choice(TEXTS)

    def _integer(self, _shape, _depth):
        return self.chance.choice((0, 1, 7, -1, 2**31 - 1, 2**53, -2**53))

    def _boolean(self, _shape, _depth):
        return self.chance.random() < 0.5

    def _timestamp(self, _shape, _depth):
        moment = datetime.fromtimestamp(self.chance.randrange(2**32), timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
