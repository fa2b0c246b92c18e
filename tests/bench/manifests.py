"""Objects of eight kinds, always the same: what a cluster of many small services looks like."""
import base64
import hashlib
import json
import os

# Of each thousand.
KINDS = {"ConfigMap": 300, "Secret": 200, "Deployment": 150, "Service": 100, "NetworkPolicy": 100, "StatefulSet": 50, "Ingress": 50, "CronJob": 50}
VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "NetworkPolicy": "networking.k8s.io/v1", "Ingress": "networking.k8s.io/v1", "CronJob": "batch/v1"}
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}
NAMESPACES = [f"team-{n}" for n in range(10)]


def noise(seed, size):
    """`size` digits that do not compress, the same for the same seed."""
    text = ""
    while len(text) < size:
        text += hashlib.sha256(f"{seed}/{len(text)}".encode()).hexdigest()
    return text[:size]


def container(name, owner, port, volume):
    made = {
        "name": name, "image": f"registry.example/{owner}/{name}:1.4.2", "imagePullPolicy": "IfNotPresent",
        "env": [{"name": f"OPTION_{i}", "value": noise(f"{owner}{name}{i}", 12)} for i in range(6)]
        + [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "secret-000", "key": "password"}}}],
        "ports": [{"name": "http" if name == "main" else "metrics", "containerPort": port, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": port}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/live", "port": port}, "initialDelaySeconds": 10},
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
    }
    return {**made, "volumeMounts": [{"name": volume, "mountPath": "/data"}]} if volume else made


def pod(name, labels, volume=None):
    return {
        "metadata": {"labels": labels, "annotations": {"checksum/config": noise(name, 64)}},
        "spec": {"containers": [container("main", name, 8080, volume), container("side", name, 9090, volume)],
                 "securityContext": {"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}}},
    }


def spec(kind, at, name, app, namespace, labels):
    """What an object says besides its metadata."""
    pick, seed = {"app.kubernetes.io/name": app}, f"{kind}{at}"
    replicas = {"replicas": 0, "selector": {"matchLabels": pick}}
    if kind == "ConfigMap":
        lines = "".join(f"option_{k} = {noise(f'{seed}c{k}', 24)}\n" for k in range(20))
        return {"data": {**{f"key-{k}": noise(f"{seed}{k}", 60) for k in range(8)}, "app.conf": lines}}
    if kind == "Secret":
        return {"type": "Opaque", "data": {key: base64.b64encode(noise(seed + key, 32).encode()).decode() for key in ("username", "password", "token")}}
    if kind == "Service":
        return {"spec": {"selector": pick, "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
                                                     {"name": "metrics", "port": 9090, "targetPort": 9090, "protocol": "TCP"}]}}
    if kind == "Deployment":
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        return {"spec": {**replicas, "strategy": rolling, "template": pod(name, labels)}}
    if kind == "StatefulSet":
        claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        return {"spec": {**replicas, "serviceName": app, "template": pod(name, labels, "data"), "volumeClaimTemplates": [claim]}}
    if kind == "NetworkPolicy":
        return {"spec": {"podSelector": {"matchLabels": pick}, "policyTypes": ["Ingress", "Egress"],
                         "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": namespace}}}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
                         "egress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.9.0/24"]}}]}]}}
    if kind == "Ingress":
        host = f"{app}.{namespace}.example"
        service = {"service": {"name": f"service-{at // 10:03}", "port": {"name": "http"}}}
        return {"spec": {"tls": [{"hosts": [host], "secretName": "secret-000"}], "rules": [
            {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": service} for path in ("/", "/api")]}}]}}
    job = pod(name, labels)
    job["spec"]["restartPolicy"] = "OnFailure"
    return {"spec": {"schedule": f"{at % 60} 3 * * *", "suspend": True, "concurrencyPolicy": "Forbid",
                     "jobTemplate": {"spec": {"backoffLimit": 2, "template": job}}}}


def make(kind, at, prefix=""):
    name, namespace, app = f"{prefix}{kind.lower()}-{at // 10:03}", f"team-{at % 10}", f"app-{at // 10:03}"
    labels = {"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": namespace, "app.kubernetes.io/managed-by": "bench"}
    return {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels},
            **spec(kind, at, name, app, namespace, labels)}


def path(thing):
    """Where the API server has an object."""
    root = "apis" if "/" in thing["apiVersion"] else "api"
    plural = PLURALS.get(thing["kind"], thing["kind"].lower() + "s")
    return f"/{root}/{thing['apiVersion']}/namespaces/{thing['metadata']['namespace']}/{plural}/{thing['metadata']['name']}"


def lists():
    """The path of a list of each kind, over all namespaces."""
    for kind in KINDS:
        version = VERSIONS.get(kind, "v1")
        yield f"/{'apis' if '/' in version else 'api'}/{version}/{PLURALS.get(kind, kind.lower() + 's')}"


def yaml(value, depth=0):
    """Plain data as YAML in blocks; JSON's quotes are YAML's double quotes."""
    pad = "  " * depth
    nested = lambda it: isinstance(it, (dict, list)) and it
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{key}:" + ("\n" + yaml(it, depth + 1) if nested(it) else " " + yaml(it)) for key, it in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}- " + yaml(it, depth + 1).lstrip() for it in value)
    return json.dumps(value) + "\n"


def write(folder, count, prefix=""):
    """Writes `count` objects: `NAMESPACE.yaml` for kubectl and play, `objects.jsonl` (`{path, object}` a line) for bare requests, and a
    playbook with one task a namespace."""
    os.makedirs(folder, exist_ok=True)
    objects = [make(kind, at, prefix) for kind, share in KINDS.items() for at in range(share * count // 1000)]
    for namespace in NAMESPACES:
        with open(os.path.join(folder, f"{namespace}.yaml"), "w") as file:
            file.writelines("---\n" + yaml(it) for it in objects if it["metadata"]["namespace"] == namespace)
    with open(os.path.join(folder, "objects.jsonl"), "w") as file:
        file.writelines(json.dumps({"path": path(it), "object": it}) + "\n" for it in objects)
    tasks = "".join(f"    - k8s: {{src: {namespace}.yaml}}\n" for namespace in NAMESPACES)
    with open(os.path.join(folder, "site.yml"), "w") as file:
        file.write(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    return len(objects)


def namespaces():
    """The namespaces themselves, as bare requests."""
    for name in NAMESPACES:
        thing = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}}
        yield {"path": f"/api/v1/namespaces/{name}", "object": thing}
