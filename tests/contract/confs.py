"""Bundles made up at random, and what clearml-agent must find of them in its configuration."""

import base64
import json

ODD = ['"', "\\", "\n", "\r", "\t", "$", "${HOME}", "${?x}", "#", "//", "'", '"""', "`", "{", "}",
       "[", "]", ",", "=", ":", "+=", " ", "  ", "\\n", "\\u0041", "\\/", "include \"x\"", "null",
       "true", "7", "1.50", "10 days", "@", "%", "a", "Z", "0", "-", "_", ".", "~"]
FOREIGN = ["é", "☃", "😀", "\x7f", "\x85", "\ufeff", "\x01", "\b", "\f", "\x1b"]
ACCOUNT = {"type": "service_account", "token_uri": "https://oauth2.googleapis.com/token"}


def value(chance, most=12):
    return "".join(chance.choice(ODD) for _ in range(chance.randrange(0, most)))


def line(chance):
    """One that is not empty."""
    return "x" + "".join(chance.choice([odd for odd in ODD if odd not in "\n\r\t"])
                         for _ in range(chance.randrange(0, 12)))


def token(chance):
    """What reaches git whole, through a shell script and through a netrc file."""
    return "x" + "".join(chance.choice("aZ09_.~-+/=!%^&*(){}[]|;:'<>,?@#")
                         for _ in range(chance.randrange(0, 40)))


def name(chance, rest="ABCxyz_059"):
    return chance.choice("ABCXYZabc") + "".join(
        chance.choice(rest) for _ in range(chance.randrange(0, 10)))


def some(chance, most, make):
    return [make(i) for i in range(chance.randrange(0, most + 1))]


def s3(chance, i):
    key = {"key": "KEY-%d" % i, "secret": line(chance)}
    if i:
        key[chance.choice(["bucket", "host"])] = "place-%d" % i
    if "host" in key and chance.random() < 0.5:
        key["bucket"] = "bucket"
    for field, made in (("region", "eu-1"), ("token", line(chance)),
                        ("secure", "host" not in key or chance.random() < 0.5),
                        ("verify", i == 0 or chance.random() < 0.5)):
        if chance.random() < 0.5:
            key[field] = made
    return key


def account(chance):
    made = {**ACCOUNT, "client_email": line(chance), "private_key": value(chance) + "\n.",
            name(chance): value(chance)}
    text = json.dumps(made, indent=chance.choice([None, 2]))
    return made if chance.random() < 0.5 else text


def gcs(chance, i):
    key = {"project": "project-%d" % i, "credentials": account(chance)}
    if i:
        key["bucket"] = "bucket-%d" % i
        if chance.random() < 0.5:
            key["subdir"] = "a/b-%d" % i
    return key


def azure(chance, i):
    key = {"account": "account%d" % (i // 2), "key": line(chance)}
    if i % 2:
        key["container"] = "container-%d" % i
    return key


def contents(chance):
    if chance.random() < 0.3:
        return {"base64": base64.b64encode(chance.randbytes(chance.randrange(0, 300))).decode()}
    odd = ODD + FOREIGN if chance.random() < 0.5 else ODD
    return {"contents": "".join(chance.choice(odd) for _ in range(chance.randrange(0, 12)))}


def file(chance, i):
    made = {"path": "~/%s/%d" % (name(chance), i), **contents(chance)}
    if chance.random() < 0.5:
        made["mode"] = chance.choice(["0600", "0644", "0755", "0700"])
    return made


def one_or_list(chance, items):
    return items[0] if len(items) == 1 and chance.random() < 0.5 else items


def bundle(chance, variables=10):
    return {
        "prefix": "p", "clearml": {"access_key": "ACCESS", "secret_key": line(chance)},
        "git": one_or_list(chance, some(chance, 3, lambda i: {
            "user": token(chance).replace(":", ""), "token": token(chance),
            "host": "Git%d.example.org" % i})),
        "s3": one_or_list(chance, some(chance, 3, lambda i: s3(chance, i))),
        "gcs": one_or_list(chance, some(chance, 2, lambda i: gcs(chance, i))),
        "azure": one_or_list(chance, some(chance, 4, lambda i: azure(chance, i))),
        "environment": {name(chance): value(chance) for _ in range(variables)},
        "files": {"f%d" % i: file(chance, i) for i in range(chance.randrange(0, 4))},
    }


# -- what the agent must find -----------------------------------------------------------------


def items(given):
    return [given] if isinstance(given, dict) else given or []


def without(key, *fields):
    return {field: key[field] for field in key if field not in fields}


def wanted_git(given):
    first = items(given)[:1]
    if not first:
        return {}
    wanted = {"git_user": first[0]["user"], "git_pass": first[0]["token"]}
    if "host" in first[0]:
        wanted["git_host"] = first[0]["host"].lower()
    return wanted


def netrc(given):
    return "".join("machine %s\nlogin %s\npassword %s\n" % (
        login["host"].lower(), login["user"], login["token"]) for login in items(given)[1:])


def wanted_s3(given):
    section = {"credentials": []}
    for key in items(given):
        key = {field: made for field, made in key.items()
               if field not in ("secure", "verify") or not made}  # their defaults are not written
        if "bucket" in key or "host" in key:
            section["credentials"].append(key)
        else:
            section.update(key)
    return section


def wanted_gcs(given):
    section = {"credentials": []}
    for key in items(given):
        made = {**without(key, "credentials"), "credentials_json": key["credentials"]}
        section["credentials"].append(made) if "bucket" in key else section.update(made)
    return section


def with_accounts_read(section):
    """The same with its JSON texts read."""
    def read(key):
        text = key.get("credentials_json")
        return {**key, "credentials_json": json.loads(text)} if isinstance(text, str) else key

    return read({**section, "credentials": [read(key) for key in section["credentials"]]})


def wanted_azure(given):
    keys = [{"account_name": key["account"], "account_key": key["key"],
             **({"container_name": key["container"]} if "container" in key else {})}
            for key in items(given)]
    return {"containers": sorted(keys, key=lambda key: "container_name" not in key)}


def wanted_sdk(given):
    wanted = {}
    if items(given.get("s3")):
        wanted["aws"] = {"s3": wanted_s3(given["s3"])}
    if items(given.get("gcs")):
        wanted["google"] = {"storage": with_accounts_read(wanted_gcs(given["gcs"]))}
    if items(given.get("azure")):
        wanted["azure"] = {"storage": wanted_azure(given["azure"])}
    return wanted


def wanted_files(given):
    """Path below the home, bytes, mode."""
    wanted = {}
    for made in given.get("files", {}).values():
        data = base64.b64decode(made["base64"]) if "base64" in made else made["contents"].encode()
        wanted[made["path"]] = (data, int(made.get("mode", "0600"), 8))
    if netrc(given.get("git")):
        wanted["~/.netrc"] = (netrc(given["git"]).encode(), 0o600)
    return wanted
