"""Field work shared by the endpoints: types, filters, projections, times.

`validate` answers wrong types as the real server's models do (400/12), leniently where they are
lenient. The query endpoints have no such model: there a wrong type is a 500, see `select`.
"""

import re
from datetime import datetime, timezone

from .errors import fail, reject

PAGE_LIMIT = 500


def now():
    return datetime.now(timezone.utc)


def stamp(moment):
    """ISO-8601 with offset, as in answers."""
    return moment.isoformat()


def stored_stamp(moment):
    """The same as the documents keep it: to the millisecond."""
    return stamp(moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def parse_stamp(text):
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


# -- types of request fields ------------------------------------------------------------------

_EXPECTED = {"string": (str, "str"), "array": (list, "list"), "object": (dict, "dict")}


def _to_int(value):
    try:
        return int(value)
    except (TypeError, ValueError) as problem:
        return fail("validation", str(problem))


def _to_float(value):
    try:
        return float(value)
    except (TypeError, ValueError) as problem:
        return fail("validation", str(problem))


_CONVERTED = {"integer": _to_int, "number": _to_float, "boolean": bool}


class _Wrong(Exception):
    """What is wrong inside a field; each level of nesting adds its name."""


def _checked(value, schema):
    kind = schema.get("type")
    if kind in _CONVERTED:
        return _CONVERTED[kind](value)
    if kind in _EXPECTED and not isinstance(value, _EXPECTED[kind][0]):
        raise _Wrong(f"('value is wrong, expected type \"{_EXPECTED[kind][1]}\"', {value!r})")
    if "enum" in schema and value not in schema["enum"]:
        raise _Wrong(f"value '{value}' is not a valid choice.")
    if kind == "object" and "properties" in schema:
        return _checked_object(value, schema)
    return value


def _checked_object(value, schema):
    out = dict(value)
    for name, below in schema["properties"].items():
        if value.get(name) is None:
            continue
        try:
            out[name] = _checked(value[name], below)
        except _Wrong as problem:
            raise _Wrong(f"error for field '{name}': {problem}.") from None
    return out


def validate(data, schema):
    """The request's fields with numbers converted; raises 400/12. Unknown fields stay."""
    for name in schema.get("required", []):
        if data.get(name) is None:
            fail("validation", f"error for field '{name}'. field is required!")
    if "properties" not in schema:
        return dict(data)
    try:
        return _checked_object(data, schema)
    except _Wrong as problem:
        return fail("validation", str(problem))


# -- filters of the query endpoints -----------------------------------------------------------

def dig(document, path):
    """The value at a dotted path, or None."""
    for part in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document


def _pattern(text, flags=0):
    try:
        return re.compile(text, flags)
    except TypeError as problem:
        return reject(str(problem))
    except re.error as problem:
        return fail("validation", str(problem))


def _has_tags(present, wanted):
    """A list of tags: any of them, `-tag` excludes, `__$all` and `__$not` as the server has."""
    any_of, all_of, none_of = [], [], []
    into, exclude_next = any_of, False
    for tag in wanted:
        if tag == "__$all":
            into = all_of
        elif tag in ("__$any", "__$or"):
            into = any_of
        elif tag == "__$not":
            exclude_next = True
        elif exclude_next or tag.startswith("-"):
            none_of.append(tag if exclude_next else tag[1:])
            exclude_next = False
        else:
            into.append(tag)
    present = set(present or [])
    return (not present.intersection(none_of) and present.issuperset(all_of)
            and (not any_of or bool(present.intersection(any_of))))


def _matches_fields(document, rule, combine):
    found = _pattern(rule.get("pattern", ""), re.IGNORECASE)
    return combine(isinstance(dig(document, field), str) and bool(found.search(
        dig(document, field))) for field in rule.get("fields", []))


def _after(value, conditions):
    for condition in conditions:
        operator, moment = re.fullmatch(r"([<>]=?|)(.*)", condition).groups()
        if value is None:
            return False
        have, want = parse_stamp(value), parse_stamp(moment)
        if not {">=": have >= want, ">": have > want, "<=": have <= want, "<": have < want,
                "": have == want}[operator]:
            return False
    return True


_LISTS = ("id", "user", "project", "status", "type", "parent", "execution.queue")
_DATES = ("status_changed", "last_update", "last_change", "created", "started")


def _filters(data):
    """The predicates that a query's fields ask for."""
    rules = []
    if data.get("name") is not None:
        pattern = _pattern(data["name"])
        rules.append(lambda doc: pattern.search(doc.get("name", "")))
    for field in _LISTS:
        if data.get(field):
            wanted = data[field] if isinstance(data[field], list) else [data[field]]
            rules.append(lambda doc, f=field, w=wanted: dig(doc, f) in w)
    for field in ("tags", "system_tags"):
        if data.get(field):
            rules.append(lambda doc, f=field, w=data[field]: _has_tags(doc.get(f), w))
    for field in _DATES:
        if data.get(field):
            wanted = data[field] if isinstance(data[field], list) else [data[field]]
            rules.append(lambda doc, f=field, w=wanted: _after(doc.get(f), w))
    if data.get("_any_"):
        rules.append(lambda doc: _matches_fields(doc, data["_any_"], any))
    if data.get("_all_"):
        rules.append(lambda doc: _matches_fields(doc, data["_all_"], all))
    return rules


def _ordered(documents, order_by):
    for field in reversed(order_by or []):
        path = field.lstrip("-")
        documents.sort(key=lambda doc: (dig(doc, path) is not None, dig(doc, path) or ""),
                       reverse=field.startswith("-"))
    return documents


def _page(documents, data):
    page, size = data.get("page"), data.get("page_size")
    for value in (page, size):
        if value is not None and not isinstance(value, int):
            reject(f"'<' not supported between instances of '{type(value).__name__}' and 'int'")
    if (page is not None and page < 0) or (size is not None and size < 1):
        fail("validation", "page must be >=0 and page_size must be >= 1")
    size = min(size or PAGE_LIMIT, PAGE_LIMIT)
    start = (page or 0) * size
    return documents[start:start + size]


def select(documents, data):
    """Filter, order and cut to a page (500 at most, silently)."""
    rules = _filters(data)
    found = [doc for doc in documents if all(rule(doc) for rule in rules)]
    return _page(_ordered(found, data.get("order_by")), data)


# -- projections ------------------------------------------------------------------------------

def _copy_path(source, target, parts):
    if not isinstance(source, dict) or parts[0] not in source:
        return
    if len(parts) == 1:
        target[parts[0]] = source[parts[0]]
    elif isinstance(source[parts[0]], dict):
        _copy_path(source[parts[0]], target.setdefault(parts[0], {}), parts[1:])


def project(document, only_fields, with_id=False):
    """The document cut to `only_fields` (dotted paths); all of it if there are none."""
    if not only_fields:
        return document
    out = {}
    for field in (["id"] if with_id else []) + list(only_fields):
        _copy_path(document, out, field.split("."))
    return out
