# SPDX-License-Identifier: MIT
"""The members `dimension`, `engines`, `storage_growth`, `upgrades` and an arm's `settings`. All of them may be missing."""

import model_experiments
import textsafe

_BYTES = {"low": 0, "high": 1e18}
_SECONDS = {"low": 0, "high": 1e9}
_USERS = (1, 10, 100, 1000)
_MOST_SETTINGS = 40
_MOST_USERS = 10**9


def settings(node):
    """((name, number or text), ...) of an arm; members of a member get its name and a dot in front."""
    found = []
    for name, member in node.items():
        nested = member.items() if isinstance(member.value, dict) else [(None, member)]
        for below, value in nested:
            shown = textsafe.one_line(name if below is None else f"{name}.{below}", 60)
            found.append((shown, _setting(value)))
            if len(found) > _MOST_SETTINGS:
                node.fail(f"has more than the {_MOST_SETTINGS} settings a report can show")
    return tuple(found)


def _setting(node):
    if isinstance(node.value, bool):
        return "yes" if node.value else "no"
    if isinstance(node.value, str):
        return node.text()
    if node.missing():
        return "none"
    return node.number(low=-1e18, high=1e18)


def dimension(node):
    if node.missing():
        return None
    name = node.object().get("name").text(limit=60)
    return model_experiments.Dimension(name=name, label=node.get("label").text(name, 80) or name, unit=node.get("unit").text("", 20))


def engines(node):
    found = {}
    for element in node.list(limit=1000):
        name = element.object().get("name").text()
        if name in found:
            element.get("name").fail(f"{name!r} is there twice")
        cannot = tuple((textsafe.one_line(trait, 60), why.text("no reason recorded", 300)) for trait, why in element.get("cannot").items())
        found[name] = model_experiments.Engine(name=name, cannot=cannot)
    return tuple(found.values())


def storage_growth(node, names):
    if node.missing():
        return None
    rows = _unique_arms(node.object().get("arms").list(required=True, limit=1000), names, _disk_use)
    users = tuple(_positive(count, _MOST_USERS) for count in node.get("users").list(limit=50)) or _USERS
    return model_experiments.StorageGrowth(rows=rows, users=tuple(sorted(set(users))))


def _disk_use(node, arm):
    per_user = _required(node.get("per_user_bytes"), _BYTES)
    least, most = node.get("per_user_min").number(**_BYTES), node.get("per_user_max").number(**_BYTES)
    span = None if least is None or most is None else (least, most)
    if span and not least <= per_user <= most:
        node.get("per_user_bytes").fail(f"{per_user:g} is not between per_user_min and per_user_max")
    images = tuple((textsafe.one_line(name, 60), _required(size, _BYTES)) for name, size in node.get("images").items())
    return model_experiments.DiskUse(arm=arm, shared_bytes=_required(node.get("shared_bytes"), _BYTES), per_user_bytes=per_user, per_user_range=span,
                                     measured_users=_positive(node.get("measured_users"), _MOST_USERS), images=images)


def upgrades(node, names):
    return _unique_arms(node.list(limit=1000), names, _upgrade)


def _upgrade(node, arm):
    possible = node.get("possible").flag(True)
    users = node.get("of").count(0)
    clean = node.get("file_system_clean")
    return model_experiments.Upgrade(
        arm=arm, possible=possible, why=node.get("why").text("", 400), of=users, booted=_part(node.get("booted"), users),
        exchange_s=tuple(_required(value, _SECONDS) for value in node.get("exchange_s").list(limit=100_000)),
        bytes_per_user=node.get("bytes_per_user").number(**_BYTES), overrides_kept=_part(node.get("overrides_kept"), users),
        updates_seen=_part(node.get("updates_seen"), users), file_system_clean=None if clean.missing() else _part(clean, users),
        failures=tuple(line.text(limit=400) for line in node.get("failures").list(limit=1000)))


def _unique_arms(nodes, names, parse):
    rows = {}
    for node in nodes:
        arm = names.arm(node.object().get("arm"))
        if arm in rows:
            node.get("arm").fail(f"{textsafe.one_line(arm, 60)!r} is there twice")
        rows[arm] = parse(node, arm)
    return tuple(rows.values())


def _required(node, bounds):
    value = node.number(**bounds)
    if value is None:
        node.fail("expected a number, found null")
    return value


def _positive(node, most):
    count = node.count()
    if not 1 <= count <= most:
        node.fail(f"{count} is out of range (1 to {most})")
    return count


def _part(node, whole):
    count = node.count(0)
    if count > whole:
        node.fail(f"{count} of {whole} cannot be")
    return count
