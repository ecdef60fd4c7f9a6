"""Texts of HOCON as operators write them, made up at random; and some by hand."""

import json

import confs

# Names of ours, to be overridden (pyhocon does not lay an object over a text), and others.
OURS = ["agent.venvs_dir", "agent.vcs_cache.path", "sdk.storage.cache.default_base_dir",
        "sdk.aws.s3.region", "environment.A", "files.f0.mode"]
PATHS = OURS + ["agent.vcs_cache.enabled", "agent.new_one", "agent.package_manager.type",
                "sdk.development.worker.x", "api.http.x", "more.a.b", "more.c"]
UNQUOTED = ["abc", "a b  c", "/path/to/x", "http://host:1/x?y", "2x", "yes", "<25", "a;b|c",
            "10 days", "5s", "'quoted'"]


def scalar(chance):
    kind = chance.randrange(7)
    if kind == 0:
        return chance.choice(["true", "false", "null", "0", "-7", "1.5", "1e5", "2.5e-3"])
    if kind in (1, 2):
        return chance.choice([text for text in UNQUOTED if "?" not in text])
    if kind == 3:
        text = confs.value(chance).replace('"', "").replace("\\", "").replace("\t", "")
        return '"""' + text + '"""'
    if kind == 4:
        return '"one" two "three"'
    return json.dumps(confs.value(chance)).replace("\\u0041", "A")


def listed(chance):
    items = [chance.choice(["1", "x y", '"z"', "{a: 1}", "[2, 3]", "true"])
             for _ in range(chance.randrange(0, 4))]
    return "[" + chance.choice([", ", "\n", ",\n  ", " , # one more\n"]).join(items) + "]"


def value(chance, path):
    kind = chance.random()
    if kind < 0.2:
        return listed(chance)
    if kind < 0.3 and path not in OURS:
        return chance.choice(["{ q: 1 }", "{q = x, r = [1]\n}", "{}", "{a: 1} {b: 2}"])
    return scalar(chance)


def member(chance, path):
    """One assignment, in one of the ways to write it."""
    steps = path.split(".")
    keep = chance.randrange(0, len(steps))  # of the path: outer objects
    head = ".".join(steps[keep:])
    if len(steps) - keep == 1 and chance.random() < 0.5:
        head = json.dumps(head)
    text = head + chance.choice([" = ", ": ", "=", " : ", " =\n  "]) + value(chance, path)
    for step in reversed(steps[:keep]):
        text = step + chance.choice([" {\n  ", "{ ", ": {", " = {"]) + text + chance.choice(
            ["\n}", " }", "}", ",\n}", " # why\n}"])
    return text


def text(chance):
    paths = [path for path in PATHS if chance.random() < 0.4] or PATHS[:1]
    members = [member(chance, path) for path in paths]
    joined = ""
    for one in members:
        joined += one + chance.choice(["\n", "\n\n", ",\n", "\n# a comment, é\n", " // x\n"])
    if chance.random() < 0.3:
        joined = "{" + joined + "}" + chance.choice(["", "\n", "\n# end"])
    return chance.choice(["", "# first\n", "\n"]) + joined


# extra_conf, where to look, what is there at the second hop (LEAST with environment.A = "a").
CASES = [
    ("agent.venvs_dir = /v", "agent.venvs_dir", "/v"),
    ("agent { venvs_dir: /v }", "agent.docker_pip_cache", "/root/.clearml/caches/pip-cache"),
    ("{ agent.venvs_dir = /v }", "agent.venvs_dir", "/v"),
    ("agent.default_docker.image = mine:2", "agent.default_docker.image", "mine:2"),
    ('agent.default_docker { arguments = ["--ipc=host"] }', "agent.default_docker.arguments",
     ["--ipc=host"]),
    ("environment.A = ${environment.A}\"-more\"", "environment.A", "a-more"),
    ("environment { B = ${environment.A} }", "environment.B", "a"),
    ("x = 1\ny = ${x}", "y", 1),
    ("x = ${?NOT_THERE_AT_ALL}\ny = 2", "x", None),
    ("x = [1]\nx += 2", "x", 2),  # pyhocon: only lists are added to lists
    ("x = [1]\nx += [2]", "x", [1, 2]),
    ("agent.timeout = 10 days", "agent.timeout", "10 days"),  # pyhocon makes a time of it, alone
    ("agent.timeout = 10s\n", "agent.timeout", "10s"),
    ('x = """a\n"b" ${c}"""', "x", 'a\n"b" ${c}'),
    ("x = a#b\n", "x", "a"),
    ("x: 1 # é\n", "x", 1),
    ("agent.venvs_dir = null", "agent.venvs_dir", None),
    ("{}", "environment.A", "a"),
    ("# nothing", "environment.A", "a"),
]

ODD_TEXTS = [
    "a = 1 b = 2", "a = 1 2", "a = 1, b = 2", "a { b = 1 } c = 2", "a = { b = 1 } c = 2",
    "a = [1 2\n3]", "a = [", "a = ]", "a }", "{ a = 1", "{a = 1} b = 2", "{a = 1}, # x", "[1]",
    "a.\"b\" = 1", "\"a.b\" = 1", "\"a\".b = 1", "a = b@c", "a = 1 + 2", "a = +5", "a = 1e+5",
    "a = -", "a = .5", "a = 5.", "a =", "a = ,", "a = \n\n1", "a\n=\n1", "a", "a b", "a b = 1",
    "= 1", ".. = 1", "a.. = 1", "/ = 1", "a // b\n = 1", "a /* b */ = 1", "a = b // c",
    "a = b//c", "a = b /* c */", "a = \"b", "a = \"b\\", "a = \"b\\\"", "a = \"\"\"b\"\"",
    "a = \"\"",
    "a = \"\"\"\"\"\"", "a = \"\"\"b\"\"\"\"\"\"", "a = b\\", "a = b \\\n c", "a = b \\\n\n c",
    "a = b \\ c", "a = $", "a = $b", "a = ${b", "a = ${}", "a = ${?}", "a = x${?b}y", "a = {} x",
    "a = x {}", "a = [] {}", "a = [1] [2]", "a = ${?b} [1]", "a += 1", "a += [1]", "a += x",
    "a = (b)", "a = b;c", "a = 'b'", "a = `b`", "a = b^c", "a = b?c", "a = b!c", "a = b*c",
    "a = b&c", "\"=\" = 1", "\"\" = 1", "\" \" = 1", "12 = 3", "1.5 = 3", "-1 = 2", "a: b: c",
    "a = true", "a = true x", "a = null x", "a = TRUE", "a = true-x", "a = xtrue", "a = trues",
    'a = "x\ty"', 'a = """x\ty"""', "a = x\ty", "a\tb = 1",
    "a = ${?b} null", "a = \"x\" null", "a = null\n", "\ta\t=\t1\t\n",
    "a = 1\r\nb = 2\r", "a = 1\rb = 2",
    ",,a = 1,,\n,b = 2", "a,b", "{,}", "{}{}", "a {b {c {d = 1}}}", "a = [[[1]]]", "a = [{b: [1]}]",
    "a = [1] # x\n# y\n2", "a = 1\n\\\n", "include = 1", "a = include", "include \"x\"",
    "a = [include \"x\"]", "a = \"1\"include \"x\"", "a=include\"x\"", "a = xinclude \"x\"",
]


# What pyhocon reads and we do not take: names that stop the agent later, include, and values of
# which it makes something else than they say (of a tab blanks).
REFUSED_TOO = {'"=" = 1', 'include "x"', 'a = [include "x"]', 'a = "1"include "x"', "a = true x",
               'a = "x\ty"', 'a = """x\ty"""', "a\tb = 1", "a = null x", "a = true-x",
               "a = ${?b} null", 'a = "x" null'}


def is_excused(failure):
    """What no look at the text alone can tell: where a substitution leads, and an addition to what
    is of another kind."""
    return "Cannot resolve" in failure or "Cannot concatenate" in failure

