# SPDX-License-Identifier: MIT
"""The member `host` of the document, of an experiment without guests. Missing in all others."""

import model


def host(node, names):
    """A `model.Host`, or None. `names` knows the arms and metrics of the document."""
    if node.missing():
        return None
    node.object()
    cases = tuple(_case(element, names) for element in node.get("cases").list(required=True, limit=1000))
    known = {case.id for case in cases}
    if len(known) != len(cases):
        node.get("cases").fail("a case is there twice")
    return model.Host(cases=cases, skipped=_reasons(node.get("skipped"), names, known), failed=_reasons(node.get("failed"), names, known))


def _case(node, names):
    node.object()
    group = node.get("group").text()
    if group not in model.HOST_GROUPS:
        node.get("group").fail(f"expected one of {', '.join(model.HOST_GROUPS)}")
    name = node.get("id").key()
    return model.HostCase(id=name, label=node.get("label").text(name) or name, group=group, layers=node.get("layers").count(1),
                          metric=names.metric(node.get("metric")), cpu_metric=names.metric(node.get("cpu_metric")))


def _reasons(node, names, known):
    reasons = []
    for element in node.list():
        case = element.object().get("case").key()
        if case not in known:
            element.get("case").fail(f"no case has the id {case!r}")
        reasons.append((names.arm(element.get("arm")), case, element.get("reason").text("no reason recorded", 400)))
    return tuple(reasons)
