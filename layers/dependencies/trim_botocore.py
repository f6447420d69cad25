"""Cut botocore's data down to what is called: the descriptions of a few services, without prose.

Usage: trim_botocore.py <botocore/data> <service>…

Creating the first client parses endpoints.json (1.2 MB over four hundred services) and the model of
its service (documentation included); both cost tens of milliseconds of every cold start.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path


def without_prose(value: object) -> object:
    """The same without `documentation` texts."""
    match value:
        case dict():
            return {
                # botocore asks for the texts of these when it makes a client.
                name: each if name == "clientContextParams" else without_prose(each)
                for name, each in value.items()
                if not (name == "documentation" and isinstance(each, str))
            }
        case list():
            return [without_prose(each) for each in value]
        case _:
            return value


def trim(data: Path, services: frozenset[str]) -> None:
    """Trim a data folder in place."""
    for folder in [path for path in data.iterdir() if path.is_dir() and path.name not in services]:
        shutil.rmtree(folder)
    for path in sorted(data.rglob("examples-1.json*")):
        path.unlink()
    for path in sorted(data.rglob("*.json.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    for path in sorted(data.rglob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if path.name == "endpoints.json":
            for partition in document["partitions"]:
                known = partition["services"]
                partition["services"] = {name: known[name] for name in services & known.keys()}
        path.unlink()  # a new file, whoever else may hold the old one by a link
        path.write_text(json.dumps(without_prose(document), separators=(",", ":")))


if __name__ == "__main__":
    trim(Path(sys.argv[1]), frozenset(sys.argv[2:]))
