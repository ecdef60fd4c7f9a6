"""auth.*, users.*, server.*, debug.*, projects.*: the small services around the work."""

from .auth import COMPANY, DEFAULT_TOKEN_SECONDS, LONGEST_TOKEN_SECONDS
from .errors import fail
from .fields import project, select, stored_stamp
from .registry import endpoint
from .queues import check_name
from .store import new_id


@endpoint("auth.login")
def login(call):
    seconds = call.get("expiration_sec", 0)
    if seconds > LONGEST_TOKEN_SECONDS:
        fail("validation", f"error for field 'expiration_sec': '{seconds}' is bigger than "
                           f"maximum ('{LONGEST_TOKEN_SECONDS}')..")
    token = call.server.gate.issue(call.user, seconds or DEFAULT_TOKEN_SECONDS)
    call.cookie = token
    return {"token": token}


@endpoint("auth.logout")
def logout(call):
    call.server.gate.revoke(call.session)
    call.cookie = ""
    return {}


@endpoint("auth.validate_token")
def validate_token(call):
    return fail("role", role="user", allowed="(system, root)")


@endpoint("users.get_current_user")
def get_current_user(call):
    return {
        "user": {"id": call.user.id, "name": call.user.name, "given_name": call.user.name,
                 "family_name": "User", "role": "user", "company": COMPANY,
                 "created": call.server.born},
        "getting_started": {"agentName": "clearml", "configure": "clearml-init",
                            "install": "pip install clearml", "packageName": "clearml"},
        "settings": {"max_download_items": 50000},
    }


@endpoint("users.get_all", checked=False)
def get_all_users(call):
    known = [{"id": user.id, "name": user.name, "given_name": user.name, "family_name": "User",
              "company": COMPANY["id"], "created": call.server.born}
             for user in call.options.users]
    return {"users": [project(user, call.get("only_fields"))
                      for user in select(known, call.data)]}


@endpoint("server.info", open_to_all=True)
def info(call):
    return {"version": "2.0.0", "build": "", "commit": "",
            "api_version": call.options.max_version}


@endpoint("debug.ping", open_to_all=True)
def ping(call):
    return {"msg": "ClearML server"}


@endpoint("projects.create")
def create_project(call):
    name = call.data["name"]
    check_name(name)
    if any(known["name"] == name for known in call.store.all("projects")):
        fail("not_unique", "unique field already contains this value",
             name=name, company=COMPANY["id"])
    moment = stored_stamp(call.now)
    made = {"id": new_id(), "name": name, "basename": name.rpartition("/")[2],
            "description": call.get("description", ""), "user": call.user.id,
            "company": COMPANY["id"], "created": moment, "last_update": moment,
            "tags": call.get("tags", []), "system_tags": call.get("system_tags", [])}
    call.store.put("projects", made["id"], made)
    return {"id": made["id"]}


@endpoint("projects.get_all", checked=False)
def get_all(call):
    found = select(call.store.all("projects"), call.data)
    return {"projects": [project(item, call.get("only_fields")) for item in found]}


@endpoint("projects.get_all_ex", checked=False)
def get_all_ex(call):
    found = select(call.store.all("projects"), call.data)
    return {"projects": [project(item, call.get("only_fields"), with_id=True)
                         for item in found]}
